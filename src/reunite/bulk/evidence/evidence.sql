-- The evidence of a store with numbers for names: identifiers are nodes, numbered from 0 by type and
-- key in byte order, contacts are numbered from 0 by id; -1 is none.

-- name: make_found
create or replace table found as
select contact.rowid::integer as c, node.rowid::integer as n
from contact
join node on node.type = $type and node.key =
  case $type when 'email' then contact.email else ltrim(contact.phone, '+') end

-- The contacts in the order in which they presented what they hold.
-- name: make_turn
create or replace table turn as
select rowid::integer as c, position from contact order by position, created_at, id

-- Rows that imports named and that were not taken are nodes behind the identifiers.
-- name: make_silent
create or replace table silent as
select b_key as key, position, ($nodes + row_number() over (order by b_key) - 1)::integer as n
from (select b_key, min(position) as position from link where b_type = 'row' group by b_key)

-- Links with their ends: as they say, and where they tie what is not blocked; -1 where a link does not
-- stand. Those that tie contacts follow them, but for the retired.
-- name: make_tied
create or replace table tied as
with
  live as (
    select id, hang
    from contact join holding using (id)
    where contact.identity_id is not null
      and id in (select a_contact_id from link union all select b_contact_id from link)
  )
select
  link.*,
  coalesce(a_node.rowid, -1)::integer as a_said,
  coalesce(silent.n, b_node.rowid, -1)::integer as b_said,
  (case
    when link.voided is not null then -1
    when a_live.id is not null then a_live.hang
    when a_node.blocked_by is null then coalesce(a_node.rowid, -1)
    else -1
  end)::integer as a,
  (case
    when link.voided is not null then -1
    when silent.n is not null then silent.n
    when b_live.id is not null then b_live.hang
    when b_node.blocked_by is null then coalesce(b_node.rowid, -1)
    else -1
  end)::integer as b
from link
left join node as a_node on a_node.type = link.a_type and a_node.key = link.a_key
left join node as b_node on b_node.type = link.b_type and b_node.key = link.b_key
left join silent on link.b_type = 'row' and silent.key = link.b_key
left join live as a_live on link.a_contact_id <> 0 and a_live.id = link.a_contact_id
left join live as b_live on link.b_contact_id <> 0 and b_live.id = link.b_contact_id
order by link.position

-- The journal with what each position brought: its contact or the ends of its link; and the highest id
-- that it saw, 0 for none. By hand are 5, and 6 where nobody was joined or parted.
-- name: make_step
create or replace table step as
select
  journal.position,
  (case journal.type
    when 'created' then 0 when 'extended' then 1 when 'merged' then 2 when 'linked' then 3
    when 'imported' then 4
    when 'constrained' then 6 when 'unconstrained' then 6 when 'dismissed' then 6
    else 5
  end)::integer as type,
  coalesce(made.c, -1)::integer as c,
  coalesce(left_link.a_said, -1)::integer as a_said,
  coalesce(left_link.b_said, -1)::integer as b_said,
  coalesce(left_link.a, -1)::integer as a,
  coalesce(left_link.b, -1)::integer as b,
  coalesce(journal.contact_id, 0) as contact_id,
  coalesce(journal.with_contact_id, 0) as with_contact_id,
  coalesce(journal.primary_id, 0) as primary_id,
  coalesce(journal.demoted_id, 0) as demoted_id,
  coalesce(
    case when journal.type in ('created', 'extended') then journal.contact_id else brought.last end,
    0
  ) as seen,
  journal.contacts,
  journal.identities,
  journal.last_contact_id
from journal
left join (
  select position, min(rowid)::integer as c from contact where source = 'presented' group by position
) as made on made.position = journal.position and journal.type in ('created', 'extended')
left join (
  select position, min(a_said) as a_said, min(b_said) as b_said, min(a) as a, min(b) as b
  from tied where source = 'presented' and b_type <> 'row' group by position
) as left_link
  on left_link.position = journal.position and journal.type in ('merged', 'linked')
left join (
  select contact.position, max(contact.id) as last
  from contact join journal using (position)
  where journal.type not in ('created', 'extended', 'imported')
  group by contact.position
) as brought on brought.position = journal.position
order by journal.position

-- Both tables are in order of the positions, so that those of one stand together.
-- name: turns_of
select coalesce(min(rowid), 0) as low, coalesce(max(rowid) + 1, 0) as high
from turn where position = $position

-- name: ties_of
select coalesce(min(rowid), 0) as low, coalesce(max(rowid) + 1, 0) as high
from tied where position = $position

-- name: silent_of
select count(*) as silent from silent where position = $position

-- name: last_id_of
select greatest(
  (select max(id) from contact where position = $position),
  (select max(contact_id) from tombstone where position = $position),
  (
    select max(try_cast(linked_id as bigint)) from provenance
    where position = $position and source_id is null
  ),
  0
) as last

-- name: demoted_by
select contact_id from demotion where position = $position order by contact_id
