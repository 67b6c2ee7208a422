-- Room for what imports bring: where evidence comes from, what was blocked, and links between rows.

-- source: who brought the contact. anchor: the value it hangs on, which is the one that was new when
-- it was made; the e-mail where both were, or none.
alter table reunite.contact
  add column source text collate "C" not null default 'presented'
    check (source in ('presented', 'imported')),
  add column anchor text collate "C";
alter table reunite.contact alter column source drop default;
update reunite.contact c
set anchor = case when c.id = (
  select i.contact_id from reunite.identifier i
  where i.workspace = c.workspace and i.type = 'email' and i.key = c.email
) then 'email' else 'phone' end;
alter table reunite.contact
  alter column anchor set not null,
  add constraint contact_has_its_anchor check (
    case anchor when 'email' then email when 'phone' then phone end is not null
  ),
  drop constraint contact_has_a_value;

-- The same normal forms, checked in half the time: a regular expression for each, and the steps only
-- for an e-mail that has other characters than ASCII.
alter table reunite.contact
  drop constraint email_is_normal,
  add constraint email_is_normal check (
    length(email) <= 254
    and (
      email ~ '^[!-?[-~]+@[-0-9a-z]+([.][-0-9a-z]+)+$'
      or (
        email !~ '[[:space:][:cntrl:]]'
        and email like '_%@%_._%'
        and email not like '%@%@%'
        and email not like '%@.%'
        and email not like '%@%..%'
        and email not like '%.'
        and octet_length(split_part(email, '@', 2)) = length(split_part(email, '@', 2))
        and email = lower(email)
        and (octet_length(email) = length(email) or email is nfc normalized)
      )
    )
  ),
  drop constraint phone_is_normal,
  add constraint phone_is_normal check (
    length(phone) <= 66 and phone ~ '^[+]?[0-9]+(x[0-9]+)?$'
  );

-- blocked_by: the journal position that blocked the identifier; while it is there, the identifier
-- links no one, and if it was blocked before it was seen no contact holds it.
alter table reunite.identifier
  add column blocked_by bigint check (blocked_by > 0),
  alter column contact_id drop not null,
  add constraint identifier_is_held_or_blocked check (
    contact_id is not null or blocked_by is not null
  );

create index identifier_blocked on reunite.identifier (workspace, type, key)
  where blocked_by is not null;

-- Whether any identifier is blocked: where none is, nobody looks for one.
alter table reunite.workspace add column has_blocks boolean not null default false;

-- a_contact_id, b_contact_id: the contacts that a link ties, 0 where it ties identifiers as such. A
-- 'row' is one that imported rows named and that was not taken itself: "position:id".
alter table reunite.link
  add column a_contact_id bigint not null default 0,
  add column b_contact_id bigint not null default 0,
  drop constraint link_b_type_check,
  add constraint link_b_type_check check (b_type in ('email', 'phone', 'row')),
  add constraint only_imports_link_rows check (b_type <> 'row' or source = 'imported'),
  drop constraint link_pkey,
  add primary key (
    workspace, a_type, a_key, b_type, b_key, source, position, a_contact_id, b_contact_id
  );

create index link_b on reunite.link (workspace, b_type, b_key, a_type, a_key, source);

-- blocked: how many of the e-mails and phones are. more_emails, more_phones: blocked ones that only
-- links hold, by key.
alter type reunite.members
  add attribute blocked int,
  add attribute more_emails text[],
  add attribute more_phones text[];

-- An import is one operation and one row, which names no contacts.
alter table reunite.journal
  alter column contact_id drop not null,
  alter column primary_id drop not null,
  drop constraint journal_type_check,
  add constraint journal_type_check check (
    type in ('created', 'extended', 'merged', 'linked', 'imported')
  ),
  drop constraint journal_contacts_check,
  add constraint journal_contacts_check check (contacts >= 0),
  drop constraint journal_identities_check,
  add constraint journal_identities_check check (identities >= 0),
  drop constraint journal_last_contact_id_check,
  add constraint journal_last_contact_id_check check (last_contact_id >= 0),
  drop constraint all_but_created_join_another,
  add constraint all_but_created_join_another check (
    (type in ('created', 'imported')) = (with_contact_id is null)
  ),
  add constraint imports_name_no_contact check (
    (type = 'imported') = (contact_id is null) and (type = 'imported') = (primary_id is null)
  );

-- What an imported row said of itself: its id where it was numbered anew, and its linkedId.
create table reunite.provenance (
  workspace int not null,
  contact_id bigint not null,
  position bigint not null,
  source_id text collate "C",
  linked_id text collate "C",
  primary key (workspace, contact_id),
  constraint provenance_says_something check (source_id is not null or linked_id is not null)
);

-- Ids of rows that an import left out: they stay taken.
create table reunite.tombstone (
  workspace int not null,
  contact_id bigint not null check (contact_id > 0),
  position bigint not null,
  primary key (workspace, contact_id)
);

-- Primaries that an import made secondary; of a merge the journal's own row says so.
create table reunite.demotion (
  workspace int not null,
  contact_id bigint not null,
  position bigint not null,
  primary key (workspace, contact_id, position)
);

-- The table that users of the task know. updated_at is when a contact was made or, as a primary,
-- became secondary to an older one.
create or replace view reunite.contact_tree as
select
  workspace.name as workspace,
  contact.id,
  contact.phone as phone_number,
  contact.email,
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
