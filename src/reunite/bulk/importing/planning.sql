-- What an import would do to a store. Of the tables of joining.sql, and of `held` and `standing`,
-- which come from the store, these make: new_identifier, touched, merged, home, contact, size.

-- What was blocked when the rows were joined is asked for, too: by now it may not be.
-- name: asked
select type, key
from (
  select type, key from first
  union select type, key from block
  union select type, key from blocked
)
order by type, key

-- What is to be blocked and what the store blocks.
-- name: make_blocked_now
create or replace table blocked_now as
select type, key from block
union
select type, key from held where blocked

-- name: number_of_changed_blocks
select count(*)
from blocked_now full join blocked using (type, key)
where blocked_now.key is null or blocked.key is null

-- name: take_blocked_now
create or replace table blocked as select * from blocked_now

-- name: blocks_of_held_identifiers
select block.type, block.key, held.contact_id
from block join held using (type, key)
where not held.blocked
order by block.type, block.key

-- name: number_anew
update aged set id = $last_contact_id + rowid + 1

-- name: ids
select id
from (select id from aged union all select id from left_out where id is not null)
where id <= $last_contact_id
order by id

-- name: last_contact_id
select greatest(
  $last_contact_id,
  (select max(id) from aged),
  (select max(id) from left_out),
  -- Of rows that keep their ids these are ids of ours; no new contact may have one.
  (select max(try_cast(linked as bigint)) from aged where not $renumber)
)

-- name: make_new_identifier
create or replace table new_identifier as
select first.type, first.key, first.n
from first anti join held using (type, key)
where not first.blocked

-- Which components share identifiers with which identities of the store.
-- name: make_touched
create or replace table touched as
select distinct component.first, held.identity_id
from held
join first using (type, key)
join component on component.n = first.n
where not held.blocked

-- name: touched
select first, identity_id from touched order by first, identity_id

-- name: touched_identities
select distinct identity_id from touched order by identity_id

-- Existing identities that the rows bring together, or extend: one row for all that become one. Its
-- identity_id is the one with most contacts, because the contacts of the others are re-pointed.
-- name: make_merged
create or replace table merged as
select
  grouped.grp,
  arg_min(standing.identity_id, (-standing.contacts, standing.created_at, standing.primary_id))
    as identity_id,
  count(*) as identities,
  sum(standing.contacts)::bigint as contacts,
  sum(standing.identifiers)::bigint as identifiers,
  min((standing.created_at, standing.primary_id)) as oldest
from (select distinct grp, identity_id from grouped) as grouped
join standing using (identity_id)
group by grouped.grp

-- The identity of each component: the store's that it joins, or a new one named by its primary.
-- name: make_home
create or replace table home as
select component.first, grouped.grp, coalesce(merged.identity_id, aged.id) as identity_id
from component
join aged on aged.rowid = component.first
left join (select distinct first, grp from grouped) as grouped on grouped.first = component.first
left join merged using (grp)
where component.n = component.first

-- name: homes
select first, identity_id from home

-- name: firsts
select first from component

-- Rows that bring one identifier that was new, by its type.
-- name: bringers
select n, type = 'phone' as is_phone from new_identifier

-- A row hangs on its e-mail, unless that is blocked or only its phone was new.
-- name: make_contact
create or replace view contact as
select
  settled.n,
  settled.identity_id,
  aged.id,
  aged.created_at,
  aged.email,
  aged.phone,
  case
    when aged.email is null or aged.email_blocked or settled.brings_only_phone then 'phone'
    else 'email'
  end as anchor
from settled join aged on aged.rowid = settled.n

-- How many identifiers each identity that the import touches or makes would have.
-- name: make_size
create or replace table size as
select
  home.identity_id,
  any_value(home.grp) as grp,
  sum(brought.identifiers)::bigint + coalesce(any_value(merged.identifiers), 0) as identifiers,
  sum(brought.contacts)::bigint as contacts,
  min(home.first) as first
from home
join brought using (first)
left join merged using (grp)
group by home.identity_id

-- name: oversized
select size.identity_id, aged.id, size.identifiers
from size join aged on aged.rowid = size.first
where size.identifiers > $identity_limit
order by size.identifiers desc, size.first

-- name: totals
select
  (select count(*) from aged) as contacts,
  (select count(*) from home where grp is null) as new_identities,
  (select coalesce(sum(identities - 1), 0)::bigint from merged) as merged_away

-- What is written; each in order of the table's key.

-- name: contact
select id, identity_id, created_at, email, phone, $position as position, 'imported' as source, anchor
from contact
order by id

-- name: identifier
select
  new_identifier.type, new_identifier.key, aged.id as contact_id, null as blocked_by
from new_identifier join aged on aged.rowid = new_identifier.n
order by new_identifier.type, new_identifier.key

-- name: block
select block.type, block.key
from block anti join held using (type, key)
order by block.type, block.key

-- name: link
with
  anchored as (
    select n, id, anchor as type, case anchor when 'email' then email else ltrim(phone, '+') end as key
    from contact
    where n in (select n from tie union all select target from tie)
  ),
  pair as (
    select
      a.type as one_type, a.key as one_key, a.id as one_id,
      coalesce(b.type, 'row') as other_type,
      coalesce(b.key, $position || ':' || tie.missing) as other_key,
      coalesce(b.id, 0) as other_id,
      (a.type, a.key) < (coalesce(b.type, 'row'), coalesce(b.key, '')) as in_order
    from tie
    join anchored as a on a.n = tie.n
    left join anchored as b on b.n = tie.target
  )
select distinct
  case when in_order then one_type else other_type end as a_type,
  case when in_order then one_key else other_key end as a_key,
  case when in_order then other_type else one_type end as b_type,
  case when in_order then other_key else one_key end as b_key,
  'imported' as source,
  $position as position,
  $at as at,
  case when in_order then one_id else other_id end as a_contact_id,
  case when in_order then other_id else one_id end as b_contact_id
from pair
order by a_type, a_key, b_type, b_key, a_contact_id, b_contact_id

-- name: provenance
select id as contact_id, $position as position, source_id, linked as linked_id
from aged
where source_id is not null or linked is not null
order by contact_id

-- name: tombstone
select id as contact_id, $position as position
from left_out
where id is not null
order by contact_id

-- Of what becomes one identity all primaries that were, but for the oldest contact of it all.
-- name: demotion
select standing.primary_id as contact_id, $position as position
from (select distinct grp, identity_id from grouped) as grouped
join standing using (identity_id)
join merged using (grp)
join (
  select home.grp, min((aged.created_at, aged.id)) as oldest
  from home join aged on aged.rowid = home.first
  where home.grp is not null
  group by home.grp
) as youth using (grp)
where (standing.created_at, standing.primary_id) <> least(merged.oldest, youth.oldest)
order by contact_id

-- name: repointed
select grouped.identity_id, merged.identity_id as into
from (select distinct grp, identity_id from grouped) as grouped
join merged using (grp)
where grouped.identity_id <> merged.identity_id
order by grouped.identity_id
