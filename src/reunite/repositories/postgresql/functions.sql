-- The rule of reunite, callable by any SQL client:
--
--   select * from reunite.identify_many('default', array['foo@example.com'], array['1234567890']);
--
-- E-mails and phones are presented pairwise, in normal form, null for what is absent. Arguments
-- begin with p_, variables with v_. Own SQLSTATEs: RU001 wrong isolation, RU002 no such workspace,
-- RU003 the arrays do not match; 23514 says which value is not in normal form.
--
-- This file is applied as a whole whenever it changed, so everything in it replaces.


create or replace function reunite.phone_key(p_phone text) returns text
language sql immutable parallel safe
return ltrim(p_phone, '+');


-- The workspace's id; its policy is the caller's business.
create or replace function reunite.workspace_id(p_workspace text) returns int
language plpgsql stable
as $$
declare
  v_id int := (select w.id from reunite.workspace w where w.name = p_workspace);
begin
  if v_id is null then
    raise exception 'there is no workspace %', quote_literal(p_workspace) using errcode = 'RU002';
  end if;
  return v_id;
end
$$;


-- What the store knows of each presented pair. seen: live evidence holds the pair, so that
-- presenting it again changes nothing (a contact that holds one of the two, or a presented link).
-- Each limit 1 is a fence: planned over empty tables, an open join would read whole workspaces.
create or replace function reunite.look_up(p_workspace int, p_emails text[], p_phones text[])
returns table (
  item int, email text, phone text, email_contact bigint, phone_contact bigint,
  email_identity bigint, phone_identity bigint, seen boolean
)
language sql stable
begin atomic
  select
    asked.item::int, asked.email, asked.phone, by_email.id, by_phone.id,
    by_email.identity_id, by_phone.identity_id,
    (
      asked.email is null
      or asked.phone is null
      or reunite.phone_key(by_email.phone) = reunite.phone_key(asked.phone)
      or by_phone.email = asked.email
      or (
        select true from reunite.link l
        where l.workspace = p_workspace
          and l.a_type = 'email' and l.a_key = asked.email
          and l.b_type = 'phone' and l.b_key = reunite.phone_key(asked.phone)
          and l.source = 'presented'
        limit 1
      )
    ) is true
  from unnest(p_emails, p_phones) with ordinality asked (email, phone, item)
  left join lateral (
    select c.id, c.identity_id, c.phone
    from reunite.contact c
    where c.workspace = p_workspace and c.id = (
      select i.contact_id from reunite.identifier i
      where i.workspace = p_workspace and i.type = 'email' and i.key = asked.email
    )
    limit 1
  ) by_email on true
  left join lateral (
    select c.id, c.identity_id, c.email
    from reunite.contact c
    where c.workspace = p_workspace and c.id = (
      select i.contact_id from reunite.identifier i
      where i.workspace = p_workspace and i.type = 'phone'
        and i.key = reunite.phone_key(asked.phone)
    )
    limit 1
  ) by_phone on true;
end;


-- An identity by age of its contacts: ids (the first is the primary's), then e-mails and phones in
-- order of first appearance, none twice; a phone is spelt as the oldest contact has it.
create or replace function reunite.members(p_workspace int, p_identity bigint)
returns table (since timestamptz, ids bigint[], emails text[], phones text[])
language sql stable
begin atomic
  select
    presented.since,
    presented.ids,
    case when cardinality(presented.ids) = 1 then array_remove(presented.emails, null)
    else array(
      select first.email
      from (
        select distinct on (a.email) a.email, a.age
        from unnest(presented.emails) with ordinality a (email, age)
        where a.email is not null
        order by a.email, a.age
      ) first
      order by first.age
    ) end,
    case when cardinality(presented.ids) = 1 then array_remove(presented.phones, null)
    else array(
      select first.phone
      from (
        select distinct on (reunite.phone_key(a.phone)) a.phone, a.age
        from unnest(presented.phones) with ordinality a (phone, age)
        where a.phone is not null
        order by reunite.phone_key(a.phone), a.age
      ) first
      order by first.age
    ) end
  from (
    select
      min(c.created_at) as since, array_agg(c.id) as ids,
      array_agg(c.email) as emails, array_agg(c.phone) as phones
    from (
      select c.created_at, c.id, c.email, c.phone
      from reunite.contact c
      where c.workspace = p_workspace and c.identity_id = p_identity
      order by c.created_at, c.id
    ) c
  ) presented;
end;


create or replace function reunite.contact_json(p_ids bigint[], p_emails text[], p_phones text[])
returns json
language sql stable
return json_build_object(
  'primaryContactId', p_ids[1],
  'emails', array_to_json(p_emails),
  'phoneNumbers', array_to_json(p_phones),
  'secondaryContactIds', array_to_json(p_ids[2:])
);


create or replace function reunite.refusal_json(
  p_primary bigint, p_size int, p_would_be int, p_limit int
)
returns json
language sql stable
return json_build_object(
  'primaryContactId', p_primary, 'size', p_size, 'wouldBe', p_would_be, 'limit', p_limit
);


-- Whoever changes a workspace holds this until its transaction ends. Take it in a statement of its
-- own: what reads must begin after it is held.
create or replace function reunite.lock_workspace(p_workspace int) returns void
language sql volatile
return pg_advisory_xact_lock(1919251822, p_workspace);


-- Answers those requests that would change nothing, from one snapshot and without a lock. The text
-- of an identity comes once, with the first item that asks for it; same_as names that item.
create or replace function reunite.recognise_many(
  p_workspace text, p_emails text[], p_phones text[]
)
returns table (item int, outcome text, same_as int, contact json, refusal json)
language plpgsql volatile
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_workspace int := reunite.workspace_id(p_workspace);
begin
  return query
  select
    known.item,
    'known',
    case when known.told_at <> known.item then known.told_at end,
    case when known.told_at = known.item then (
      select reunite.contact_json(m.ids, m.emails, m.phones)
      from reunite.members(v_workspace, known.identity) m
    ) end,
    null::json
  from (
    select
      l.item,
      coalesce(l.email_identity, l.phone_identity) as identity,
      min(l.item) over (partition by coalesce(l.email_identity, l.phone_identity)) as told_at
    from reunite.look_up(v_workspace, p_emails, p_phones) l
    where l.seen
      and (l.email is null or l.email_identity is not null)
      and (l.phone is null or l.phone_identity is not null)
      and coalesce(l.email_identity, l.phone_identity) = coalesce(l.phone_identity, l.email_identity)
  ) known
  order by known.item;
end
$$;


-- Write what identify_many gathered; apart, because it does so before it reads an identity that a
-- gathered contact belongs to.
create or replace function reunite.write_contacts(
  p_contacts reunite.contact[], p_identifiers reunite.identifier[]
)
returns void
language plpgsql volatile
as $$
begin
  insert into reunite.contact select c.* from unnest(p_contacts) c;
  insert into reunite.identifier select i.* from unnest(p_identifiers) i;
end
$$;


-- Makes one identity of two, unless it would have more identifiers than the limit. The older primary
-- stays primary; re-pointed is the side with fewer contacts, so that n merges cost O(n log n).
create or replace function reunite.merge_identities(
  p_workspace int, p_one bigint, p_other bigint, p_limit int
)
returns table (kept bigint, gone bigint, demoted_id bigint, refusal json)
language plpgsql volatile
as $$
declare
  v_pair record;
begin
  with side as materialized (
    select
      s.identity, m.since, m.ids[1] as primary_id, cardinality(m.ids) as contacts,
      cardinality(m.emails) + cardinality(m.phones) as size
    from unnest(array[p_one, p_other]) s (identity)
    cross join lateral reunite.members(p_workspace, s.identity) m
  )
  select
    older.primary_id, younger.primary_id as demoted_id,
    older.size, older.size + younger.size as would_be,
    case when younger.contacts > older.contacts then younger.identity else older.identity end as kept
  into v_pair
  from side older join side younger
    on (older.since, older.primary_id) < (younger.since, younger.primary_id);

  if v_pair.would_be > p_limit then
    refusal := reunite.refusal_json(v_pair.primary_id, v_pair.size, v_pair.would_be, p_limit);
  else
    demoted_id := v_pair.demoted_id;
    kept := v_pair.kept;
    gone := case when kept = p_one then p_other else p_one end;
    update reunite.contact c set identity_id = kept
    where c.workspace = p_workspace and c.identity_id = gone;
  end if;
  return next;
end
$$;


-- Reconciles requests one after the other, in the caller's transaction, which holds the workspace's
-- lock until it ends. Each answer is the identity right after its request; one that would bring an
-- identity past its limit is 'refused', and nothing of it is written.
create or replace function reunite.identify_many(
  p_workspace text, p_emails text[], p_phones text[]
)
returns table (item int, outcome text, same_as int, contact json, refusal json)
language plpgsql volatile
-- A plan made while the tables were empty would stay a sequential scan for the whole session.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_workspace int;
  v_limit int;
  v_journal_row reunite.journal;      -- the last one there is, then each one that is made

  -- What the batch presents, by item. Of an identifier or a pair that several items present, the
  -- slot is the first of them: what is known of it stands there, whichever item changes it.
  v_emails text[];
  v_phones text[];
  v_email_slots int[];
  v_phone_slots int[];
  v_pair_slots int[];
  v_email_contacts bigint[];
  v_phone_contacts bigint[];
  v_email_identities bigint[];
  v_phone_identities bigint[];
  v_seen boolean[];

  -- What it writes, gathered: one statement for many rows is several times as fast.
  v_contacts reunite.contact[] := '{}';
  v_identifiers reunite.identifier[] := '{}';
  v_links reunite.link[] := '{}';
  v_journal reunite.journal[] := '{}';
  v_unwritten bigint[] := '{}';       -- identities that gathered contacts belong to

  -- The item at hand; where it merges two identities, v_other is the phone's.
  v_email text;
  v_phone text;
  v_email_slot int;
  v_phone_slot int;
  v_identity bigint;
  v_other bigint;
  v_email_is_new boolean;
  v_phone_is_new boolean;
  v_changes boolean;
  v_merge record;

  -- The identity that was read last, as it stands now.
  v_read bigint;
  v_ids bigint[];
  v_its_emails text[];
  v_its_phones text[];
  v_size int;

  -- Identities whose present text this batch has told, and with which item.
  v_told bigint[] := '{}';
  v_told_items int[] := '{}';
  v_told_at int;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    -- With one snapshot for the transaction, what was committed while it waited stays unseen.
    raise exception 'identify_many needs the isolation read committed, not %',
      current_setting('transaction_isolation') using errcode = 'RU001';
  end if;
  if cardinality(p_emails) is distinct from cardinality(p_phones) then
    raise exception 'identify_many needs as many e-mails as phones, null for what is absent'
      using errcode = 'RU003';
  end if;
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  v_workspace := reunite.workspace_id(p_workspace);
  perform reunite.lock_workspace(v_workspace);

  select w.identity_limit into v_limit from reunite.workspace w where w.id = v_workspace;
  select j.* into v_journal_row from reunite.journal j
  where j.workspace = v_workspace order by j.position desc limit 1;
  if not found then
    v_journal_row := row(v_workspace, 0, null, '-infinity', null, null, null, null, 0, 0, 0);
  end if;
  v_journal_row.at := greatest(clock_timestamp(), v_journal_row.at);

  select
    array_agg(asked.email), array_agg(asked.phone),
    array_agg(asked.email_slot), array_agg(asked.phone_slot), array_agg(asked.pair_slot),
    array_agg(asked.email_contact), array_agg(asked.phone_contact),
    array_agg(asked.email_identity), array_agg(asked.phone_identity), array_agg(asked.seen)
  into
    v_emails, v_phones, v_email_slots, v_phone_slots, v_pair_slots,
    v_email_contacts, v_phone_contacts, v_email_identities, v_phone_identities, v_seen
  from (
    select
      l.*,
      case when l.email is not null then min(l.item) over email end as email_slot,
      case when l.phone is not null then min(l.item) over phone end as phone_slot,
      min(l.item) over pair as pair_slot
    from reunite.look_up(v_workspace, p_emails, p_phones) l
    window
      email as (partition by l.email),
      phone as (partition by reunite.phone_key(l.phone)),
      pair as (partition by l.email, reunite.phone_key(l.phone))
    order by l.item
  ) asked;

  for i in 1 .. coalesce(cardinality(v_emails), 0) loop
    item := i;
    same_as := null;
    contact := null;
    refusal := null;
    v_email := v_emails[i];
    v_phone := v_phones[i];
    v_email_slot := v_email_slots[i];
    v_phone_slot := v_phone_slots[i];
    v_email_is_new := v_email is not null and v_email_identities[v_email_slot] is null;
    v_phone_is_new := v_phone is not null and v_phone_identities[v_phone_slot] is null;
    v_identity := coalesce(v_email_identities[v_email_slot], v_phone_identities[v_phone_slot]);
    v_other := nullif(v_phone_identities[v_phone_slot], v_identity);

    if v_identity is null then
      outcome := 'created';
    elsif v_email_is_new or v_phone_is_new then
      outcome := 'extended';
    elsif v_other is not null then
      outcome := 'merged';
      -- A merge reads and re-points both sides.
      perform reunite.write_contacts(v_contacts, v_identifiers);
      v_contacts := '{}';
      v_identifiers := '{}';
      v_unwritten := '{}';
      select m.* into v_merge
      from reunite.merge_identities(v_workspace, v_identity, v_other, v_limit) m;
      refusal := v_merge.refusal;
      if refusal is null then
        v_identity := v_merge.kept;
        v_email_identities := array_replace(v_email_identities, v_merge.gone, v_merge.kept);
        v_phone_identities := array_replace(v_phone_identities, v_merge.gone, v_merge.kept);
        v_read := null;
      end if;
    else
      outcome := 'known';
    end if;
    v_changes := outcome <> 'known' or not v_seen[v_pair_slots[i]];
    v_told_at := array_position(v_told, v_identity);

    -- Bring the identity to hand, where its text is not told yet or will change.
    if outcome = 'created' then
      v_read := null;
      v_ids := '{}';
      v_its_emails := '{}';
      v_its_phones := '{}';
    elsif refusal is null and v_read is distinct from v_identity
      and (v_changes or v_told_at is null)
    then
      if v_identity = any (v_unwritten) then
        perform reunite.write_contacts(v_contacts, v_identifiers);
        v_contacts := '{}';
        v_identifiers := '{}';
        v_unwritten := '{}';
      end if;
      select m.ids, m.emails, m.phones into v_ids, v_its_emails, v_its_phones
      from reunite.members(v_workspace, v_identity) m;
      v_read := v_identity;
    end if;

    if outcome = 'extended' then
      v_size := cardinality(v_its_emails) + cardinality(v_its_phones);
      if v_size >= v_limit then
        refusal := reunite.refusal_json(v_ids[1], v_size, v_size + 1, v_limit);
      end if;
    end if;
    if refusal is not null then
      outcome := 'refused';
      return next;
      continue;
    end if;

    if v_changes then
      v_journal_row.position := v_journal_row.position + 1;
      v_journal_row.demoted_id := null;
      if outcome in ('created', 'extended') then
        v_journal_row.type := outcome;
        v_journal_row.last_contact_id := v_journal_row.last_contact_id + 1;
        v_journal_row.contacts := v_journal_row.contacts + 1;
        v_journal_row.contact_id := v_journal_row.last_contact_id;
        v_journal_row.with_contact_id := coalesce(
          v_email_contacts[v_email_slot], v_phone_contacts[v_phone_slot]
        );
        if outcome = 'created' then
          v_journal_row.identities := v_journal_row.identities + 1;
          v_identity := v_journal_row.contact_id;
          v_read := v_identity;
        end if;
        v_ids := array_append(v_ids, v_journal_row.contact_id);
        v_contacts := array_append(v_contacts, row(
          v_workspace, v_journal_row.contact_id, v_identity, v_journal_row.at, v_email, v_phone,
          v_journal_row.position
        )::reunite.contact);
        v_unwritten := array_append(v_unwritten, v_identity);
        if v_email_is_new then
          v_its_emails := array_append(v_its_emails, v_email);
          v_email_contacts[v_email_slot] := v_journal_row.contact_id;
          v_email_identities[v_email_slot] := v_identity;
          v_identifiers := array_append(v_identifiers, row(
            v_workspace, 'email', v_email, v_journal_row.contact_id
          )::reunite.identifier);
        end if;
        if v_phone_is_new then
          v_its_phones := array_append(v_its_phones, v_phone);
          v_phone_contacts[v_phone_slot] := v_journal_row.contact_id;
          v_phone_identities[v_phone_slot] := v_identity;
          v_identifiers := array_append(v_identifiers, row(
            v_workspace, 'phone', reunite.phone_key(v_phone), v_journal_row.contact_id
          )::reunite.identifier);
        end if;
      else
        v_journal_row.contact_id := v_email_contacts[v_email_slot];
        v_journal_row.with_contact_id := v_phone_contacts[v_phone_slot];
        if outcome = 'merged' then
          v_journal_row.type := 'merged';
          v_journal_row.demoted_id := v_merge.demoted_id;
          v_journal_row.identities := v_journal_row.identities - 1;
        else
          v_journal_row.type := 'linked';
        end if;
        v_links := array_append(v_links, row(
          v_workspace, 'email', v_email, 'phone', reunite.phone_key(v_phone), 'presented',
          v_journal_row.position, v_journal_row.at
        )::reunite.link);
      end if;
      v_journal_row.primary_id := v_ids[1];
      v_journal := array_append(v_journal, v_journal_row);
      v_seen[v_pair_slots[i]] := true;
    end if;

    if outcome <> 'known' or v_told_at is null then
      contact := reunite.contact_json(v_ids, v_its_emails, v_its_phones);
      if v_told_at is null then
        v_told := array_append(v_told, v_identity);
        v_told_items := array_append(v_told_items, i);
      else
        v_told_items[v_told_at] := i;
      end if;
    else
      same_as := v_told_items[v_told_at];
    end if;
    return next;
  end loop;

  perform reunite.write_contacts(v_contacts, v_identifiers);
  insert into reunite.link select l.* from unnest(v_links) l;
  insert into reunite.journal select j.* from unnest(v_journal) j;
end
$$;
