-- Each query is one step of the virtual machine and gives at most one row, with lists as JSON: while
-- SQLite works through a whole batch the interpreter is free for others.

-- name: schema_exists
select exists (select 1 from sqlite_schema where type = 'table' and name = 'migration')

-- name: create_migration
create table if not exists migration (
  number integer primary key check (number > 0),
  name text not null,
  applied_at integer not null
) strict

-- name: applied_migrations
select coalesce(max(number), 0) from migration

-- name: note_migration
insert into migration (number, name, applied_at) values (:number, :name, :at)

-- name: workspace
select id, phone_region, rule_version from workspace where name = :name

-- name: create_workspace
insert into workspace (name, phone_region, rule_version, created_at)
values (:name, :phone_region, :rule_version, :at)

-- name: identity_limit
select identity_limit from workspace where id = :workspace

-- name: set_identity_limit
update workspace set identity_limit = :identity_limit where id = :workspace

-- name: totals
select contacts, identities
from journal
where workspace = :workspace
order by position desc
limit 1

-- Of all that the requests present: every contact of these identities (of a voided one its anchor),
-- who holds each identifier, which of these holders no request brought, and the presented links of
-- their pairs. Where the workspace blocks anything, also what of it all is blocked, the blocked
-- identifiers that links give to these identities, and the pairs that whoever holds what is blocked
-- presented; else null thrice, and nobody looks. The same goes for the constraints on all of it, for
-- which only those ask who are to join anything. Then where the workspace stands, and its limit. A
-- link is read by its key, by name: link_b has all columns of the key but not whether it is voided.
-- name: known
with
  request as materialized (
    select value->>0 as email, value->>1 as phone from jsonb_each(:requests)
  ),
  found as materialized (
    select identifier.type, identifier.key, contact.id, contact.identity_id, contact.source
    from request
    cross join identifier
      on identifier.workspace = :workspace
      and identifier.type = 'email' and identifier.key = request.email
      and identifier.blocked_by is null
    cross join contact
      on contact.workspace = :workspace and contact.id = identifier.contact_id
    union all
    select identifier.type, identifier.key, contact.id, contact.identity_id, contact.source
    from request
    cross join identifier
      on identifier.workspace = :workspace
      and identifier.type = 'phone' and identifier.key = request.phone
      and identifier.blocked_by is null
    cross join contact
      on contact.workspace = :workspace and contact.id = identifier.contact_id
  ),
  identity as materialized (
    select distinct identity_id from found
  ),
  member as materialized (
    select
      contact.id, contact.identity_id, contact.created_at,
      case when contact.voided is null or contact.anchor = 'email' then contact.email end as email,
      case when contact.voided is null or contact.anchor = 'phone' then contact.phone end as phone
    from identity cross join contact indexed by contact_identity
      on contact.workspace = :workspace and contact.identity_id = identity.identity_id
  ),
  held as materialized (
    select identity_id, 'email' as type, email as key from member where email is not null
    union
    select identity_id, 'phone', ltrim(phone, '+') from member where phone is not null
  ),
  shown as materialized (
    select type, key from held
    union
    select 'email', email from request
    union
    select 'phone', phone from request
  ),
  blocked as materialized (
    select identifier.type, identifier.key
    from shown cross join identifier indexed by identifier_blocked
      on identifier.workspace = :workspace
      and identifier.type = shown.type and identifier.key = shown.key
      and identifier.blocked_by is not null
  ),
  linked as materialized (
    select
      held.identity_id, held.type as by_type, held.key as by_key,
      link.b_type as type, link.b_key as key, link.position
    from held cross join link
      on link.workspace = :workspace and link.a_type = held.type and link.a_key = held.key
      and link.a_contact_id = 0 and link.voided is null
    union all
    select held.identity_id, held.type, held.key, link.a_type, link.a_key, link.position
    from held cross join link indexed by link_b
      on link.workspace = :workspace and link.b_type = held.type and link.b_key = held.key
      and link.a_contact_id = 0 and link.voided is null
  ),
  attribute as (
    select linked.identity_id, linked.position, linked.type, linked.key
    from linked cross join identifier indexed by identifier_blocked
      on identifier.workspace = :workspace
      and identifier.type = linked.type and identifier.key = linked.key
      and identifier.blocked_by is not null
    where not exists (
      select 1 from identifier as other indexed by identifier_blocked
      where other.workspace = :workspace
        and other.type = linked.by_type and other.key = linked.by_key
        and other.blocked_by is not null
    )
  ),
  blocked_holder as materialized (
    select request.email, request.phone, identifier.contact_id
    from request cross join identifier indexed by identifier_blocked
      on identifier.workspace = :workspace
      and identifier.type = 'email' and identifier.key = request.email
      and identifier.blocked_by is not null
    union all
    select request.email, request.phone, identifier.contact_id
    from request cross join identifier indexed by identifier_blocked
      on identifier.workspace = :workspace
      and identifier.type = 'phone' and identifier.key = request.phone
      and identifier.blocked_by is not null
  )
select
  (select json_group_array(json_array(id, identity_id, created_at, email, phone)) from member),
  (select json_group_object(key, id) from found where type = 'email'),
  (select json_group_object(key, id) from found where type = 'phone'),
  (select json_group_array(id) from found where source <> 'presented'),
  (
    select json_group_array(json_array(link.a_key, link.b_key))
    from request cross join link indexed by sqlite_autoindex_link_1
      on link.workspace = :workspace
      and link.a_type = 'email' and link.a_key = request.email
      and link.b_type = 'phone' and link.b_key = request.phone
      and link.source = 'presented' and link.voided is null
  ),
  case when workspace.has_blocks then (
    select json_group_array(json_array(type, key)) from blocked
  ) end,
  case when workspace.has_blocks then (
    select json_group_array(
      json_array(identity_id, json_array(position, type, key)) order by position, type, key
    )
    from attribute
  ) end,
  case when workspace.has_blocks then (
    select json_group_array(json_array(blocked_holder.email, blocked_holder.phone))
    from blocked_holder cross join contact
      on contact.workspace = :workspace and contact.id = blocked_holder.contact_id
      and contact.source = 'presented' and contact.voided is null
      and contact.email = blocked_holder.email
      and ltrim(contact.phone, '+') = blocked_holder.phone
  ) end,
  case when workspace.has_constraints and :to_join then (
    select json_group_array(json_array(
      it.position, json_array(it.a_type, it.a_key), json_array(it.b_type, it.b_key)
    ))
    from shown cross join identity_constraint as it
      on it.workspace = :workspace and it.a_type = shown.type and it.a_key = shown.key
      and it.voided is null
  ) end,
  (
    select json_array(position, at, contacts, identities, last_contact_id)
    from journal
    where workspace = :workspace
    order by position desc
    limit 1
  ),
  workspace.identity_limit
from workspace
where workspace.id = :workspace

-- A held request that waits comes again: its id, if there is one.
-- name: hold_again
update held set requests = requests + 1, last_at = :at
where workspace = :workspace and id = (
  select min(id) from held indexed by held_waiting
  where workspace = :workspace and email = :email and ltrim(phone, '+') = :key and voided is null
)
returning id

-- name: hold
insert into held (
  workspace, id, at, last_at, email, phone, reason,
  a_type, a_key, b_type, b_key, constraint_position
)
select
  :workspace, coalesce(max(id), 0) + 1, :at, :at, :email, :phone, :reason,
  :a_type, :a_key, :b_type, :b_key, :constraint_position
from held
where workspace = :workspace
returning id

-- What a batch writes, in one statement (batch.sql).
-- name: write_batch
insert into batch (
  workspace, after, identity_limit, at, repointed, contacts, identifiers, links, entries
)
values (
  :workspace, :after, :identity_limit, :at, :repointed, :contacts, :identifiers, :links, :entries
)
