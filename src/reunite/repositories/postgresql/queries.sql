-- name: identify_many
select item, outcome, same_as, contact::text, refusal::text
from reunite.identify_many(%(workspace)s, %(emails)b::text[], %(phones)b::text[])

-- name: recognise_many
select item, outcome, same_as, contact::text, refusal::text
from reunite.recognise_many(%(workspace)s, %(emails)b::text[], %(phones)b::text[])

-- name: totals
select journal.contacts, journal.identities
from reunite.journal
where journal.workspace = (select id from reunite.workspace where name = %(workspace)s)
order by journal.position desc
limit 1

-- name: check
select reunite.require_writable(%(workspace)s)

-- name: identity_limit
select identity_limit from reunite.workspace where name = %(workspace)s

-- name: set_identity_limit
update reunite.workspace set identity_limit = %(identity_limit)s where name = %(workspace)s
returning identity_limit

-- name: workspace
select phone_region, rule_version from reunite.workspace where name = %(workspace)s

-- name: create_workspace
insert into reunite.workspace (name, phone_region, rule_version)
values (%(workspace)s, %(phone_region)s, %(rule_version)s)
on conflict (name) do nothing

-- name: session_settings
select
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('lock_timeout', %(lock_timeout)s, false),
  set_config('statement_timeout', %(statement_timeout)s, false),
  set_config('idle_in_transaction_session_timeout', %(statement_timeout)s, false)

-- name: is_made
-- Not to_regclass: it may answer from what the session remembers of before it waited for the lock.
select exists (
  select from pg_catalog.pg_class
  join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
  where pg_namespace.nspname = 'reunite' and pg_class.relname = 'migration'
)

-- name: applied_migration
select coalesce(max(number), 0) from reunite.migration

-- name: note_migration
insert into reunite.migration (number, name) values (%(number)s, %(name)s)

-- name: functions_digest
select digest from reunite.functions

-- name: note_functions
insert into reunite.functions (digest, applied_at) values (%(digest)s, clock_timestamp())
on conflict (is_only_row) do update
set digest = excluded.digest, applied_at = excluded.applied_at

-- name: lock_schema
-- Another key space than that of the workspaces: one bigint instead of two ints.
select pg_advisory_xact_lock(1919251822)

-- name: patience_for_migrations
select
  set_config('lock_timeout', '60s', true),
  set_config('statement_timeout', '0', true)

-- name: hold_probe
select pg_advisory_xact_lock(1919251823, %(key)s)

-- name: try_probe
select pg_try_advisory_xact_lock(1919251823, %(key)s)
