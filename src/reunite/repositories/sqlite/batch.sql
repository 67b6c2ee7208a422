-- What a batch writes comes as one row with lists in JSON, and a trigger is the one way to several
-- inserts in one step. Each connection that writes makes both for itself: nothing of it is stored.

create temp view batch as
select
  null as workspace, null as at,
  null as contacts, null as identifiers, null as links, null as entries;

create temp trigger batch_written instead of insert on batch begin
  insert into contact (
    workspace, id, identity_id, created_at, email, phone, anchor, position, source
  )
  select
    new.workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
    'presented'
  from jsonb_each(new.contacts);

  insert into identifier (workspace, type, key, contact_id)
  select new.workspace, value->>0, value->>1, value->>2
  from jsonb_each(new.identifiers);

  insert into link (workspace, a_type, a_key, b_type, b_key, source, position, at)
  select
    new.workspace, 'email', value->>0, 'phone', value->>1, 'presented', value->>2, new.at
  from jsonb_each(new.links);

  insert into journal (
    workspace, position, type, contact_id, with_contact_id, primary_id, demoted_id,
    contacts, identities, last_contact_id, at
  )
  select
    new.workspace, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5,
    value->>6, value->>7, value->>8, new.at
  from jsonb_each(new.entries);
end;
