-- Every key and index starts with the workspace. Times are microseconds since 1970, UTC.

-- "reun": a file without it is another program's.
pragma application_id = 0x7265756e;

create table workspace (
  id integer primary key,
  name text not null unique check (name <> ''),
  phone_region text check (phone_region glob '[A-Z][A-Z]'),
  rule_version integer not null check (rule_version > 0),
  identity_limit integer not null default 10000 check (identity_limit >= 2),
  created_at integer not null
) strict;

-- What was presented is never edited; identity_id is what merges change.
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
  primary key (workspace, id),
  check (email is not null or phone is not null)
) strict, without rowid;

-- An identity is one range of this index; its first row is the primary.
create unique index contact_identity
  on contact (workspace, identity_id, created_at, id, email, phone);

-- The live contact that holds an identifier: at first the one that presented it first.
create table identifier (
  workspace integer not null,
  type text not null check (type in ('email', 'phone')),
  key text not null check (key <> ''),
  contact_id integer not null,
  primary key (workspace, type, key)
) strict, without rowid;

-- Standing evidence beyond contacts; unordered, so kept with a before b.
create table link (
  workspace integer not null,
  a_type text not null check (a_type in ('email', 'phone')),
  a_key text not null check (a_key <> ''),
  b_type text not null check (b_type in ('email', 'phone')),
  b_key text not null check (b_key <> ''),
  source text not null check (source in ('presented', 'imported', 'asserted')),
  position integer not null check (position > 0),
  at integer not null,
  primary key (workspace, a_type, a_key, b_type, b_key, source, position),
  check ((a_type, a_key) < (b_type, b_key))
) strict, without rowid;

-- One row for each accepted request that changed something, gap-free and in commit order. contacts,
-- identities and last_contact_id are running totals: the last row is the head of the workspace.
create table journal (
  workspace integer not null,
  position integer not null check (position > 0),
  type text not null check (type in ('created', 'extended', 'merged', 'linked')),
  at integer not null,
  contact_id integer not null,
  with_contact_id integer,
  primary_id integer not null,
  demoted_id integer,
  contacts integer not null check (contacts > 0),
  identities integer not null check (identities > 0),
  last_contact_id integer not null check (last_contact_id > 0),
  primary key (workspace, position),
  check ((type = 'created') = (with_contact_id is null)),
  check ((type = 'merged') = (demoted_id is not null))
) strict, without rowid;

create index journal_demoted on journal (workspace, demoted_id) where demoted_id is not null;

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
  strftime('%Y-%m-%dT%H:%M:%fZ', max(contact.created_at, ifnull((
    select max(journal.at) from journal indexed by journal_demoted
    where journal.workspace = contact.workspace and journal.demoted_id = contact.id
  ), contact.created_at)) / 1e6, 'unixepoch') as updated_at,
  null as deleted_at
from contact
join workspace on workspace.id = contact.workspace
join contact as head on head.workspace = contact.workspace and head.id = (
  select oldest.id from contact as oldest
  where oldest.workspace = contact.workspace and oldest.identity_id = contact.identity_id
  order by oldest.created_at, oldest.id limit 1
);
