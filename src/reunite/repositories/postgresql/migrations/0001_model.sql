-- Every key and index starts with the workspace. Keys collate "C": compared byte by byte, on every
-- server alike. No foreign keys between the hot tables: only the functions of this schema write
-- them, and checking each row again costs more than writing it.

do $$
begin
  -- Asking first lets a role work in a schema that was made for it in a database not its own.
  if to_regnamespace('reunite') is null then
    create schema reunite;
  end if;
end
$$;

create table reunite.migration (
  number int primary key check (number > 0),
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
);

-- Which release's stored functions are in place: one row.
create table reunite.functions (
  is_only_row boolean primary key default true check (is_only_row),
  digest text not null,
  applied_at timestamptz not null
);

create table reunite.workspace (
  id int generated always as identity primary key,
  name text collate "C" not null unique check (name <> ''),
  phone_region text collate "C" check (phone_region similar to '[A-Z]{2}'),
  rule_version int not null check (rule_version > 0),
  identity_limit int not null default 10000 check (identity_limit >= 2),
  created_at timestamptz not null default clock_timestamp()
);

-- What was presented is never edited; identity_id is what merges change. email_is_normal and
-- phone_is_normal are also how identify_many refuses values that are not in normal form.
create table reunite.contact (
  workspace int not null,
  id bigint not null check (id > 0),
  identity_id bigint not null,
  created_at timestamptz not null,
  email text collate "C",
  phone text collate "C",
  position bigint not null check (position > 0),
  primary key (workspace, id),
  constraint contact_has_a_value check (email is not null or phone is not null),
  -- In cheap steps: one regular expression for it all would cost as much as an index entry.
  constraint email_is_normal check (
    length(email) <= 254
    and email !~ '[[:space:][:cntrl:]]'
    and email like '_%@%_._%'
    and email not like '%@%@%'
    and email not like '%@.%'
    and email not like '%@%..%'
    and email not like '%.'
    and octet_length(split_part(email, '@', 2)) = length(split_part(email, '@', 2))
    and email = lower(email)
    and (octet_length(email) = length(email) or email is nfc normalized)
  ),
  constraint phone_is_normal check (
    length(phone) <= 66
    and (
      (rtrim(phone, '0123456789') in ('', '+') and phone not in ('', '+'))
      or phone ~ '^[+]?[0-9]+x[0-9]+$'
    )
  )
);

-- An identity is one range of this index; its first row is the primary.
create index contact_identity on reunite.contact (workspace, identity_id, created_at, id)
  include (email, phone);

-- The live contact that holds an identifier: at first the one that presented it first.
create table reunite.identifier (
  workspace int not null,
  type text collate "C" not null check (type in ('email', 'phone')),
  key text collate "C" not null check (key <> ''),
  contact_id bigint not null,
  primary key (workspace, type, key)
);

-- Standing evidence beyond contacts; unordered, so kept with a before b.
create table reunite.link (
  workspace int not null,
  a_type text collate "C" not null check (a_type in ('email', 'phone')),
  a_key text collate "C" not null check (a_key <> ''),
  b_type text collate "C" not null check (b_type in ('email', 'phone')),
  b_key text collate "C" not null check (b_key <> ''),
  source text collate "C" not null check (source in ('presented', 'imported', 'asserted')),
  position bigint not null check (position > 0),
  at timestamptz not null,
  primary key (workspace, a_type, a_key, b_type, b_key, source, position),
  constraint a_is_before_b check ((a_type, a_key) < (b_type, b_key))
);

-- One row for each accepted request that changed something, gap-free and in commit order. contacts,
-- identities and last_contact_id are running totals: the last row is the head of the workspace.
create table reunite.journal (
  workspace int not null,
  position bigint not null check (position > 0),
  type text collate "C" not null check (type in ('created', 'extended', 'merged', 'linked')),
  at timestamptz not null,
  contact_id bigint not null,
  with_contact_id bigint,
  primary_id bigint not null,
  demoted_id bigint,
  contacts bigint not null check (contacts > 0),
  identities bigint not null check (identities > 0),
  last_contact_id bigint not null check (last_contact_id > 0),
  primary key (workspace, position),
  constraint all_but_created_join_another check ((type = 'created') = (with_contact_id is null)),
  constraint only_merged_demotes check ((type = 'merged') = (demoted_id is not null))
);

create index journal_demoted on reunite.journal (workspace, demoted_id)
  where demoted_id is not null;

-- An identity as the stored functions hand it around: by age of its contacts the ids (the first is the
-- primary's), then e-mails and phones in order of first appearance, none twice. since: the primary's
-- created_at.
create type reunite.members as (
  identity bigint,
  since timestamptz,
  ids bigint[],
  emails text[],
  phones text[]
);

-- The table that users of the task know. updated_at is when a contact was made or, as a primary,
-- became secondary to an older one.
create view reunite.contact_tree as
select
  workspace.name as workspace,
  contact.id,
  contact.phone as phone_number,
  contact.email,
  nullif(head.id, contact.id) as linked_id,
  case when head.id = contact.id then 'primary' else 'secondary' end as link_precedence,
  contact.created_at,
  coalesce(
    (
      select max(journal.at) from reunite.journal
      where journal.workspace = contact.workspace and journal.demoted_id = contact.id
    ),
    contact.created_at
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
