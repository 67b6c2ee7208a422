-- What import, verify and export ask. Lists travel as JSON, as in queries.sql, some ten thousand
-- values at a time; each is looked up by key, so that the cost grows with them and not with the store.

-- name: workspace_state
select identity_limit, has_blocks, has_constraints from workspace where id = :workspace

-- name: head
select position, at, contacts, identities, last_contact_id
from journal
where workspace = :workspace
order by position desc
limit 1

-- name: holders
select
  identifier.type, identifier.key, contact.id, contact.identity_id,
  identifier.blocked_by is not null
from json_each(:keys) as asked
cross join identifier
  on identifier.workspace = :workspace
  and identifier.type = :type and identifier.key = asked.value
left join contact
  on contact.workspace = :workspace and contact.id = identifier.contact_id

-- name: taken
select asked.value
from json_each(:ids) as asked
where exists (
    select 1 from contact where contact.workspace = :workspace and contact.id = asked.value
  )
  or exists (
    select 1 from tombstone
    where tombstone.workspace = :workspace and tombstone.contact_id = asked.value
  )

-- Contacts of an identity come by age, so that the first row of its range is the primary.
-- name: identities
select
  asked.value,
  (
    select count(*) from contact indexed by contact_identity
    where contact.workspace = :workspace and contact.identity_id = asked.value
  ),
  (
    select
      count(distinct case when (not :has_blocks or not exists (
        select 1 from identifier
        where identifier.workspace = :workspace
          and identifier.type = 'email' and identifier.key = contact.email
          and identifier.blocked_by is not null
      )) and (contact.voided is null or contact.anchor = 'email') then contact.email end)
      + count(distinct case when (not :has_blocks or not exists (
        select 1 from identifier
        where identifier.workspace = :workspace
          and identifier.type = 'phone' and identifier.key = ltrim(contact.phone, '+')
          and identifier.blocked_by is not null
      )) and (contact.voided is null or contact.anchor = 'phone') then ltrim(contact.phone, '+') end)
    from contact indexed by contact_identity
    where contact.workspace = :workspace and contact.identity_id = asked.value
  ),
  oldest.id,
  oldest.created_at
from json_each(:ids) as asked
cross join contact as oldest
  on oldest.workspace = :workspace and oldest.id = (
    select contact.id from contact indexed by contact_identity
    where contact.workspace = :workspace and contact.identity_id = asked.value
    order by contact.created_at, contact.id
    limit 1
  )

-- The view's times are text to the millisecond, which julianday gives back exactly.
-- name: tree
select
  id || ',' || ifnull('"' || phone_number || '"', '') || ','
  || ifnull('"' || replace(email, '"', '""') || '"', '') || ','
  || ifnull(linked_id, '') || ',' || link_precedence || ','
  || cast(round((julianday(created_at) - 2440587.5) * 86400000) as integer) || '000,'
  || cast(round((julianday(updated_at) - 2440587.5) * 86400000) as integer) || '000' || char(10)
from contact_tree
where workspace = :name
order by id

-- name: repoint
update contact indexed by contact_identity set identity_id = :into
where workspace = :workspace and identity_id = :identity_id

-- name: block
insert into identifier (workspace, type, key, blocked_by)
values (:workspace, :type, :key, :position)

-- Whatever brought a block, it is among the blocks from then on.
-- name: keep_blocks
insert into block (workspace, type, key, position)
select identifier.workspace, identifier.type, identifier.key, identifier.blocked_by
from identifier indexed by identifier_blocked
where identifier.workspace = :workspace and identifier.blocked_by is not null
  and not exists (
    select 1 from block
    where block.workspace = identifier.workspace
      and block.type = identifier.type and block.key = identifier.key
      and block.position = identifier.blocked_by
  )

-- name: set_identity_limit
update workspace set identity_limit = :identity_limit where id = :workspace

-- The indexes of a table that were made by name.
-- name: indexes
select name, sql from sqlite_schema where type = 'index' and tbl_name = :table and sql is not null

-- name: constraints
select a_type, a_key, b_type, b_key, position
from identity_constraint
where workspace = :workspace and voided is null
order by a_type, a_key, b_type, b_key, position
