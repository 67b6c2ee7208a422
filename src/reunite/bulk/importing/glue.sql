-- Which rows of an identity have which of the identifiers that several rows share.
-- name: glue
select member.n, member.type, member.key
from (
  select rowid::integer as n, 'email' as type, email as key from aged where not email_blocked
  union all
  select rowid::integer, 'phone', ltrim(phone, '+') from aged where not phone_blocked
) as member
join first using (type, key)
join component on component.n = member.n
join home on home.first = component.first
where first.rows > 1 and home.identity_id = $identity_id
