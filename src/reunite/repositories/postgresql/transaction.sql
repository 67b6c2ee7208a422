-- What is asked about single identities and written by hand. Lists come as arrays, one for each of
-- their columns, of some ten thousand rows; each is looked up by key, so that the cost grows with them
-- and not with the store. `lateral` with `offset 0` holds the planner to that, `order by` to the index
-- that has this order. Plans are generic, because of a certain workspace that is newer than the
-- statistics a planner expects a single row, for which any index will do. The queries have the same
-- names as SQLite's.

-- name: begin_sight
begin isolation level repeatable read read only

-- name: begin_transaction
begin isolation level read committed

-- For this transaction only, as the connection may belong to a pooler. Of a client that fell silent
-- idle_timeout takes back the lock.
-- name: settings
select
  set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true),
  set_config('synchronous_commit', case current_setting('synchronous_commit')
    when 'off' then 'on' else current_setting('synchronous_commit') end, true),
  set_config('enable_seqscan', 'off', true),
  set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true),
  set_config('enable_bitmapscan', 'off', true),
  set_config('enable_sort', 'off', true),
  set_config('jit', 'off', true),
  set_config('plan_cache_mode', 'force_generic_plan', true)

-- name: lock
select reunite.lock_workspace(id) from reunite.workspace where name = %(name)s

-- name: state
select
  workspace.id, workspace.identity_limit, workspace.has_blocks, head.position,
  (extract(epoch from head.at) * 1000000)::bigint,
  head.contacts, head.identities, head.last_contact_id,
  (extract(epoch from clock_timestamp()) * 1000000)::bigint
from reunite.workspace
left join lateral (
  select journal.position, journal.at, journal.contacts, journal.identities, journal.last_contact_id
  from reunite.journal
  where journal.workspace = workspace.id
  order by journal.position desc
  limit 1
) head on true
where workspace.name = %(name)s

-- name: contacts
select
  contact.id, contact.identity_id, (extract(epoch from contact.created_at) * 1000000)::bigint,
  contact.email, contact.phone, contact.position, contact.source, contact.anchor, contact.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.contact
  where contact.workspace = %(workspace)s
    and contact.id = asked.id
  offset 0
) contact

-- name: members
select
  contact.id, contact.identity_id, (extract(epoch from contact.created_at) * 1000000)::bigint,
  contact.email, contact.phone, contact.position, contact.source, contact.anchor, contact.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.contact
  where contact.workspace = %(workspace)s
    and contact.identity_id = asked.id
  order by contact.created_at, contact.id
  offset 0
) contact

-- name: voided
select
  contact.id, contact.identity_id, (extract(epoch from contact.created_at) * 1000000)::bigint,
  contact.email, contact.phone, contact.position, contact.source, contact.anchor, contact.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.contact
  where contact.workspace = %(workspace)s
    and contact.voided is not null
    and contact.email = asked.key
  offset 0
) contact
where asked.type = 'email'
union all
select
  contact.id, contact.identity_id, (extract(epoch from contact.created_at) * 1000000)::bigint,
  contact.email, contact.phone, contact.position, contact.source, contact.anchor, contact.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.contact
  where contact.workspace = %(workspace)s
    and contact.voided is not null
    and ltrim(contact.phone, '+') = asked.key
  offset 0
) contact
where asked.type = 'phone'

-- name: presenting
select
  contact.id, contact.identity_id, (extract(epoch from contact.created_at) * 1000000)::bigint,
  contact.email, contact.phone, contact.position, contact.source, contact.anchor, contact.voided
from reunite.contact
where contact.workspace = %(workspace)s
  and (
    contact.email = any (
      select asked.key from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
      where asked.type = 'email'
    )
    or ltrim(contact.phone, '+') = any (
      select asked.key from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
      where asked.type = 'phone'
    )
  )

-- name: contacts_brought
select
  contact.id, contact.identity_id, (extract(epoch from contact.created_at) * 1000000)::bigint,
  contact.email, contact.phone, contact.position, contact.source, contact.anchor, contact.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.contact
  where contact.workspace = %(workspace)s
    and contact.source <> 'presented'
    and contact.position = asked.id
  offset 0
) contact

-- name: links
select
  link.a_type, link.a_key, link.b_type, link.b_key, link.source, link.position,
  (extract(epoch from link.at) * 1000000)::bigint, link.a_contact_id, link.b_contact_id,
  link.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.link
  where link.workspace = %(workspace)s
    and link.a_type = asked.type and link.a_key = asked.key
  offset 0
) link
union all
select
  link.a_type, link.a_key, link.b_type, link.b_key, link.source, link.position,
  (extract(epoch from link.at) * 1000000)::bigint, link.a_contact_id, link.b_contact_id,
  link.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.link
  where link.workspace = %(workspace)s
    and link.b_type = asked.type and link.b_key = asked.key
  offset 0
) link

-- name: links_brought
select
  link.a_type, link.a_key, link.b_type, link.b_key, link.source, link.position,
  (extract(epoch from link.at) * 1000000)::bigint, link.a_contact_id, link.b_contact_id,
  link.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.link
  where link.workspace = %(workspace)s
    and link.source <> 'presented'
    and link.position = asked.id
  offset 0
) link

-- name: holders
select
  identifier.type, identifier.key, identifier.contact_id, identifier.blocked_by
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.identifier
  where identifier.workspace = %(workspace)s
    and identifier.type = asked.type and identifier.key = asked.key
  offset 0
) identifier

-- name: provenances
select provenance.contact_id, provenance.position, provenance.source_id, provenance.linked_id
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.provenance
  where provenance.workspace = %(workspace)s
    and provenance.contact_id = asked.id
  offset 0
) provenance

-- name: entries
select
  journal.position, journal.type, (extract(epoch from journal.at) * 1000000)::bigint,
  journal.contact_id, journal.with_contact_id, journal.primary_id, journal.demoted_id,
  journal.contacts, journal.identities, journal.last_contact_id, journal.who, journal.why
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.journal
  where journal.workspace = %(workspace)s
    and journal.position = asked.id
  offset 0
) journal

-- name: demotions
select
  journal.position, journal.type, (extract(epoch from journal.at) * 1000000)::bigint,
  journal.contact_id, journal.with_contact_id, journal.primary_id, journal.demoted_id,
  journal.contacts, journal.identities, journal.last_contact_id, journal.who, journal.why
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.journal
  where journal.workspace = %(workspace)s
    and journal.demoted_id = asked.id
  offset 0
) journal
union all
select
  journal.position, journal.type, (extract(epoch from journal.at) * 1000000)::bigint,
  journal.contact_id, journal.with_contact_id, journal.primary_id, journal.demoted_id,
  journal.contacts, journal.identities, journal.last_contact_id, journal.who, journal.why
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.demotion
  where demotion.workspace = %(workspace)s
    and demotion.contact_id = asked.id
  offset 0
) demotion
cross join lateral (
  select * from reunite.journal
  where journal.workspace = %(workspace)s
    and journal.position = demotion.position
  offset 0
) journal

-- name: voids_of
select
  void.position, void.target, void.target_position, void.contact_id, void.a_type, void.a_key,
  void.b_type, void.b_key, void.a_contact_id, void.b_contact_id, void.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.void
  where void.workspace = %(workspace)s
    and void.target_position = asked.id
  offset 0
) void
where void.target <> 'held'

-- name: voids_of_held
select
  void.position, void.target, void.target_position, void.contact_id, void.a_type, void.a_key,
  void.b_type, void.b_key, void.a_contact_id, void.b_contact_id, void.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.void
  where void.workspace = %(workspace)s
    and void.target_position = asked.id
  offset 0
) void
where void.target = 'held'

-- name: voids_by
select
  void.position, void.target, void.target_position, void.contact_id, void.a_type, void.a_key,
  void.b_type, void.b_key, void.a_contact_id, void.b_contact_id, void.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.void
  where void.workspace = %(workspace)s
    and void.position = asked.id
  offset 0
) void

-- name: constraints
select
  identity_constraint.a_type, identity_constraint.a_key, identity_constraint.b_type,
  identity_constraint.b_key, identity_constraint.position, identity_constraint.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.identity_constraint
  where identity_constraint.workspace = %(workspace)s
    and identity_constraint.a_type = asked.type and identity_constraint.a_key = asked.key
  offset 0
) identity_constraint
union all
select
  identity_constraint.a_type, identity_constraint.a_key, identity_constraint.b_type,
  identity_constraint.b_key, identity_constraint.position, identity_constraint.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.identity_constraint
  where identity_constraint.workspace = %(workspace)s
    and identity_constraint.b_type = asked.type and identity_constraint.b_key = asked.key
  offset 0
) identity_constraint

-- name: constraints_by
select
  identity_constraint.a_type, identity_constraint.a_key, identity_constraint.b_type,
  identity_constraint.b_key, identity_constraint.position, identity_constraint.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.identity_constraint
  where identity_constraint.workspace = %(workspace)s
    and identity_constraint.position = asked.id
  offset 0
) identity_constraint

-- Those of the last position all, lest the next page leaves some out.
-- name: standing_constraints
select
  identity_constraint.a_type, identity_constraint.a_key, identity_constraint.b_type,
  identity_constraint.b_key, identity_constraint.position, identity_constraint.voided
from reunite.identity_constraint
where identity_constraint.workspace = %(workspace)s and identity_constraint.voided is null
  and identity_constraint.position > %(after)s
  and identity_constraint.position <= (
    select max(page.position) from (
      select identity_constraint.position from reunite.identity_constraint
      where identity_constraint.workspace = %(workspace)s and identity_constraint.voided is null
        and identity_constraint.position > %(after)s
      order by identity_constraint.position
      limit %(limit)s
    ) page
  )

-- name: blocks
select
  block.type, block.key, block.position, block.voided
from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
cross join lateral (
  select * from reunite.block
  where block.workspace = %(workspace)s
    and block.type = asked.type and block.key = asked.key
  offset 0
) block

-- name: blocks_by
select
  block.type, block.key, block.position, block.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.block
  where block.workspace = %(workspace)s
    and block.position = asked.id
  offset 0
) block

-- name: standing_blocks
select
  block.type, block.key, block.position, block.voided
from reunite.identifier
cross join lateral (
  select * from reunite.block
  where block.workspace = %(workspace)s
    and block.type = identifier.type and block.key = identifier.key
    and block.voided is null
  order by block.position desc
  limit 1
) block
where identifier.workspace = %(workspace)s and identifier.blocked_by is not null

-- name: held
select
  held.id, (extract(epoch from held.at) * 1000000)::bigint,
  (extract(epoch from held.last_at) * 1000000)::bigint, held.requests, held.email, held.phone,
  held.reason, held.a_type, held.a_key, held.b_type, held.b_key, held.constraint_position,
  held.voided
from unnest(%(id)b::bigint[]) asked (id)
cross join lateral (
  select * from reunite.held
  where held.workspace = %(workspace)s
    and held.id = asked.id
  offset 0
) held

-- name: waiting
select
  held.id, (extract(epoch from held.at) * 1000000)::bigint,
  (extract(epoch from held.last_at) * 1000000)::bigint, held.requests, held.email, held.phone,
  held.reason, held.a_type, held.a_key, held.b_type, held.b_key, held.constraint_position,
  held.voided
from reunite.held
where held.workspace = %(workspace)s and held.id > %(after)s and held.voided is null
order by held.id
limit %(limit)s

-- name: waiting_for
select
  held.id, (extract(epoch from held.at) * 1000000)::bigint,
  (extract(epoch from held.last_at) * 1000000)::bigint, held.requests, held.email, held.phone,
  held.reason, held.a_type, held.a_key, held.b_type, held.b_key, held.constraint_position,
  held.voided
from reunite.held
where held.workspace = %(workspace)s and held.email = %(email)s
  and ltrim(held.phone, '+') = %(phone)s and held.voided is null

-- name: answered
select key, digest, (extract(epoch from at) * 1000000)::bigint, answer
from reunite.idempotency_key
where workspace = %(workspace)s
  and key = %(key)s
  and at > timestamptz 'epoch' + %(since)s * interval '1 microsecond'

-- name: put_contact
insert into reunite.contact (
  workspace, id, identity_id, created_at, email, phone, position, source, anchor, voided
)
select
  %(workspace)s, asked.id, asked.identity_id, asked.created_at, asked.email, asked.phone,
  asked.position, asked.source, asked.anchor, asked.voided
from unnest(
  %(id)b::bigint[], %(identity_id)b::bigint[], %(created_at)b::timestamptz[], %(email)b::text[],
  %(phone)b::text[], %(position)b::bigint[], %(source)b::text[], %(anchor)b::text[],
  %(voided)b::bigint[]
) asked (
  id, identity_id, created_at, email, phone, position, source, anchor, voided
)
on conflict (workspace, id) do update
set
  identity_id = excluded.identity_id, created_at = excluded.created_at, email = excluded.email,
  phone = excluded.phone, position = excluded.position, source = excluded.source,
  anchor = excluded.anchor, voided = excluded.voided

-- name: put_link
insert into reunite.link (
  workspace, a_type, a_key, b_type, b_key, source, position, at, a_contact_id, b_contact_id,
  voided
)
select
  %(workspace)s, asked.a_type, asked.a_key, asked.b_type, asked.b_key, asked.source,
  asked.position, asked.at, asked.a_contact_id, asked.b_contact_id, asked.voided
from unnest(
  %(a_type)b::text[], %(a_key)b::text[], %(b_type)b::text[], %(b_key)b::text[],
  %(source)b::text[], %(position)b::bigint[], %(at)b::timestamptz[], %(a_contact_id)b::bigint[],
  %(b_contact_id)b::bigint[], %(voided)b::bigint[]
) asked (
  a_type, a_key, b_type, b_key, source, position, at, a_contact_id, b_contact_id, voided
)
on conflict (
  workspace, a_type, a_key, b_type, b_key, source, position, a_contact_id, b_contact_id
) do update
set
  at = excluded.at, voided = excluded.voided

-- name: put_void
insert into reunite.void (
  workspace, position, target, target_position, contact_id, a_type, a_key, b_type, b_key,
  a_contact_id, b_contact_id, voided
)
select
  %(workspace)s, asked.position, asked.target, asked.target_position, asked.contact_id,
  asked.a_type, asked.a_key, asked.b_type, asked.b_key, asked.a_contact_id, asked.b_contact_id,
  asked.voided
from unnest(
  %(position)b::bigint[], %(target)b::text[], %(target_position)b::bigint[],
  %(contact_id)b::bigint[], %(a_type)b::text[], %(a_key)b::text[], %(b_type)b::text[],
  %(b_key)b::text[], %(a_contact_id)b::bigint[], %(b_contact_id)b::bigint[], %(voided)b::bigint[]
) asked (
  position, target, target_position, contact_id, a_type, a_key, b_type, b_key, a_contact_id,
  b_contact_id, voided
)
on conflict (
  workspace, position, target, target_position, contact_id, a_type, a_key, b_type, b_key,
  a_contact_id, b_contact_id
) do update
set
  voided = excluded.voided

-- name: put_identity_constraint
insert into reunite.identity_constraint (
  workspace, a_type, a_key, b_type, b_key, position, voided
)
select
  %(workspace)s, asked.a_type, asked.a_key, asked.b_type, asked.b_key, asked.position,
  asked.voided
from unnest(
  %(a_type)b::text[], %(a_key)b::text[], %(b_type)b::text[], %(b_key)b::text[],
  %(position)b::bigint[], %(voided)b::bigint[]
) asked (
  a_type, a_key, b_type, b_key, position, voided
)
on conflict (workspace, a_type, a_key, b_type, b_key, position) do update
set
  voided = excluded.voided

-- name: put_block
insert into reunite.block (
  workspace, type, key, position, voided
)
select
  %(workspace)s, asked.type, asked.key, asked.position, asked.voided
from unnest(
  %(type)b::text[], %(key)b::text[], %(position)b::bigint[], %(voided)b::bigint[]
) asked (
  type, key, position, voided
)
on conflict (workspace, type, key, position) do update
set
  voided = excluded.voided

-- name: put_held
insert into reunite.held (
  workspace, id, at, last_at, requests, email, phone, reason, a_type, a_key, b_type, b_key,
  constraint_position, voided
)
select
  %(workspace)s, asked.id, asked.at, asked.last_at, asked.requests, asked.email, asked.phone,
  asked.reason, asked.a_type, asked.a_key, asked.b_type, asked.b_key, asked.constraint_position,
  asked.voided
from unnest(
  %(id)b::bigint[], %(at)b::timestamptz[], %(last_at)b::timestamptz[], %(requests)b::bigint[],
  %(email)b::text[], %(phone)b::text[], %(reason)b::text[], %(a_type)b::text[],
  %(a_key)b::text[], %(b_type)b::text[], %(b_key)b::text[], %(constraint_position)b::bigint[],
  %(voided)b::bigint[]
) asked (
  id, at, last_at, requests, email, phone, reason, a_type, a_key, b_type, b_key,
  constraint_position, voided
)
on conflict (workspace, id) do update
set
  at = excluded.at, last_at = excluded.last_at, requests = excluded.requests,
  email = excluded.email, phone = excluded.phone, reason = excluded.reason,
  a_type = excluded.a_type, a_key = excluded.a_key, b_type = excluded.b_type,
  b_key = excluded.b_key, constraint_position = excluded.constraint_position,
  voided = excluded.voided

-- name: put_identifier
insert into reunite.identifier (
  workspace, type, key, contact_id, blocked_by
)
select
  %(workspace)s, asked.type, asked.key, asked.contact_id, asked.blocked_by
from unnest(
  %(type)b::text[], %(key)b::text[], %(contact_id)b::bigint[], %(blocked_by)b::bigint[]
) asked (
  type, key, contact_id, blocked_by
)
on conflict (workspace, type, key) do update
set
  contact_id = excluded.contact_id, blocked_by = excluded.blocked_by

-- name: put_demotion
insert into reunite.demotion (
  workspace, contact_id, position
)
select
  %(workspace)s, asked.contact_id, asked.position
from unnest(
  %(contact_id)b::bigint[], %(position)b::bigint[]
) asked (
  contact_id, position
)
on conflict (workspace, contact_id, position) do nothing

-- name: put_journal
insert into reunite.journal (
  workspace, position, type, at, contact_id, with_contact_id, primary_id, demoted_id, contacts,
  identities, last_contact_id, who, why
)
select
  %(workspace)s, asked.position, asked.type, asked.at, asked.contact_id, asked.with_contact_id,
  asked.primary_id, asked.demoted_id, asked.contacts, asked.identities, asked.last_contact_id,
  asked.who, asked.why
from unnest(
  %(position)b::bigint[], %(type)b::text[], %(at)b::timestamptz[], %(contact_id)b::bigint[],
  %(with_contact_id)b::bigint[], %(primary_id)b::bigint[], %(demoted_id)b::bigint[],
  %(contacts)b::bigint[], %(identities)b::bigint[], %(last_contact_id)b::bigint[],
  %(who)b::text[], %(why)b::text[]
) asked (
  position, type, at, contact_id, with_contact_id, primary_id, demoted_id, contacts, identities,
  last_contact_id, who, why
)
on conflict (workspace, position) do update
set
  type = excluded.type, at = excluded.at, contact_id = excluded.contact_id,
  with_contact_id = excluded.with_contact_id, primary_id = excluded.primary_id,
  demoted_id = excluded.demoted_id, contacts = excluded.contacts,
  identities = excluded.identities, last_contact_id = excluded.last_contact_id,
  who = excluded.who, why = excluded.why

-- name: forget
delete from reunite.identifier
where ctid = any (array(
  select found.ctid
  from unnest(%(type)b::text[], %(key)b::text[]) asked (type, key)
  cross join lateral (
    select identifier.ctid from reunite.identifier
    where identifier.workspace = %(workspace)s
      and identifier.type = asked.type and identifier.key = asked.key
    offset 0
  ) found
))

-- name: drop_answers
delete from reunite.idempotency_key
where workspace = %(workspace)s
  and at <= timestamptz 'epoch' + %(before)s * interval '1 microsecond'

-- name: put_answer
insert into reunite.idempotency_key (workspace, key, digest, at, answer)
values (
  %(workspace)s, %(key)s, %(digest)s,
  timestamptz 'epoch' + %(at)s * interval '1 microsecond', %(answer)s
)
on conflict (workspace, key) do update
set digest = excluded.digest, at = excluded.at, answer = excluded.answer

-- name: note_what_stands
update reunite.workspace
set has_blocks = stands.has_blocks, has_constraints = stands.has_constraints
from (
  select
    exists (
      select from reunite.identifier
      where identifier.workspace = %(workspace)s and identifier.blocked_by is not null
    ) as has_blocks,
    exists (
      select from reunite.identity_constraint
      where identity_constraint.workspace = %(workspace)s and identity_constraint.voided is null
    ) as has_constraints
) stands
where workspace.id = %(workspace)s
  and (workspace.has_blocks, workspace.has_constraints)
    <> (stands.has_blocks, stands.has_constraints)
