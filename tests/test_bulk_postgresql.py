"""What only the PostgreSQL store does with whole tables: one transaction, plans, what gets lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

import reunite
from filled import everything, load_people, rows
from postgres import OwnServer, Server
from reunite import OutcomeUnknown, SchemaMismatch, StoreMissing, StoreUnavailable, repositories
from reunite.bulk.engine import Engine
from reunite.identifier import present
from reunite.repositories.postgresql import open_postgresql
from reunite.repositories.postgresql.snapshot import QUERIES
from test_transaction_cost import analyze, fill, numbered


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(64 << 20, tmp_path) as engine:
        yield engine


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def load(url: str, engine: Engine, ids: range) -> None:
    with repositories.loading(url) as loading:
        load_people(engine, loading, ids)
        loading.commit()


def test_a_snapshot_makes_no_schema(postgres_url: str) -> None:
    with repositories.snapshot(postgres_url, or_empty=True) as snapshot:
        assert b"".join(snapshot.csv("contact")) == b""
    with pytest.raises(StoreMissing), repositories.snapshot(postgres_url):
        pytest.fail("there is none")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select to_regnamespace('reunite')").fetchone() == (None,)


def test_a_loading_given_up_makes_no_schema_and_no_workspace(
    postgres_url: str, engine: Engine
) -> None:
    with repositories.loading(postgres_url) as loading:
        load_people(engine, loading, range(1, 30))
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select to_regnamespace('reunite')").fetchone() == (None,)
    load(postgres_url, engine, range(1, 30))
    with repositories.loading(postgres_url, workspace="other") as loading:
        load_people(engine, loading, range(1, 30))
    with psycopg.connect(postgres_url) as connection:
        names = connection.execute("select name from reunite.workspace").fetchall()
    assert names == [("default",)]


def test_tables_made_and_filled_at_once_are_those_of_the_schema(
    postgres_server: Server, engine: Engine
) -> None:
    filled, ordinary = postgres_server.fresh_database(), postgres_server.fresh_database()
    load(filled, engine, range(1, 3000))
    reunite.open(ordinary).close()
    found = []
    for url in filled, ordinary:
        with psycopg.connect(url) as connection:
            found.append(
                connection.execute(
                    "select indexdef from pg_indexes where schemaname = 'reunite' order by 1"
                ).fetchall()
                + connection.execute(
                    "select conname, pg_get_constraintdef(oid) from pg_constraint "
                    "where connamespace = 'reunite'::regnamespace order by 1, 2"
                ).fetchall()
            )
    assert found[0] == found[1]


@pytest.mark.parametrize("entered", [repositories.snapshot, repositories.loading])
def test_a_store_with_an_older_schema_is_refused(postgres_url: str, entered: Any) -> None:
    reunite.open(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("delete from reunite.migration where number > 1")
    with pytest.raises(SchemaMismatch, match="reunite migrate"), entered(postgres_url):
        pytest.fail("it was entered")


ASKED: dict[str, dict[str, object]] = {
    "holders": {"types": ["email"], "keys": ["1@example.com"]},
    "taken": {"ids": [1]},
    "identities": {"ids": [1], "has_blocks": True},
    "repoint": {"identity_ids": [1], "successors": [2]},
}


@pytest.mark.parametrize("known", ["nothing", "another workspace", "all"])
def test_lookups_go_through_keys(postgres_url: str, known: str) -> None:
    """Whatever the planner knows: a workspace may be newer than the statistics."""
    fill(postgres_url, "another", 20_000)
    if known == "another workspace":
        analyze(postgres_url)
    fill(postgres_url, "asked", 20_000)
    if known == "all":
        analyze(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute(QUERIES["by_key"])
        for name, asked in ASKED.items():
            for node in nodes(planned(connection, name, {"workspace": 2, **asked})):
                if "Relation Name" not in node or node["Node Type"] == "ModifyTable":
                    continue
                assert node["Node Type"] in ("Index Scan", "Index Only Scan"), name
                # More than the workspace: else it would be walked for each.
                assert node["Index Cond"].count("=") > 1, (name, node["Index Cond"])


def planned(connection: psycopg.Connection, name: str, asked: dict[str, object]) -> dict[str, Any]:
    """The plan of a query as the session makes it, of values that come apart from the query."""
    connection.execute(b"prepare " + name.encode() + b" as " + numbered(QUERIES[name]))
    values = sql.SQL(", ").join(sql.Literal(asked[name]) for name in sorted(asked))
    explain = sql.SQL("explain (format json) execute {} ({})")
    row = connection.execute(explain.format(sql.Identifier(name), values)).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def test_contacts_are_told_in_order_without_sorting(postgres_url: str, engine: Engine) -> None:
    load(postgres_url, engine, range(1, 20_000))
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "explain (format json) select id from reunite.contact where workspace = 1 "
            "order by workspace, id"
        ).fetchone()
    assert row is not None
    assert "Sort" not in {node["Node Type"] for node in nodes(row[0][0]["Plan"])}


def test_a_request_that_waits_too_long_for_a_loading_is_surely_not_done(
    postgres_url: str, engine: Engine
) -> None:
    with closing(open_postgresql(postgres_url, timeout=0.5, lock_timeout=0.1)) as store:
        with repositories.loading(postgres_url) as loading:
            load_people(engine, loading, range(1, 30))
            with pytest.raises(StoreUnavailable):
                store.identify("first@example.com")
            assert store.recognise_many([present(store.policy, "3@example.com", None)]) == [None]
            loading.commit()
        assert store.identify("first@example.com").primary_contact_id == 30


def kill_sessions(url: str, state: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and state = %s",
            (state,),
        )


def test_a_session_that_is_lost_before_the_commit_has_surely_written_nothing(
    postgres_url: str, engine: Engine
) -> None:
    load(postgres_url, engine, range(1, 30))
    before = everything(postgres_url, "default")
    with repositories.loading(postgres_url) as loading:
        load_people(engine, loading, range(30, 60))
        kill_sessions(postgres_url, "idle in transaction")
        with pytest.raises(StoreUnavailable):
            loading.write("tombstone", rows(engine, ("contact_id", "position"), (99, 2)))
        with pytest.raises(reunite.StoreError):
            loading.commit()
    assert everything(postgres_url, "default") == before


def test_a_session_that_is_lost_in_its_commit_leaves_the_outcome_open(
    own_postgres_server: OwnServer, engine: Engine
) -> None:
    url = own_postgres_server.fresh_database()
    load(url, engine, range(1, 30))
    with psycopg.connect(url, autocommit=True) as admin:
        # The commit itself waits, for a check that was put off until then.
        admin.execute("select pg_advisory_lock(7)")
        admin.execute(
            "create function wait() returns trigger language plpgsql as "
            "$$ begin perform pg_advisory_xact_lock(7); return null; end $$"
        )
        admin.execute(
            "create constraint trigger waits after insert on reunite.journal "
            "deferrable initially deferred for each row execute function wait()"
        )

        def end() -> None:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                waiting = admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where wait_event = 'advisory' and query ilike 'commit%'"
                ).fetchall()
                if waiting:
                    return

        ending = threading.Thread(target=end)
        with repositories.loading(url) as loading:
            load_people(engine, loading, range(30, 60))
            ending.start()
            with pytest.raises(OutcomeUnknown):
                loading.commit()
        ending.join()
    with repositories.snapshot(url) as snapshot:
        assert snapshot.head.contacts in (29, 59)


def test_a_loading_tells_the_planner_how_large_the_tables_are(
    postgres_url: str, engine: Engine
) -> None:
    load(postgres_url, engine, range(1, 8000))
    with psycopg.connect(postgres_url) as connection:
        tuples = connection.execute(
            "select reltuples from pg_class where oid = 'reunite.contact'::regclass"
        ).fetchone()
    assert tuples == (7999,)
