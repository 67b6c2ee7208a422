-- What import, verify and export ask. Lists come as arrays of some ten thousand values; for them the
-- session does without sequential scans, hash joins and merge joins (by_key), so that each value is
-- looked up by key and the cost grows with them and not with the store. `lateral` with `offset 0` and
-- generic plans are for workspaces that are newer than the statistics, as in transaction.sql.

-- name: begin_snapshot
begin isolation level repeatable read read only

-- name: begin_loading
begin isolation level read committed

-- For this transaction only, as the connection may belong to a pooler. Of a client that fell silent
-- idle_timeout takes back the lock.
-- name: settings
select
  set_config('statement_timeout', '0', true),
  set_config('lock_timeout', %(lock_timeout)s, true),
  set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true),
  set_config('synchronous_commit', case current_setting('synchronous_commit')
    when 'off' then 'on' else current_setting('synchronous_commit') end, true),
  set_config('TimeZone', 'UTC', true),
  set_config('DateStyle', 'ISO', true)

-- name: by_key
select
  set_config('enable_seqscan', 'off', true),
  set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true),
  set_config('jit', 'off', true),
  set_config('plan_cache_mode', 'force_generic_plan', true)

-- For whole tables again.
-- name: at_large
set local enable_seqscan to default;
set local enable_hashjoin to default;
set local enable_mergejoin to default;
set local jit to default;
set local plan_cache_mode to default

-- name: workspace_state
select id, phone_region, rule_version, identity_limit, has_blocks, has_constraints
from reunite.workspace
where name = %(workspace)s

-- name: lock
select reunite.lock_workspace(id) from reunite.workspace where name = %(workspace)s

-- name: head
select
  position, (extract(epoch from at) * 1000000)::bigint, contacts, identities, last_contact_id
from reunite.journal
where workspace = %(workspace)s
order by position desc
limit 1

-- name: clock
select (extract(epoch from clock_timestamp()) * 1000000)::bigint

-- name: holders
select
  asked.type, asked.key, contact.id, contact.identity_id, identifier.blocked_by is not null
from unnest(%(types)b::text[], %(keys)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.identifier
  where identifier.workspace = %(workspace)s
    and identifier.type = asked.type and identifier.key = asked.key
  offset 0
) identifier
left join lateral (
  select * from reunite.contact
  where contact.workspace = %(workspace)s
    and contact.id = identifier.contact_id
  offset 0
) contact on true

-- Subqueries with a limit, not exists: the planner would hash a whole workspace for that.
-- name: taken
select asked.id
from unnest(%(ids)b::bigint[]) asked (id)
where coalesce(
  (
    select true from reunite.contact
    where contact.workspace = %(workspace)s and contact.id = asked.id
    limit 1
  ),
  (
    select true from reunite.tombstone
    where tombstone.workspace = %(workspace)s and tombstone.contact_id = asked.id
    limit 1
  )
)

-- name: identities
select
  asked.id, held.contacts, held.identifiers, held.ids[1],
  (extract(epoch from held.since) * 1000000)::bigint
from unnest(%(ids)b::bigint[]) asked (id)
cross join lateral (
  select
    count(*) as contacts,
    count(distinct by_age.email) filter (where by_age.email_is_blocked is null)
      + count(distinct reunite.phone_key(by_age.phone)) filter (where by_age.phone_is_blocked is null)
      as identifiers,
    -- In its own order: for the distinct counts the rows may be sorted otherwise.
    array_agg(by_age.id order by by_age.created_at, by_age.id) as ids,
    min(by_age.created_at) as since
  from (
    select
      contact.id, contact.created_at,
      case when contact.voided is null or contact.anchor = 'email' then contact.email end as email,
      case when contact.voided is null or contact.anchor = 'phone' then contact.phone end as phone,
      case when %(has_blocks)s then (
        select true from reunite.identifier
        where identifier.workspace = %(workspace)s
          and identifier.type = 'email' and identifier.key = contact.email
          and identifier.blocked_by is not null
        limit 1
      ) end as email_is_blocked,
      case when %(has_blocks)s then (
        select true from reunite.identifier
        where identifier.workspace = %(workspace)s
          and identifier.type = 'phone' and identifier.key = reunite.phone_key(contact.phone)
          and identifier.blocked_by is not null
        limit 1
      ) end as phone_is_blocked
    from reunite.contact
    where contact.workspace = %(workspace)s and contact.identity_id = asked.id
    order by contact.created_at, contact.id
  ) by_age
) held
where held.contacts > 0

-- name: tree
copy (
  select
    id, phone_number, email, linked_id, link_precedence,
    (extract(epoch from created_at) * 1000000)::bigint,
    (extract(epoch from updated_at) * 1000000)::bigint
  from reunite.contact_tree
  where workspace = %(name)s
  order by id
) to stdout (format csv)

-- name: repoint
update reunite.contact
set identity_id = moved.successor
from (
  select member.id, asked.successor
  from unnest(%(identity_ids)b::bigint[], %(successors)b::bigint[]) asked (identity_id, successor)
  cross join lateral (
    select contact.id from reunite.contact
    where contact.workspace = %(workspace)s and contact.identity_id = asked.identity_id
    offset 0
  ) member
  offset 0
) moved
where contact.workspace = %(workspace)s and contact.id = moved.id

-- How to drop each index of a table and how to make it again.
-- name: indexes
select
  case when pg_constraint.oid is null
    then format('drop index %%s', pg_index.indexrelid::regclass)
    else format('alter table %%s drop constraint %%I', pg_index.indrelid::regclass, conname) end,
  case when pg_constraint.oid is null
    then pg_get_indexdef(pg_index.indexrelid)
    else format(
      'alter table %%s add constraint %%I %%s',
      pg_index.indrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid)
    ) end
from pg_catalog.pg_index
left join pg_catalog.pg_constraint on pg_constraint.conindid = pg_index.indexrelid
where pg_index.indrelid = %(table)s::regclass

-- name: set_identity_limit
update reunite.workspace set identity_limit = %(identity_limit)s where id = %(workspace)s

-- Whatever brought a block, it is among the blocks from then on.
-- name: keep_blocks
insert into reunite.block (workspace, type, key, position)
select workspace, type, key, blocked_by
from reunite.identifier
where workspace = %(workspace)s and blocked_by is not null
on conflict do nothing

-- name: analyze
analyze reunite.contact, reunite.identifier, reunite.link, reunite.journal, reunite.provenance

-- name: constraints
select a_type, a_key, b_type, b_key, position
from reunite.identity_constraint
where workspace = %(workspace)s and voided is null
order by a_type, a_key, b_type, b_key, position
