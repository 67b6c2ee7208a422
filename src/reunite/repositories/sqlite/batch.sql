-- What a batch writes comes as one row with lists in JSON, and a trigger is the one way to several
-- statements in one step, which is then a transaction by itself: while SQLite works through it,
-- commits and flushes, the interpreter is free for others. Each connection that writes makes both for
-- itself: nothing of it is stored.

-- after, identity_limit: where the journal ended, and the limit, when the batch was reconciled. By
-- now another process may have written: then nothing is.
create temp view batch as
select
  null as workspace, null as after, null as identity_limit, null as at,
  null as repointed, null as contacts, null as identifiers, null as links, null as entries;

create temp trigger batch_written instead of insert on batch begin
  select raise(abort, 'overtaken')
  from workspace
  where id = new.workspace
    and (
      identity_limit <> new.identity_limit
      or new.after <> (
        select coalesce(max(position), 0) from journal where workspace = new.workspace
      )
    );

  -- From the list to the identities to their contacts: without statistics SQLite might walk the
  -- whole workspace.
  update contact set identity_id = new.repointed->>cast(identity_id as text)
  where (workspace, id) in (
    select member.workspace, member.id
    from jsonb_each(new.repointed) as moved
    cross join contact as member indexed by contact_identity
      on member.workspace = new.workspace and member.identity_id = cast(moved.key as integer)
  );

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
