-- The evidence of a store with numbers for names: identifiers are nodes, numbered from 0 by type and
-- key in byte order, contacts are numbered from 0 by id; -1 is none.

-- name: make_node
create or replace table node as
select type, key, contact_id, blocked_by from identifier order by type, key

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

-- Links with their ends: as they say, and where they tie what is not blocked. Those that tie
-- contacts follow their anchors.
-- name: make_tied
create or replace table tied as
select
  link.*,
  coalesce(a_node.rowid, -1)::integer as a_said,
  coalesce(silent.n, b_node.rowid, -1)::integer as b_said,
  (case
    when link.a_contact_id <> 0 then coalesce(a_holding.hang, -1)
    when a_node.blocked_by is null then coalesce(a_node.rowid, -1)
    else -1
  end)::integer as a,
  (case
    when silent.n is not null then silent.n
    when link.b_contact_id <> 0 then coalesce(b_holding.hang, -1)
    when b_node.blocked_by is null then coalesce(b_node.rowid, -1)
    else -1
  end)::integer as b
from link
left join node as a_node on a_node.type = link.a_type and a_node.key = link.a_key
left join node as b_node on b_node.type = link.b_type and b_node.key = link.b_key
left join silent on link.b_type = 'row' and silent.key = link.b_key
left join holding as a_holding on link.a_contact_id <> 0 and a_holding.id = link.a_contact_id
left join holding as b_holding on link.b_contact_id <> 0 and b_holding.id = link.b_contact_id
order by link.position

-- The journal with what each position brought: its contact or the ends of its link.
-- name: make_step
create or replace table step as
select
  journal.position,
  (case journal.type
    when 'created' then 0 when 'extended' then 1 when 'merged' then 2 when 'linked' then 3 else 4
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
  journal.contacts,
  journal.identities,
  journal.last_contact_id
from journal
left join (
  select position, min(rowid)::integer as c from contact where source = 'presented' group by position
) as made on made.position = journal.position and journal.type in ('created', 'extended')
left join (
  select position, min(a_said) as a_said, min(b_said) as b_said, min(a) as a, min(b) as b
  from tied where source = 'presented' group by position
) as left_link
  on left_link.position = journal.position and journal.type in ('merged', 'linked')
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
