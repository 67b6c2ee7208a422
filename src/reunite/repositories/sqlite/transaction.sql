-- What is asked about single identities and written by hand. Lists travel as JSON in :rows, as in
-- queries.sql, some ten thousand rows at a time; each is looked up by key, so that the cost grows with
-- them and not with the store. The queries have the same names as PostgreSQL's.

-- The clock is the program's own.
-- name: state
select identity_limit, has_blocks, position, at, contacts, identities, last_contact_id
from workspace
left join journal on journal.workspace = workspace.id and journal.position = (
  select max(position) from journal where workspace = :workspace
)
where workspace.id = :workspace

-- name: contacts
select id, identity_id, created_at, email, phone, position, source, anchor, voided
from (select value from json_each(:rows)) as asked
cross join contact on contact.workspace = :workspace and contact.id = asked.value->>0

-- name: members
select
  contact.id, contact.identity_id, contact.created_at, contact.email, contact.phone,
  contact.position, contact.source, contact.anchor, contact.voided
from (select value from json_each(:rows)) as asked
cross join contact as member indexed by contact_identity
  on member.workspace = :workspace and member.identity_id = asked.value->>0
cross join contact on contact.workspace = :workspace and contact.id = member.id

-- name: voided
select id, identity_id, created_at, email, phone, position, source, anchor, voided
from (select value from json_each(:rows)) as asked
cross join contact indexed by contact_voided_email
  on contact.workspace = :workspace and contact.voided is not null
  and contact.email = asked.value->>1
where asked.value->>0 = 'email'
union all
select id, identity_id, created_at, email, phone, position, source, anchor, voided
from (select value from json_each(:rows)) as asked
cross join contact indexed by contact_voided_phone
  on contact.workspace = :workspace and contact.voided is not null
  and ltrim(contact.phone, '+') = asked.value->>1
where asked.value->>0 = 'phone'

-- name: presenting
select id, identity_id, created_at, email, phone, position, source, anchor, voided
from contact
where workspace = :workspace
  and (
    email in (select value->>1 from json_each(:rows) where value->>0 = 'email')
    or ltrim(phone, '+') in (select value->>1 from json_each(:rows) where value->>0 = 'phone')
  )

-- name: contacts_brought
select id, identity_id, created_at, email, phone, position, source, anchor, voided
from (select value from json_each(:rows)) as asked
cross join contact indexed by contact_position
  on contact.workspace = :workspace and contact.source <> 'presented'
  and contact.position = asked.value->>0

-- name: links
select
  a_type, a_key, b_type, b_key, source, position, at, a_contact_id, b_contact_id, voided
from (select value from json_each(:rows)) as asked
cross join link
  on link.workspace = :workspace
  and link.a_type = asked.value->>0 and link.a_key = asked.value->>1
union all
select
  a_type, a_key, b_type, b_key, source, position, at, a_contact_id, b_contact_id, voided
from (select value from json_each(:rows)) as asked
cross join link indexed by link_b
  on link.workspace = :workspace
  and link.b_type = asked.value->>0 and link.b_key = asked.value->>1

-- name: links_brought
select
  a_type, a_key, b_type, b_key, source, position, at, a_contact_id, b_contact_id, voided
from (select value from json_each(:rows)) as asked
cross join link indexed by link_position
  on link.workspace = :workspace and link.source <> 'presented'
  and link.position = asked.value->>0

-- name: holders
select identifier.type, identifier.key, identifier.contact_id, identifier.blocked_by
from (select value from json_each(:rows)) as asked
cross join identifier
  on identifier.workspace = :workspace
  and identifier.type = asked.value->>0 and identifier.key = asked.value->>1

-- name: provenances
select contact_id, position, source_id, linked_id
from (select value from json_each(:rows)) as asked
cross join provenance
  on provenance.workspace = :workspace and provenance.contact_id = asked.value->>0

-- name: entries
select
  position, journal.type, at, contact_id, with_contact_id, primary_id, demoted_id,
  contacts, identities, last_contact_id, who, why
from (select value from json_each(:rows)) as asked
cross join journal on journal.workspace = :workspace and journal.position = asked.value->>0

-- name: demotions
select
  journal.position, journal.type, at, journal.contact_id, with_contact_id, primary_id, demoted_id,
  contacts, identities, last_contact_id, who, why
from (select value from json_each(:rows)) as asked
cross join journal indexed by journal_demoted
  on journal.workspace = :workspace and journal.demoted_id = asked.value->>0
union all
select
  journal.position, journal.type, at, journal.contact_id, with_contact_id, primary_id, demoted_id,
  contacts, identities, last_contact_id, who, why
from (select value from json_each(:rows)) as asked
cross join demotion on demotion.workspace = :workspace and demotion.contact_id = asked.value->>0
cross join journal on journal.workspace = :workspace and journal.position = demotion.position

-- name: voids_of
select
  position, target, target_position, contact_id, a_type, a_key, b_type, b_key,
  a_contact_id, b_contact_id, voided
from (select value from json_each(:rows)) as asked
cross join void indexed by void_target
  on void.workspace = :workspace and void.target_position = asked.value->>0
where void.target <> 'held'

-- name: voids_of_held
select
  position, target, target_position, contact_id, a_type, a_key, b_type, b_key,
  a_contact_id, b_contact_id, voided
from (select value from json_each(:rows)) as asked
cross join void indexed by void_target
  on void.workspace = :workspace and void.target_position = asked.value->>0
where void.target = 'held'

-- name: voids_by
select
  position, target, target_position, contact_id, a_type, a_key, b_type, b_key,
  a_contact_id, b_contact_id, voided
from (select value from json_each(:rows)) as asked
cross join void on void.workspace = :workspace and void.position = asked.value->>0

-- name: constraints
select a_type, a_key, b_type, b_key, position, voided
from (select value from json_each(:rows)) as asked
cross join identity_constraint
  on identity_constraint.workspace = :workspace
  and identity_constraint.a_type = asked.value->>0
  and identity_constraint.a_key = asked.value->>1
union all
select a_type, a_key, b_type, b_key, position, voided
from (select value from json_each(:rows)) as asked
cross join identity_constraint indexed by identity_constraint_b
  on identity_constraint.workspace = :workspace
  and identity_constraint.b_type = asked.value->>0
  and identity_constraint.b_key = asked.value->>1

-- name: constraints_by
select a_type, a_key, b_type, b_key, position, voided
from (select value from json_each(:rows)) as asked
cross join identity_constraint indexed by identity_constraint_position
  on identity_constraint.workspace = :workspace
  and identity_constraint.position = asked.value->>0

-- Those of the last position all, lest the next page leaves some out.
-- name: standing_constraints
select a_type, a_key, b_type, b_key, position, voided
from identity_constraint indexed by identity_constraint_position
where workspace = :workspace and voided is null
  and position > :after
  and position <= (
    select max(position) from (
      select position from identity_constraint indexed by identity_constraint_position
      where workspace = :workspace and voided is null and position > :after
      order by position
      limit :limit
    )
  )

-- name: blocks
select block.type, block.key, block.position, block.voided
from (select value from json_each(:rows)) as asked
cross join block
  on block.workspace = :workspace
  and block.type = asked.value->>0 and block.key = asked.value->>1

-- name: blocks_by
select block.type, block.key, block.position, block.voided
from (select value from json_each(:rows)) as asked
cross join block indexed by block_position
  on block.workspace = :workspace and block.position = asked.value->>0

-- name: standing_blocks
select block.type, block.key, block.position, block.voided
from identifier indexed by identifier_blocked
cross join block
  on block.workspace = :workspace
  and block.type = identifier.type and block.key = identifier.key
  and block.position = identifier.blocked_by
where identifier.workspace = :workspace and identifier.blocked_by is not null

-- name: held
select
  held.id, at, last_at, requests, email, phone, reason, a_type, a_key, b_type, b_key,
  constraint_position, voided
from (select value from json_each(:rows)) as asked
cross join held on held.workspace = :workspace and held.id = asked.value->>0

-- name: waiting
select
  id, at, last_at, requests, email, phone, reason, a_type, a_key, b_type, b_key,
  constraint_position, voided
from held
where workspace = :workspace and id > :after and voided is null
order by id
limit :limit

-- name: waiting_for
select
  id, at, last_at, requests, email, phone, reason, a_type, a_key, b_type, b_key,
  constraint_position, voided
from held indexed by held_waiting
where workspace = :workspace and email = :email and ltrim(phone, '+') = :phone and voided is null

-- name: answered
select key, digest, at, answer
from idempotency_key
where workspace = :workspace and key = :key and at > :since

-- name: put_contact
insert or replace into contact (
  workspace, id, identity_id, created_at, email, phone, position, source, anchor, voided
)
select
  :workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8
from jsonb_each(:rows)

-- name: put_link
insert or replace into link (
  workspace, a_type, a_key, b_type, b_key, source, position, at, a_contact_id, b_contact_id, voided
)
select
  :workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8, value->>9
from jsonb_each(:rows)

-- name: put_void
insert or replace into void (
  workspace, position, target, target_position, contact_id, a_type, a_key, b_type, b_key,
  a_contact_id, b_contact_id, voided
)
select
  :workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8, value->>9, value->>10
from jsonb_each(:rows)

-- name: put_identity_constraint
insert or replace into identity_constraint (
  workspace, a_type, a_key, b_type, b_key, position, voided
)
select :workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5
from jsonb_each(:rows)

-- name: put_block
insert or replace into block (workspace, type, key, position, voided)
select :workspace, value->>0, value->>1, value->>2, value->>3
from jsonb_each(:rows)

-- name: put_held
insert or replace into held (
  workspace, id, at, last_at, requests, email, phone, reason, a_type, a_key, b_type, b_key,
  constraint_position, voided
)
select
  :workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8, value->>9, value->>10, value->>11, value->>12
from jsonb_each(:rows)

-- name: put_identifier
insert or replace into identifier (workspace, type, key, contact_id, blocked_by)
select :workspace, value->>0, value->>1, value->>2, value->>3
from jsonb_each(:rows)

-- name: put_demotion
insert or replace into demotion (workspace, contact_id, position)
select :workspace, value->>0, value->>1
from jsonb_each(:rows)

-- name: put_journal
insert or replace into journal (
  workspace, position, type, at, contact_id, with_contact_id, primary_id, demoted_id,
  contacts, identities, last_contact_id, who, why
)
select
  :workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
  value->>7, value->>8, value->>9, value->>10, value->>11
from jsonb_each(:rows)

-- name: forget
delete from identifier
where workspace = :workspace
  and (type, key) in (select value->>0, value->>1 from json_each(:rows))

-- name: drop_answers
delete from idempotency_key where workspace = :workspace and at <= :before

-- name: put_answer
insert or replace into idempotency_key (workspace, key, digest, at, answer)
values (:workspace, :key, :digest, :at, :answer)

-- name: note_what_stands
update workspace
set
  has_blocks = exists (
    select 1 from identifier indexed by identifier_blocked
    where identifier.workspace = :workspace and identifier.blocked_by is not null
  ),
  has_constraints = exists (
    select 1 from identity_constraint
    where identity_constraint.workspace = :workspace and identity_constraint.voided is null
  )
where id = :workspace
