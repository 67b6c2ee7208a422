-- What it takes to see every decision and to take it back: voids, constraints, blocks, held requests.

drop view contact_tree;

-- voided, here and below: the position of the latest standing void that names the row; null while
-- the row stands. A contact that is voided answers for its anchor alone; one without an identity is
-- retired: its id still resolves, and no answer has it. 'asserted': made by hand.
drop index contact_identity;
alter table contact rename to contact_before;
create table contact (
  workspace integer not null,
  id integer not null check (id > 0),
  identity_id integer,
  created_at integer not null,
  email text check (
    length(email) <= 254
    and email = lower(email)
    and email glob '?*@?*.?*'
    and email not glob '*[ @]*@*'
    and email not glob '*@*[^!-?A-~]*'
    and email not glob '*@.*'
    and email not glob '*@*..*'
    and email not glob '*.'
  ),
  phone text check (
    length(phone) <= 66
    and phone glob '[+0-9]*'
    and phone not glob '+x*'
    and substr(phone, 2) not glob '*[^x0-9]*'
    and phone not glob '*x*x*'
    and phone glob '*[0-9]'
  ),
  position integer not null check (position > 0),
  source text not null check (source in ('presented', 'imported', 'asserted')),
  anchor text not null check (case anchor when 'email' then email when 'phone' then phone end is not null),
  voided integer check (voided > position),
  primary key (workspace, id)
) strict, without rowid;
insert into contact select contact_before.*, null from contact_before;
drop table contact_before;

create unique index contact_identity
  on contact (workspace, identity_id, created_at, id, email, phone, anchor, voided);

-- A voided contact hangs on its anchor; by its other value it is found here.
create index contact_voided_email on contact (workspace, email) where voided is not null;
create index contact_voided_phone on contact (workspace, ltrim(phone, '+')) where voided is not null;

-- What a request brought is found through its journal row.
create index contact_position on contact (workspace, position) where source <> 'presented';

alter table link add column voided integer check (voided > position);
create index link_position on link (workspace, position) where source <> 'presented';

-- who, why: of operations by hand. An operation by hand names no second contact here; what it brought
-- and ended has its position. A list of words in a check is a table that each batch makes anew, and
-- cost a tenth of a new pair: hence what requests write stands word by word, before the list.
drop index journal_demoted;
alter table journal rename to journal_before;
create table journal (
  workspace integer not null,
  position integer not null check (position > 0),
  type text not null,
  at integer not null,
  contact_id integer,
  with_contact_id integer,
  primary_id integer,
  demoted_id integer,
  contacts integer not null check (contacts >= 0),
  identities integer not null check (identities >= 0),
  last_contact_id integer not null check (last_contact_id >= 0),
  who text,
  why text,
  primary key (workspace, position),
  check (primary_id is null or contact_id is not null),
  check ((type = 'merged') = (demoted_id is not null)),
  check (case type
    when 'created' then primary_id is not null and with_contact_id is null
    when 'extended' then primary_id is not null and with_contact_id is not null
    when 'merged' then primary_id is not null and with_contact_id is not null
    when 'linked' then primary_id is not null and with_contact_id is not null
    when 'imported' then contact_id is null and primary_id is null and with_contact_id is null
    else primary_id is null and with_contact_id is null and type in (
      'unlinked', 'asserted', 'constrained', 'unconstrained', 'blocked', 'unblocked',
      'allowed', 'dismissed', 'undone'
    )
  end)
) strict, without rowid;
insert into journal select journal_before.*, null, null from journal_before;
drop table journal_before;

create index journal_demoted on journal (workspace, demoted_id) where demoted_id is not null;

-- That an operation names a piece of evidence, or whatever else can be ended: it does not stand while
-- a void that stands names it. target_position is the piece's own; of a held request its id. An
-- 'operation' stands for all that it brought and ended.
create table void (
  workspace integer not null,
  position integer not null,
  target text not null check (
    target in ('operation', 'contact', 'link', 'constraint', 'block', 'held')
  ),
  target_position integer not null,
  contact_id integer not null default 0,
  a_type text not null default '',
  a_key text not null default '',
  b_type text not null default '',
  b_key text not null default '',
  a_contact_id integer not null default 0,
  b_contact_id integer not null default 0,
  voided integer check (voided > position),
  primary key (
    workspace, position, target, target_position, contact_id,
    a_type, a_key, b_type, b_key, a_contact_id, b_contact_id
  ),
  check (target = 'held' or target_position < position)
) strict, without rowid;

create index void_target on void (workspace, target_position);

-- Two identifiers that must never be of one identity.
create table identity_constraint (
  workspace integer not null,
  a_type text not null check (a_type in ('email', 'phone')),
  a_key text not null check (a_key <> ''),
  b_type text not null check (b_type in ('email', 'phone')),
  b_key text not null check (b_key <> ''),
  position integer not null,
  voided integer check (voided > position),
  primary key (workspace, a_type, a_key, b_type, b_key, position),
  check ((a_type, a_key) < (b_type, b_key))
) strict, without rowid;

create index identity_constraint_b on identity_constraint (workspace, b_type, b_key);
create index identity_constraint_position on identity_constraint (workspace, position);

-- Each time that an identifier was blocked; identifier.blocked_by is the latest that stands.
create table block (
  workspace integer not null,
  type text not null check (type in ('email', 'phone')),
  key text not null check (key <> ''),
  position integer not null,
  voided integer check (voided > position),
  primary key (workspace, type, key, position)
) strict, without rowid;
insert into block
select workspace, type, key, blocked_by, null from identifier where blocked_by is not null;

create index block_position on block (workspace, position);

-- Requests that a constraint or the limit kept from joining: they wait until someone decides. requests
-- and last_at count repeats; constraint_position is 0 where the limit held it.
create table held (
  workspace integer not null,
  id integer not null check (id > 0),
  at integer not null,
  last_at integer not null,
  requests integer not null default 1 check (requests > 0),
  email text not null,
  phone text not null,
  reason text not null check (reason in ('constraint', 'limit')),
  a_type text not null default '',
  a_key text not null default '',
  b_type text not null default '',
  b_key text not null default '',
  constraint_position integer not null default 0,
  voided integer,
  primary key (workspace, id),
  check ((reason = 'constraint') = (constraint_position > 0))
) strict, without rowid;

create index held_waiting on held (workspace, email, ltrim(phone, '+')) where voided is null;

-- Operations answered within the last day under a key of the caller's.
create table idempotency_key (
  workspace integer not null,
  key text not null,
  digest text not null,
  at integer not null,
  answer text not null,
  primary key (workspace, key)
) strict, without rowid;

create index idempotency_key_at on idempotency_key (workspace, at);

-- Whether any constraint stands: where none does, nobody looks for one.
alter table workspace add column has_constraints integer not null default 0
  check (has_constraints in (0, 1));

-- The table that users of the task know; a contact shows what it answers for, and the retired are not
-- in it. updated_at is when a contact was made or, as a primary, became secondary to an older one;
-- that is looked up through the index by name, because without statistics SQLite would walk the
-- whole journal for each contact.
create view contact_tree as
select
  workspace.name as workspace,
  contact.id as id,
  case when contact.voided is null or contact.anchor = 'phone' then contact.phone end
    as phone_number,
  case when contact.voided is null or contact.anchor = 'email' then contact.email end as email,
  nullif(head.id, contact.id) as linked_id,
  case when head.id = contact.id then 'primary' else 'secondary' end as link_precedence,
  strftime('%Y-%m-%dT%H:%M:%fZ', contact.created_at / 1e6, 'unixepoch') as created_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', max(
    contact.created_at,
    ifnull((
      select max(journal.at) from journal indexed by journal_demoted
      where journal.workspace = contact.workspace and journal.demoted_id = contact.id
    ), contact.created_at),
    ifnull((
      select max(journal.at)
      from demotion cross join journal
        on journal.workspace = demotion.workspace and journal.position = demotion.position
      where demotion.workspace = contact.workspace and demotion.contact_id = contact.id
    ), contact.created_at)
  ) / 1e6, 'unixepoch') as updated_at,
  null as deleted_at
from contact
join workspace on workspace.id = contact.workspace
join contact as head on head.workspace = contact.workspace and head.id = (
  select oldest.id from contact as oldest
  where oldest.workspace = contact.workspace and oldest.identity_id = contact.identity_id
  order by oldest.created_at, oldest.id limit 1
);
