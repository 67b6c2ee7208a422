-- Room for what imports bring: where evidence comes from, what was blocked, and links between rows.

drop view contact_tree;

-- source: who brought the contact. anchor: the value it hangs on, which is the one that was new when
-- it was made; the e-mail where both were, or none.
alter table contact rename to contact_before;
drop index contact_identity;
create table contact (
  workspace integer not null,
  id integer not null check (id > 0),
  identity_id integer not null,
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
  source text not null check (source in ('presented', 'imported')),
  anchor text not null check (case anchor when 'email' then email when 'phone' then phone end is not null),
  primary key (workspace, id)
) strict, without rowid;
insert into contact
select
  workspace, id, identity_id, created_at, email, phone, position, 'presented',
  case when id = (
    select identifier.contact_id from identifier
    where identifier.workspace = contact_before.workspace
      and identifier.type = 'email' and identifier.key = contact_before.email
  ) then 'email' else 'phone' end
from contact_before;
drop table contact_before;

create unique index contact_identity
  on contact (workspace, identity_id, created_at, id, email, phone);

-- blocked_by: the journal position that blocked the identifier; while it is there, the identifier
-- links no one, and if it was blocked before it was seen no contact holds it.
alter table identifier rename to identifier_before;
create table identifier (
  workspace integer not null,
  type text not null check (type in ('email', 'phone')),
  key text not null check (key <> ''),
  contact_id integer,
  blocked_by integer check (blocked_by > 0),
  primary key (workspace, type, key),
  check (contact_id is not null or blocked_by is not null)
) strict, without rowid;
insert into identifier select workspace, type, key, contact_id, null from identifier_before;
drop table identifier_before;

create index identifier_blocked on identifier (workspace, type, key) where blocked_by is not null;

-- Whether any identifier is blocked: where none is, nobody looks for one.
alter table workspace add column has_blocks integer not null default 0 check (has_blocks in (0, 1));

-- a_contact_id, b_contact_id: the contacts that a link ties, 0 where it ties identifiers as such. A
-- 'row' is one that imported rows named and that was not taken itself: "position:id".
alter table link rename to link_before;
create table link (
  workspace integer not null,
  a_type text not null check (a_type in ('email', 'phone')),
  a_key text not null check (a_key <> ''),
  b_type text not null check (b_type in ('email', 'phone', 'row')),
  b_key text not null check (b_key <> ''),
  source text not null check (source in ('presented', 'imported', 'asserted')),
  position integer not null check (position > 0),
  at integer not null,
  a_contact_id integer not null default 0,
  b_contact_id integer not null default 0,
  primary key (
    workspace, a_type, a_key, b_type, b_key, source, position, a_contact_id, b_contact_id
  ),
  check ((a_type, a_key) < (b_type, b_key)),
  check (b_type <> 'row' or source = 'imported')
) strict, without rowid;
insert into link
select workspace, a_type, a_key, b_type, b_key, source, position, at, 0, 0 from link_before;
drop table link_before;

create index link_b on link (workspace, b_type, b_key);

-- An import is one operation and one row, which names no contacts.
alter table journal rename to journal_before;
drop index journal_demoted;
create table journal (
  workspace integer not null,
  position integer not null check (position > 0),
  type text not null check (type in ('created', 'extended', 'merged', 'linked', 'imported')),
  at integer not null,
  contact_id integer,
  with_contact_id integer,
  primary_id integer,
  demoted_id integer,
  contacts integer not null check (contacts >= 0),
  identities integer not null check (identities >= 0),
  last_contact_id integer not null check (last_contact_id >= 0),
  primary key (workspace, position),
  check ((type = 'imported') = (contact_id is null)),
  check ((type = 'imported') = (primary_id is null)),
  check ((type in ('created', 'imported')) = (with_contact_id is null)),
  check ((type = 'merged') = (demoted_id is not null))
) strict, without rowid;
insert into journal select * from journal_before;
drop table journal_before;

create index journal_demoted on journal (workspace, demoted_id) where demoted_id is not null;

-- What an imported row said of itself: its id where it was numbered anew, and its linkedId.
create table provenance (
  workspace integer not null,
  contact_id integer not null,
  position integer not null,
  source_id text,
  linked_id text,
  primary key (workspace, contact_id),
  check (source_id is not null or linked_id is not null)
) strict, without rowid;

-- Ids of rows that an import left out: they stay taken.
create table tombstone (
  workspace integer not null,
  contact_id integer not null check (contact_id > 0),
  position integer not null,
  primary key (workspace, contact_id)
) strict, without rowid;

-- Primaries that an import made secondary; of a merge the journal's own row says so.
create table demotion (
  workspace integer not null,
  contact_id integer not null,
  position integer not null,
  primary key (workspace, contact_id, position)
) strict, without rowid;

-- The table that users of the task know. updated_at is when a contact was made or, as a primary,
-- became secondary to an older one; that is looked up through the index by name, because without
-- statistics SQLite would walk the whole journal for each contact.
create view contact_tree as
select
  workspace.name as workspace,
  contact.id as id,
  contact.phone as phone_number,
  contact.email as email,
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
