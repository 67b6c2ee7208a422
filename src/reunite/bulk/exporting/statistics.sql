-- What is in a workspace, of its tables contact, identifier and link. The size of an identity is the
-- number of its identifiers that are not blocked, as in the limit.

-- Where anything was decided by hand: the contacts that are not retired, with what they answer for.
-- name: answer_for_what_stands
create or replace table contact as
select
  id, identity_id, created_at,
  case when voided is null or anchor = 'email' then email end as email,
  case when voided is null or anchor = 'phone' then phone end as phone
from contact
where identity_id is not null

-- name: counts
select
  (select count(*) from contact) as contacts,
  (select count(*) from sized) as identities,
  (select count(*) from identifier where type = 'email') as emails,
  (select count(*) from identifier where type = 'phone') as phones,
  (select count(*) from identifier where blocked_by is not null) as blocked,
  (select count(*) from link) as links

-- name: make_sized
create or replace table sized as
select grouped.identity_id, grouped.contacts, coalesce(named.identifiers, 0) as identifiers
from (select identity_id, count(*) as contacts from contact group by identity_id) as grouped
left join (
  select contact.identity_id, count(*) as identifiers
  from identifier join contact on contact.id = identifier.contact_id
  where identifier.blocked_by is null
  group by contact.identity_id
) as named on named.identity_id = grouped.identity_id

-- Sizes in steps that double: 1, 2, 3 to 4, 5 to 8 …
-- name: histogram
select
  case step when 0 then 1 else (1 << (step - 1)) + 1 end as "from",
  1 << step as "to",
  count(*) as identities,
  sum(contacts)::bigint as contacts
from (
  select contacts, greatest(ceil(log2(greatest(identifiers, 1))), 0)::integer as step from sized
)
group by step
order by step

-- name: largest
select
  arg_min(contact.id, (contact.created_at, contact.id)) as primary_contact_id,
  any_value(top.identifiers) as identifiers,
  any_value(top.contacts) as contacts,
  arg_min(
    coalesce(contact.email, contact.phone), (contact.created_at, contact.id)
  ) as example
from contact
join (select * from sized order by identifiers desc, contacts desc, identity_id limit $limit) as top
  on top.identity_id = contact.identity_id
group by contact.identity_id
order by identifiers desc, contacts desc, primary_contact_id

-- name: busiest
with
  top as (
    select type, key, contacts
    from (
      select 'email' as type, email as key, count(*) as contacts
      from contact where email is not null group by email
      union all
      select 'phone', ltrim(phone, '+'), count(*)
      from contact where phone is not null group by ltrim(phone, '+')
    )
    where contacts > 1
    order by contacts desc, type, key
    limit $limit
  ),
  beside as (
    select top.type, top.key, ltrim(contact.phone, '+') as other
    from contact join top on top.type = 'email' and top.key = contact.email
    union all
    select top.type, top.key, contact.email
    from contact join top on top.type = 'phone' and top.key = ltrim(contact.phone, '+')
  )
select
  top.type, top.key, top.contacts, count(distinct beside.other) as others,
  coalesce(bool_or(identifier.blocked_by is not null), false) as blocked
from top
join beside on beside.type = top.type and beside.key = top.key
left join identifier on identifier.type = top.type and identifier.key = top.key
group by top.type, top.key, top.contacts
order by top.contacts desc, top.type, top.key
