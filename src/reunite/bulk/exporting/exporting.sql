-- What an export tells, of the tables contact, tree, link and identifier of a workspace.

-- Dates come from the contacts: a store's view may round them, and the order by age would not survive.
-- name: contacts
select
  tree.id,
  tree.phone_number as "phoneNumber",
  tree.email,
  tree.linked_id as "linkedId",
  tree.link_precedence as "linkPrecedence",
  moment(contact.created_at) as "createdAt",
  moment(
    case
      when tree.updated_at - contact.created_at < 1000 then contact.created_at
      else tree.updated_at
    end
  ) as "updatedAt",
  moment(null) as "deletedAt"
from tree join contact on contact.id = tree.id
order by tree.id

-- The contacts identity by identity, by age, with what they answer for; an identity goes by its primary.
-- name: make_member
create or replace table member as
select coalesce(tree.linked_id, tree.id) as head, tree.id, tree.email, tree.phone_number as phone
from tree join contact on contact.id = tree.id
order by head, contact.created_at, contact.id

-- Blocked identifiers that links hold.
-- name: make_attribute
create or replace table attribute as
select coalesce(tree.linked_id, tree.id) as head, blocked.type, blocked.key, tied.position
from (
  select a_type as type, a_key as key, b_type as other_type, b_key as other_key, position from link
  union all
  select b_type, b_key, a_type, a_key, position from link
) as tied
join identifier as blocked
  on blocked.type = tied.type and blocked.key = tied.key and blocked.blocked_by is not null
join identifier as held
  on held.type = tied.other_type and held.key = tied.other_key and held.blocked_by is null
join tree on tree.id = held.contact_id

-- name: make_exported
create or replace table exported (
  "primaryContactId" bigint,
  emails varchar[],
  "phoneNumbers" varchar[],
  "secondaryContactIds" bigint[]
)

-- The identities whose contacts are these rows of member, so many that they fit into memory. What
-- links alone hold comes after the contacts, by position.
-- name: export_identities
insert into exported
with
  some_member as (
    select *, rowid as turn from member where rowid >= $low and rowid < $high
  ),
  held as (
    select head, 'email' as type, email as key, email as value, turn, '' as tie
    from some_member where email is not null
    union all
    select head, 'phone', ltrim(phone, '+'), phone, turn, ''
    from some_member where phone is not null
    union all
    select head, type, key, key, $high + position, type || key
    from attribute where head in (select head from some_member)
  ),
  spelt as (
    select head, type, min((turn, tie)) as first, arg_min(value, (turn, tie)) as value
    from held group by head, type, key
  ),
  named as (
    select
      head,
      list(value order by first) filter (type = 'email') as emails,
      list(value order by first) filter (type = 'phone') as phones
    from spelt group by head
  ),
  numbered as (
    select head, list(id order by turn) filter (id <> head) as others
    from some_member group by head
  )
select head, coalesce(emails, []), coalesce(phones, []), coalesce(others, [])
from named join numbered using (head)
order by head

-- name: identities
select "primaryContactId", emails, "phoneNumbers", "secondaryContactIds" from exported

-- name: identities_as_text
select
  "primaryContactId",
  to_json(emails)::varchar as emails,
  to_json("phoneNumbers")::varchar as "phoneNumbers",
  to_json("secondaryContactIds")::varchar as "secondaryContactIds"
from exported

-- Where the identity ends that has this row of member.
-- name: end_of
select max(rowid) + 1 as high
from member
where head = (select head from member where rowid = $row)

-- Times as text, in UTC; in Parquet they are times.
-- name: times_as_text
create or replace macro moment(us) as
  strftime(make_timestamp(us::bigint), '%Y-%m-%dT%H:%M:%S.%fZ')

-- name: times
create or replace macro moment(us) as make_timestamp(us::bigint) at time zone 'UTC'
