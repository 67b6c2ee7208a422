-- A store as it is left by requests that each made one contact. Of ten, six brought an e-mail and a
-- phone, then three the e-mail of one of these six (or of those in any ten before) with a new phone,
-- then one an e-mail alone. What is said are numbers, as in rows.sql.

-- name: make_request
create table request as
select
  n + 1 as id,
  if(
    n % 10 between 6 and 8,
    md5_number_lower(n::varchar) % (n // 10 + 1) * 10 + n % 10 - 6,
    n
  )::bigint + 1 as identity_id,
  n % 10 < 9 as has_phone,
  -- One a second.
  epoch_us(timestamp '2024-01-01') + n * 1000000 as "at"
from range($contacts) as requests(n)

-- name: contact
select
  id,
  identity_id,
  "at" as created_at,
  address_of(identity_id) as email,
  if(has_phone, '+49' || digits_of(id), null) as phone,
  id as position,
  'presented' as source,
  if(identity_id = id, 'email', 'phone') as anchor,
  null as voided
from request

-- name: identifier
select 'email' as type, address_of(id) as key, id as contact_id, null as blocked_by
from request
where identity_id = id
union all
select 'phone' as type, '49' || digits_of(id) as key, id as contact_id, null as blocked_by
from request
where has_phone
order by type, key

-- name: journal
select
  id as position,
  if(identity_id = id, 'created', 'extended') as type,
  "at",
  id as contact_id,
  nullif(identity_id, id) as with_contact_id,
  identity_id as primary_id,
  null as demoted_id,
  id as contacts,
  -- Seven of each ten before, six and the last of its own.
  (id - 1) // 10 * 7 + least((id - 1) % 10 + 1, 6) + if(has_phone, 0, 1) as identities,
  id as last_contact_id,
  null as who,
  null as why
from request
