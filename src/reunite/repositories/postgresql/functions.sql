-- The rule of reunite, callable by any SQL client:
--
--   select * from reunite.identify_many('default', array['foo@example.com'], array['1234567890']);
--
-- E-mails and phones are presented pairwise, in normal form, null for what is absent. Arguments
-- begin with p_, variables with v_. Own SQLSTATEs: RU001 wrong isolation, RU002 no such workspace,
-- RU003 the arrays do not match; 23514 says of what value that is not in normal form a contact would
-- have been made.
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


-- Raises unless the workspace is there and can be written, which it cannot on a standby.
create or replace function reunite.require_writable(p_workspace text) returns void
language plpgsql stable
as $$
begin
  if current_setting('transaction_read_only')::boolean then
    raise exception 'the server takes no writes' using errcode = 'read_only_sql_transaction';
  end if;
  perform reunite.workspace_id(p_workspace);
end
$$;


-- Raises unless e-mails and phones are presented pairwise.
create or replace function reunite.require_pairs(p_emails text[], p_phones text[]) returns void
language plpgsql immutable
as $$
begin
  if cardinality(p_emails) is distinct from cardinality(p_phones) then
    raise exception 'there must be as many e-mails as phones, null for what is absent'
      using errcode = 'RU003';
  end if;
end
$$;


-- What the store knows of each presented pair. seen: live evidence holds the pair, so that
-- presenting it again changes nothing (a contact that a request brought and that holds one of the
-- two, or a presented link). Of a voided contact only its anchor counts, which is the value it was
-- found by. What is blocked has no contact here.
-- Subqueries, not joins: planned over empty tables, a join would read whole workspaces.
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
      or (
        by_email.source = 'presented'
        and reunite.phone_key(by_email.phone) = reunite.phone_key(asked.phone)
      )
      or (by_phone.source = 'presented' and by_phone.email = asked.email)
      or (
        select bool_or(l.voided is null) from reunite.link l
        where l.workspace = p_workspace
          and l.a_type = 'email' and l.a_key = asked.email
          and l.b_type = 'phone' and l.b_key = reunite.phone_key(asked.phone)
          and l.source = 'presented'
      )
    ) is true
  from unnest(p_emails, p_phones) with ordinality asked (email, phone, item)
  left join lateral (
    select c.id, c.identity_id, case when c.voided is null then c.phone end as phone, c.source
    from reunite.contact c
    where c.workspace = p_workspace and c.id = (
      select case when i.blocked_by is null then i.contact_id end from reunite.identifier i
      where i.workspace = p_workspace and i.type = 'email' and i.key = asked.email
    )
    limit 1
  ) by_email on true
  left join lateral (
    select c.id, c.identity_id, case when c.voided is null then c.email end as email, c.source
    from reunite.contact c
    where c.workspace = p_workspace and c.id = (
      select case when i.blocked_by is null then i.contact_id end from reunite.identifier i
      where i.workspace = p_workspace and i.type = 'phone'
        and i.key = reunite.phone_key(asked.phone)
    )
    limit 1
  ) by_phone on true;
end;


-- An identity as it stands; a phone is spelt as its oldest contact has it, and a voided contact
-- shows its anchor alone. Where the workspace blocks anything, `with_blocks` has to complete it.
create or replace function reunite.members(p_workspace int, p_identity bigint)
returns setof reunite.members
language sql stable
begin atomic
  select
    p_identity,
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
    ) end,
    0,
    '{}'::text[],
    '{}'::text[]
  from (
    select
      min(c.created_at) as since, array_agg(c.id) as ids,
      array_agg(c.email) as emails, array_agg(c.phone) as phones
    from (
      select
        c.created_at, c.id,
        case when c.voided is null or c.anchor = 'email' then c.email end as email,
        case when c.voided is null or c.anchor = 'phone' then c.phone end as phone
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


-- The identifiers that the contacts of an identity hold.
create or replace function reunite.identifiers(p_its reunite.members)
returns table (type text, key text)
language sql immutable
begin atomic
  select 'email', e.email from unnest((p_its).emails) e (email)
  union all
  select 'phone', reunite.phone_key(p.phone) from unnest((p_its).phones) p (phone);
end;


-- Whether an identifier is blocked; asked only where the workspace blocks anything. In PL/pgSQL, as
-- the next, so that its plan is kept.
create or replace function reunite.is_blocked(p_workspace int, p_type text, p_key text)
returns boolean
language plpgsql stable
as $$
begin
  return (
    select i.blocked_by is not null from reunite.identifier i
    where i.workspace = p_workspace and i.type = p_type and i.key = p_key
  ) is true;
end
$$;


-- Whether a pair of which one is blocked is seen, because whoever holds what is blocked presented it
-- before that was blocked.
create or replace function reunite.blocked_pair_is_seen(
  p_workspace int, p_email text, p_phone text
)
returns boolean
language plpgsql stable
as $$
begin
  return exists (
    select
    from (
      (
        select i.contact_id, i.blocked_by from reunite.identifier i
        where i.workspace = p_workspace and i.type = 'email' and i.key = p_email
      )
      union all
      (
        select i.contact_id, i.blocked_by from reunite.identifier i
        where i.workspace = p_workspace and i.type = 'phone'
          and i.key = reunite.phone_key(p_phone)
      )
    ) held
    cross join lateral (
      select c.email, c.phone, c.source, c.voided from reunite.contact c
      where c.workspace = p_workspace and c.id = held.contact_id
      offset 0
    ) holder
    where held.blocked_by is not null
      and holder.source = 'presented' and holder.voided is null
      and holder.email = p_email
      and reunite.phone_key(holder.phone) = reunite.phone_key(p_phone)
  );
end
$$;


-- An identity with the blocked identifiers that links hold and no contact of it does, by position:
-- links that stand between identifiers as such, of which the other one is not blocked.
-- Laterals with an offset, for the reason at look_up.
create or replace function reunite.with_attributes(p_workspace int, p_its reunite.members)
returns reunite.members
language plpgsql stable
as $$
declare
  v_keys text[] := array(select reunite.phone_key(p.phone) from unnest(p_its.phones) p (phone));
begin
  select
    coalesce(array_agg(linked.key order by linked.position, linked.key)
      filter (where linked.type = 'email'), '{}'),
    coalesce(array_agg(linked.key order by linked.position, linked.key)
      filter (where linked.type = 'phone'), '{}')
  into p_its.more_emails, p_its.more_phones
  from (
    select other.type, other.key, min(other.position) as position
    from reunite.identifiers(p_its) held
    cross join lateral (
      (
        select l.b_type as type, l.b_key as key, l.position, l.a_contact_id, l.voided
        from reunite.link l
        where l.workspace = p_workspace and l.a_type = held.type and l.a_key = held.key
        offset 0
      )
      union all
      (
        select l.a_type, l.a_key, l.position, l.a_contact_id, l.voided
        from reunite.link l
        where l.workspace = p_workspace and l.b_type = held.type and l.b_key = held.key
        offset 0
      )
    ) other
    where other.a_contact_id = 0
      and other.voided is null
      and reunite.is_blocked(p_workspace, other.type, other.key)
      and not reunite.is_blocked(p_workspace, held.type, held.key)
    group by other.type, other.key
  ) linked
  where linked.key <> all (case linked.type when 'email' then p_its.emails else v_keys end);
  return p_its;
end
$$;


-- The same, and how many identifiers of its contacts are blocked.
create or replace function reunite.with_blocks(p_workspace int, p_its reunite.members)
returns reunite.members
language plpgsql stable
as $$
begin
  p_its := reunite.with_attributes(p_workspace, p_its);
  p_its.blocked := (
    select count(*) from reunite.identifiers(p_its) held
    where reunite.is_blocked(p_workspace, held.type, held.key)
  );
  return p_its;
end
$$;


-- How many distinct identifiers an identity has that are not blocked.
create or replace function reunite.size(p_identity reunite.members) returns int
language sql immutable
return
  cardinality((p_identity).emails) + cardinality((p_identity).phones) - (p_identity).blocked;


-- What is new of a request, as one side of what it would join.
create or replace function reunite.side(p_email text, p_phone text) returns reunite.members
language sql immutable
return row(
  null, null, '{}',
  case when p_email is null then '{}' else array[p_email] end,
  case when p_phone is null then '{}' else array[p_phone] end,
  0, '{}', '{}'
)::reunite.members;


-- The first constraint that stands between two sides, all null where none does; asked only where
-- the workspace has any. What is blocked is kept apart as it is.
create or replace function reunite.constraint_between(
  p_workspace int, p_one reunite.members, p_other reunite.members
)
returns reunite.identity_constraint
language plpgsql stable
as $$
declare
  v_keys text[] := array(select reunite.phone_key(p.phone) from unnest(p_other.phones) p (phone));
  v_first reunite.identity_constraint;
begin
  if reunite.size(p_one) > reunite.size(p_other) then
    -- What the first side has is looked up.
    return reunite.constraint_between(p_workspace, p_other, p_one);
  end if;
  select it.workspace, it.a_type, it.a_key, it.b_type, it.b_key, it.position, it.voided
  into v_first
  from reunite.identifiers(p_one) one
  cross join lateral (
    (
      select c.*, c.b_type as type, c.b_key as key from reunite.identity_constraint c
      where c.workspace = p_workspace and c.a_type = one.type and c.a_key = one.key
      offset 0
    )
    union all
    (
      select c.*, c.a_type, c.a_key from reunite.identity_constraint c
      where c.workspace = p_workspace and c.b_type = one.type and c.b_key = one.key
      offset 0
    )
  ) it
  where it.voided is null
    and it.key = any (case it.type when 'email' then p_other.emails else v_keys end)
    and not reunite.is_blocked(p_workspace, it.a_type, it.a_key)
    and not reunite.is_blocked(p_workspace, it.b_type, it.b_key)
  order by it.position, it.a_type, it.a_key, it.b_type, it.b_key
  limit 1;
  return v_first;
end
$$;


-- Keeps a request that must not join until somebody decides about it, by the constraint or, where
-- that is null, by the limit; returns the id that it waits under. One that waits already is counted.
create or replace function reunite.hold(
  p_workspace int, p_at timestamptz, p_email text, p_phone text, p_by reunite.identity_constraint
)
returns bigint
language plpgsql volatile
as $$
declare
  v_id bigint;
begin
  update reunite.held h set requests = h.requests + 1, last_at = p_at
  where h.workspace = p_workspace and h.id = (
    select min(w.id) from reunite.held w
    where w.workspace = p_workspace
      and w.email = p_email and ltrim(w.phone, '+') = reunite.phone_key(p_phone)
      and w.voided is null
  )
  returning h.id into v_id;
  if not found then
    insert into reunite.held (
      workspace, id, at, last_at, email, phone, reason,
      a_type, a_key, b_type, b_key, constraint_position
    )
    select
      p_workspace,
      coalesce(
        (select h.id from reunite.held h where h.workspace = p_workspace order by h.id desc limit 1),
        0
      ) + 1,
      p_at, p_at, p_email, p_phone,
      case when p_by.position is null then 'limit' else 'constraint' end,
      coalesce(p_by.a_type, ''), coalesce(p_by.a_key, ''),
      coalesce(p_by.b_type, ''), coalesce(p_by.b_key, ''), coalesce(p_by.position, 0)
    returning id into v_id;
  end if;
  return v_id;
end
$$;


-- Whoever changes a workspace holds this until its transaction ends. Take it in a statement of its
-- own: what reads must begin after it is held.
create or replace function reunite.lock_workspace(p_workspace int) returns void
language sql volatile
return pg_advisory_xact_lock(1919251822, p_workspace);


-- An identity's text where the workspace blocks anything.
create or replace function reunite.contact_with_blocks(p_workspace int, p_identity bigint)
returns json
language plpgsql stable
as $$
declare
  v_its reunite.members;
begin
  select m.* into v_its from reunite.members(p_workspace, p_identity) m;
  v_its := reunite.with_attributes(p_workspace, v_its);
  return reunite.contact_json(
    v_its.ids, v_its.emails || v_its.more_emails, v_its.phones || v_its.more_phones
  );
end
$$;


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
  v_workspace int;
  v_has_blocks boolean;
begin
  perform reunite.require_pairs(p_emails, p_phones);
  select w.id, w.has_blocks into v_workspace, v_has_blocks
  from reunite.workspace w where w.name = p_workspace;
  if not found then
    perform reunite.workspace_id(p_workspace);  -- raises
  end if;
  return query
  select
    known.item,
    'known',
    case when known.told_at <> known.item then known.told_at end,
    case
      when known.told_at <> known.item then null
      when v_has_blocks then reunite.contact_with_blocks(v_workspace, known.identity)
      else (
        select reunite.contact_json(m.ids, m.emails, m.phones)
        from reunite.members(v_workspace, known.identity) m
      )
    end,
    null::json
  from (
    select
      l.item,
      coalesce(l.email_identity, l.phone_identity) as identity,
      min(l.item) over (partition by coalesce(l.email_identity, l.phone_identity)) as told_at
    from reunite.look_up(v_workspace, p_emails, p_phones) l
    where (
        l.seen
        or (v_has_blocks and reunite.blocked_pair_is_seen(v_workspace, l.email, l.phone))
      )
      and (
        l.email is null
        or l.email_identity is not null
        or (v_has_blocks and reunite.is_blocked(v_workspace, 'email', l.email))
      )
      and (
        l.phone is null
        or l.phone_identity is not null
        or (v_has_blocks and reunite.is_blocked(v_workspace, 'phone', reunite.phone_key(l.phone)))
      )
      and coalesce(l.email_identity, l.phone_identity) = coalesce(l.phone_identity, l.email_identity)
      -- If the first block came meanwhile, the snapshot has it: then all is left to identify_many.
      and v_has_blocks = (select w.has_blocks from reunite.workspace w where w.id = v_workspace)
  ) known
  order by known.item;
end
$$;


-- An identity with a blocked identifier that a new link adds to it.
create or replace function reunite.attach(p_its reunite.members, p_type text, p_key text)
returns reunite.members
language plpgsql immutable
as $$
begin
  if p_type = 'email' and p_key <> all (p_its.emails || p_its.more_emails) then
    p_its.more_emails := array_append(p_its.more_emails, p_key);
  elsif p_type = 'phone' and p_key <> all (p_its.more_phones) and not exists (
    select from unnest(p_its.phones) p (phone) where reunite.phone_key(p.phone) = p_key
  ) then
    p_its.more_phones := array_append(p_its.more_phones, p_key);
  end if;
  return p_its;
end
$$;


-- Writes what identify_many gathered; a function, because a merge needs it written earlier.
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


-- Reconciles requests one after the other, in the caller's transaction, which holds the workspace's
-- lock until it ends. Each answer is the identity right after its request. One that presents only
-- what is blocked is 'blocked', and nothing of it is written. One that would join what a constraint
-- keeps apart is 'kept_apart', one that would bring an identity past its limit is 'refused': of these
-- nothing is written but a row of `held`, whose id the refusal tells as heldId.
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
  v_has_blocks boolean;
  v_has_constraints boolean;
  v_entry reunite.journal;            -- the last one of the journal, then each one that is made

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

  -- The identities that it touches, each as it stands, and the item that told it last, if any.
  v_identities bigint[];
  v_members reunite.members[];
  v_told_at int[] := '{}';

  -- What it writes, gathered: one statement for many rows is several times as fast.
  v_contacts reunite.contact[] := '{}';
  v_identifiers reunite.identifier[] := '{}';
  v_links reunite.link[] := '{}';
  v_journal reunite.journal[] := '{}';

  -- The item at hand.
  v_email text;
  v_phone text;
  v_email_slot int;
  v_phone_slot int;
  v_email_is_blocked boolean := false;
  v_phone_is_blocked boolean := false;
  v_email_is_new boolean;
  v_phone_is_new boolean;
  v_identity bigint;
  v_other bigint;                     -- where two identities meet, the phone's
  v_place int;                        -- of the identity in v_identities
  v_its reunite.members;              -- the identity; where two meet, the older
  v_younger reunite.members;
  v_would_be int;
  v_kept_by reunite.identity_constraint;  -- what keeps apart what the item would join
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    -- With one snapshot for the transaction, what was committed while it waited stays unseen.
    raise exception 'identify_many needs the isolation read committed, not %',
      current_setting('transaction_isolation') using errcode = 'RU001';
  end if;
  perform reunite.require_pairs(p_emails, p_phones);
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  v_workspace := reunite.workspace_id(p_workspace);
  perform reunite.lock_workspace(v_workspace);

  select w.identity_limit, w.has_blocks, w.has_constraints
  into v_limit, v_has_blocks, v_has_constraints
  from reunite.workspace w where w.id = v_workspace;
  select j.* into v_entry from reunite.journal j
  where j.workspace = v_workspace order by j.position desc limit 1;
  if not found then
    v_entry := row(
      v_workspace, 0, null, '-infinity', null, null, null, null, 0, 0, 0, null, null
    );
  end if;
  v_entry.at := greatest(clock_timestamp(), v_entry.at);
  v_entry.who := null;
  v_entry.why := null;

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

  select coalesce(array_agg(m.identity), '{}'), coalesce(array_agg(m), '{}')
  into v_identities, v_members
  from (
    select distinct known.identity
    from unnest(v_email_identities || v_phone_identities) known (identity)
    where known.identity is not null
  ) known
  cross join lateral reunite.members(v_workspace, known.identity) m;
  if v_has_blocks then
    for i in 1 .. cardinality(v_members) loop
      v_members[i] := reunite.with_blocks(v_workspace, v_members[i]);
    end loop;
  end if;

  for i in 1 .. coalesce(cardinality(v_emails), 0) loop
    item := i;
    same_as := null;
    contact := null;
    refusal := null;
    v_email := v_emails[i];
    v_phone := v_phones[i];
    v_email_slot := v_email_slots[i];
    v_phone_slot := v_phone_slots[i];
    v_identity := v_email_identities[v_email_slot];
    v_other := v_phone_identities[v_phone_slot];
    v_email_is_new := v_email is not null and v_identity is null;
    v_phone_is_new := v_phone is not null and v_other is null;
    v_identity := coalesce(v_identity, v_other);
    if v_has_blocks then
      v_email_is_blocked := v_email_is_new and reunite.is_blocked(v_workspace, 'email', v_email);
      v_phone_is_blocked := v_phone_is_new
        and reunite.is_blocked(v_workspace, 'phone', reunite.phone_key(v_phone));
    end if;
    if v_email_is_blocked or v_phone_is_blocked then
      -- It goes with the other value, as an attribute; it is neither new nor known.
      v_email_is_new := v_email_is_new and not v_email_is_blocked;
      v_phone_is_new := v_phone_is_new and not v_phone_is_blocked;
      v_seen[v_pair_slots[i]] := v_seen[v_pair_slots[i]]
        or reunite.blocked_pair_is_seen(v_workspace, v_email, v_phone);
      if v_identity is null and not v_email_is_new and not v_phone_is_new then
        outcome := 'blocked';
        refusal := to_json(
          case when v_email is not null then array['email'] else '{}' end
          || case when v_phone is not null then array['phoneNumber'] else '{}' end
        );
        return next;
        continue;
      end if;
    end if;

    if v_identity is null then
      outcome := 'created';
      v_would_be := 0;
      v_its := row(null, v_entry.at, '{}', '{}', '{}', 0, '{}', '{}');
    else
      v_place := array_position(v_identities, v_identity);
      v_its := v_members[v_place];
      outcome := 'known';
      v_would_be := 0;
      if v_email_is_new or v_phone_is_new then
        outcome := 'extended';
        v_would_be := reunite.size(v_its) + 1;
      elsif v_other <> v_identity then
        outcome := 'merged';
        v_younger := v_members[array_position(v_identities, v_other)];
        v_would_be := reunite.size(v_its) + reunite.size(v_younger);
        if (v_younger.since, v_younger.ids[1]) < (v_its.since, v_its.ids[1]) then
          v_younger := v_its;
          v_its := v_members[array_position(v_identities, v_other)];
        end if;
      end if;
    end if;

    if v_has_constraints then
      v_kept_by := case
        when outcome = 'merged' then reunite.constraint_between(v_workspace, v_younger, v_its)
        when outcome = 'extended' then reunite.constraint_between(
          v_workspace,
          reunite.side(
            case when v_email_is_new then v_email end, case when v_phone_is_new then v_phone end
          ),
          v_its
        )
        when v_email_is_new and v_phone_is_new then reunite.constraint_between(
          v_workspace, reunite.side(v_email, null), reunite.side(null, v_phone)
        )
      end;
      if v_kept_by.position is not null then
        outcome := 'kept_apart';
        refusal := json_build_object(
          'a', json_build_array(v_kept_by.a_type, v_kept_by.a_key),
          'b', json_build_array(v_kept_by.b_type, v_kept_by.b_key),
          'position', v_kept_by.position,
          'heldId', reunite.hold(v_workspace, v_entry.at, v_email, v_phone, v_kept_by)
        );
        return next;
        continue;
      end if;
    end if;
    if v_would_be > v_limit then
      outcome := 'refused';
      refusal := json_build_object(
        'primaryContactId', v_its.ids[1], 'size', reunite.size(v_its),
        'wouldBe', v_would_be, 'limit', v_limit,
        'heldId', reunite.hold(v_workspace, v_entry.at, v_email, v_phone, null)
      );
      return next;
      continue;
    end if;

    if outcome <> 'known' or not v_seen[v_pair_slots[i]] then
      v_entry.position := v_entry.position + 1;
      v_entry.demoted_id := null;
      v_seen[v_pair_slots[i]] := true;

      if outcome = 'created' or outcome = 'extended' then
        v_entry.type := outcome;
        v_entry.contacts := v_entry.contacts + 1;
        v_entry.last_contact_id := v_entry.last_contact_id + 1;
        v_entry.contact_id := v_entry.last_contact_id;
        v_entry.with_contact_id := coalesce(
          v_email_contacts[v_email_slot], v_phone_contacts[v_phone_slot]
        );
        if outcome = 'created' then
          v_entry.identities := v_entry.identities + 1;
          v_identity := v_entry.contact_id;
          v_its.identity := v_identity;
          v_identities := array_append(v_identities, v_identity);
          v_place := cardinality(v_identities);
        end if;
        v_its.ids := array_append(v_its.ids, v_entry.contact_id);
        v_contacts := array_append(v_contacts, row(
          v_workspace, v_entry.contact_id, v_identity, v_entry.at, v_email, v_phone,
          v_entry.position, 'presented', case when v_email_is_new then 'email' else 'phone' end,
          null
        )::reunite.contact);
        if v_email_is_blocked then
          v_its.emails := array[v_email];
          v_its.blocked := 1;
        elsif v_phone_is_blocked then
          v_its.phones := array[v_phone];
          v_its.blocked := 1;
        end if;
        if v_email_is_new then
          v_its.emails := array_append(v_its.emails, v_email);
          v_email_contacts[v_email_slot] := v_entry.contact_id;
          v_email_identities[v_email_slot] := v_identity;
          v_identifiers := array_append(v_identifiers, row(
            v_workspace, 'email', v_email, v_entry.contact_id, null
          )::reunite.identifier);
        end if;
        if v_phone_is_new then
          v_its.phones := array_append(v_its.phones, v_phone);
          v_phone_contacts[v_phone_slot] := v_entry.contact_id;
          v_phone_identities[v_phone_slot] := v_identity;
          v_identifiers := array_append(v_identifiers, row(
            v_workspace, 'phone', reunite.phone_key(v_phone), v_entry.contact_id, null
          )::reunite.identifier);
        end if;
      else
        v_entry.type := 'linked';
        v_entry.contact_id := coalesce(
          v_email_contacts[v_email_slot], v_phone_contacts[v_phone_slot]
        );
        v_entry.with_contact_id := coalesce(
          v_phone_contacts[v_phone_slot], v_email_contacts[v_email_slot]
        );
        v_links := array_append(v_links, row(
          v_workspace, 'email', v_email, 'phone', reunite.phone_key(v_phone), 'presented',
          v_entry.position, v_entry.at, 0, 0, null
        )::reunite.link);
        if v_email_is_blocked or v_phone_is_blocked then
          v_its := case
            when v_email_is_blocked then reunite.attach(v_its, 'email', v_email)
            else reunite.attach(v_its, 'phone', reunite.phone_key(v_phone))
          end;
          v_told_at[v_place] := null;
        end if;
        if outcome = 'merged' then
          v_entry.type := 'merged';
          v_entry.identities := v_entry.identities - 1;
          v_entry.demoted_id := v_younger.ids[1];
          -- Re-pointed is the side with fewer contacts, so that n merges cost O(n log n).
          v_identity := v_its.identity;
          v_other := v_younger.identity;
          if cardinality(v_younger.ids) > cardinality(v_its.ids) then
            v_identity := v_younger.identity;
            v_other := v_its.identity;
          end if;
          if cardinality(v_contacts) > 0 then
            perform reunite.write_contacts(v_contacts, v_identifiers);
            v_contacts := '{}';
            v_identifiers := '{}';
          end if;
          update reunite.contact c set identity_id = v_identity
          where c.workspace = v_workspace and c.identity_id = v_other;
          select m.* into v_its from reunite.members(v_workspace, v_identity) m;
          if v_has_blocks then
            insert into reunite.link select l.* from unnest(v_links) l;
            v_links := '{}';
            v_its := reunite.with_blocks(v_workspace, v_its);
          end if;
          v_email_identities := array_replace(v_email_identities, v_other, v_identity);
          v_phone_identities := array_replace(v_phone_identities, v_other, v_identity);
          v_place := array_position(v_identities, v_identity);
        end if;
      end if;

      v_entry.primary_id := v_its.ids[1];
      v_journal := array_append(v_journal, v_entry);
      v_members[v_place] := v_its;
    end if;

    same_as := v_told_at[v_place];
    if outcome <> 'known' or same_as is null then
      same_as := null;
      contact := reunite.contact_json(
        v_its.ids, v_its.emails || v_its.more_emails, v_its.phones || v_its.more_phones
      );
      v_told_at[v_place] := i;
    end if;
    return next;
  end loop;

  perform reunite.write_contacts(v_contacts, v_identifiers);
  insert into reunite.link select l.* from unnest(v_links) l;
  insert into reunite.journal select j.* from unnest(v_journal) j;
end
$$;
