-- What it takes to see every decision and to take it back: voids, constraints, blocks, held requests.

-- voided, here and below: the position of the latest standing void that names the row; null while
-- the row stands. A contact that is voided answers for its anchor alone; one without an identity is
-- retired: its id still resolves, and no answer has it. 'asserted': made by hand.
alter table reunite.contact
  alter column identity_id drop not null,
  drop constraint contact_source_check,
  add constraint contact_source_check check (source in ('presented', 'imported', 'asserted')),
  add column voided bigint,
  add constraint contact_is_voided_later check (voided > position);

drop index reunite.contact_identity;
create index contact_identity on reunite.contact (workspace, identity_id, created_at, id)
  include (email, phone, anchor, voided);

-- A voided contact hangs on its anchor; by its other value it is found here.
create index contact_voided_email on reunite.contact (workspace, email) where voided is not null;
create index contact_voided_phone on reunite.contact (workspace, (ltrim(phone, '+')))
  where voided is not null;

-- What a request brought is found through its journal row.
create index contact_position on reunite.contact (workspace, position) where source <> 'presented';

alter table reunite.link
  add column voided bigint,
  add constraint link_is_voided_later check (voided > position);
create index link_position on reunite.link (workspace, position) where source <> 'presented';

-- who, why: of operations by hand. An operation by hand names no second contact here; what it brought
-- and ended has its position.
alter table reunite.journal
  add column who text,
  add column why text,
  drop constraint journal_type_check,
  add constraint journal_type_check check (type in (
    'created', 'extended', 'merged', 'linked', 'imported',
    'unlinked', 'asserted', 'constrained', 'unconstrained', 'blocked', 'unblocked',
    'allowed', 'dismissed', 'undone'
  )),
  drop constraint all_but_created_join_another,
  drop constraint imports_name_no_contact,
  add constraint requests_name_their_contacts check (
    (type in ('created', 'extended', 'merged', 'linked')) = (primary_id is not null)
    and (primary_id is null or contact_id is not null)
    and (type in ('extended', 'merged', 'linked')) = (with_contact_id is not null)
  ),
  add constraint imports_name_no_contact check (type <> 'imported' or contact_id is null);

-- That an operation names a piece of evidence, or whatever else can be ended: it does not stand while
-- a void that stands names it. target_position is the piece's own; of a held request its id. An
-- 'operation' stands for all that it brought and ended.
create table reunite.void (
  workspace int not null,
  position bigint not null,
  target text collate "C" not null check (
    target in ('operation', 'contact', 'link', 'constraint', 'block', 'held')
  ),
  target_position bigint not null,
  contact_id bigint not null default 0,
  a_type text collate "C" not null default '',
  a_key text collate "C" not null default '',
  b_type text collate "C" not null default '',
  b_key text collate "C" not null default '',
  a_contact_id bigint not null default 0,
  b_contact_id bigint not null default 0,
  voided bigint,
  primary key (
    workspace, position, target, target_position, contact_id,
    a_type, a_key, b_type, b_key, a_contact_id, b_contact_id
  ),
  constraint void_is_voided_later check (voided > position),
  constraint void_follows_its_target check (target = 'held' or target_position < position)
);

create index void_target on reunite.void (workspace, target_position);

-- Two identifiers that must never be of one identity.
create table reunite.identity_constraint (
  workspace int not null,
  a_type text collate "C" not null check (a_type in ('email', 'phone')),
  a_key text collate "C" not null check (a_key <> ''),
  b_type text collate "C" not null check (b_type in ('email', 'phone')),
  b_key text collate "C" not null check (b_key <> ''),
  position bigint not null,
  voided bigint,
  primary key (workspace, a_type, a_key, b_type, b_key, position),
  constraint constraint_is_voided_later check (voided > position),
  constraint a_is_before_b check ((a_type, a_key) < (b_type, b_key))
);

create index identity_constraint_b on reunite.identity_constraint (workspace, b_type, b_key);
create index identity_constraint_position on reunite.identity_constraint (workspace, position);

-- Each time that an identifier was blocked; identifier.blocked_by is the latest that stands.
create table reunite.block (
  workspace int not null,
  type text collate "C" not null check (type in ('email', 'phone')),
  key text collate "C" not null check (key <> ''),
  position bigint not null,
  voided bigint,
  primary key (workspace, type, key, position),
  constraint block_is_voided_later check (voided > position)
);
insert into reunite.block
select workspace, type, key, blocked_by, null from reunite.identifier where blocked_by is not null;

create index block_position on reunite.block (workspace, position);

-- Requests that a constraint or the limit kept from joining: they wait until someone decides. requests
-- and last_at count repeats; constraint_position is 0 where the limit held it.
create table reunite.held (
  workspace int not null,
  id bigint not null check (id > 0),
  at timestamptz not null,
  last_at timestamptz not null,
  requests bigint not null default 1 check (requests > 0),
  email text collate "C" not null,
  phone text collate "C" not null,
  reason text collate "C" not null check (reason in ('constraint', 'limit')),
  a_type text collate "C" not null default '',
  a_key text collate "C" not null default '',
  b_type text collate "C" not null default '',
  b_key text collate "C" not null default '',
  constraint_position bigint not null default 0,
  voided bigint,
  primary key (workspace, id),
  constraint a_constraint_has_a_position check (
    (reason = 'constraint') = (constraint_position > 0)
  )
);

create index held_waiting on reunite.held (workspace, email, (ltrim(phone, '+')))
  where voided is null;

-- Operations answered within the last day under a key of the caller's.
create table reunite.idempotency_key (
  workspace int not null,
  key text collate "C" not null,
  digest text collate "C" not null,
  at timestamptz not null,
  answer text not null,
  primary key (workspace, key)
);

create index idempotency_key_at on reunite.idempotency_key (workspace, at);

-- Whether any constraint stands: where none does, nobody looks for one.
alter table reunite.workspace add column has_constraints boolean not null default false;

-- The table that users of the task know; a contact shows what it answers for, and the retired are not
-- in it. updated_at is when a contact was made or, as a primary, became secondary to an older one.
create or replace view reunite.contact_tree as
select
  workspace.name as workspace,
  contact.id,
  case when contact.voided is null or contact.anchor = 'phone' then contact.phone end
    as phone_number,
  case when contact.voided is null or contact.anchor = 'email' then contact.email end as email,
  nullif(head.id, contact.id) as linked_id,
  case when head.id = contact.id then 'primary' else 'secondary' end as link_precedence,
  contact.created_at,
  greatest(
    contact.created_at,
    (
      select max(journal.at) from reunite.journal
      where journal.workspace = contact.workspace and journal.demoted_id = contact.id
    ),
    (
      select max(journal.at)
      from reunite.demotion
      join reunite.journal
        on journal.workspace = demotion.workspace and journal.position = demotion.position
      where demotion.workspace = contact.workspace and demotion.contact_id = contact.id
    )
  ) as updated_at,
  null::timestamptz as deleted_at
from reunite.contact
join reunite.workspace on workspace.id = contact.workspace
cross join lateral (
  select oldest.id from reunite.contact oldest
  where oldest.workspace = contact.workspace and oldest.identity_id = contact.identity_id
  order by oldest.created_at, oldest.id
  limit 1
) head;
