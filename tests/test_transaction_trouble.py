"""When a store fails under a sight or a transaction: what was done is told truly, and it heals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import psycopg
import pytest

from reunite import OutcomeUnknown, StoreUnavailable
from reunite.evidence import Holder, Identifier
from reunite.repositories.postgresql import PostgresqlRepository, open_postgresql
from reunite.repositories.postgresql import transaction as postgresql
from reunite.repositories.sqlite import SqliteRepository
from reunite.repositories.sqlite.checkpointer import EVERY

PATIENCE = 10.0  # seconds until a test gives up waiting for a fact
SPAM = Identifier("email", "no-reply@example.com")
BLOCKED = Holder(*SPAM, None, 1)


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresqlRepository]:
    with open_postgresql(postgres_url, lock_timeout=0.2) as opened:
        opened.identify("a@x.co", "1")
        yield opened


@pytest.fixture
def admin(postgres_url: str, store: PostgresqlRepository) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as opened:
        yield opened


def kill_all_others(admin: psycopg.Connection) -> None:
    admin.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )


def put_blocked(store: PostgresqlRepository) -> None:
    with store.transaction() as transaction:
        transaction.put([BLOCKED])


def found(store: PostgresqlRepository | SqliteRepository) -> list[Holder]:
    with store.sight() as sight:
        return sight.holders([SPAM])


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────


def test_connections_that_died_while_idle_are_made_anew(
    store: PostgresqlRepository, admin: psycopg.Connection
) -> None:
    put_blocked(store)
    assert found(store) == [BLOCKED]
    kill_all_others(admin)
    assert found(store) == [BLOCKED]
    kill_all_others(admin)
    with store.transaction() as transaction:
        transaction.forget([SPAM])
    assert found(store) == []


def test_a_connection_lost_before_the_commit_leaves_surely_nothing(
    store: PostgresqlRepository, admin: psycopg.Connection
) -> None:
    def write() -> None:
        with store.transaction() as transaction:
            transaction.put([BLOCKED])
            kill_all_others(admin)
            transaction.holders([SPAM])

    with pytest.raises(StoreUnavailable):
        write()
    assert found(store) == []
    assert store.identify("a@x.co", "1").outcome == "known"


def test_a_connection_lost_under_the_commit_leaves_its_outcome_unknown(
    postgres_url: str, admin: psycopg.Connection
) -> None:
    # At the commit it waits for a lock that the test has.
    admin.execute(
        "create function wait() returns trigger language plpgsql as "
        "$$ begin perform pg_advisory_xact_lock(7); return null; end $$"
    )
    admin.execute(
        "create constraint trigger wait after insert on reunite.identifier "
        "deferrable initially deferred for each row execute function wait()"
    )
    with open_postgresql(postgres_url) as patient, ThreadPoolExecutor(1) as pool:
        with psycopg.connect(postgres_url) as holder:
            holder.execute("select pg_advisory_xact_lock(7)")
            writing = pool.submit(put_blocked, patient)
            while not (pid := waiting(admin)):
                pass
            admin.execute("select pg_terminate_backend(%s)", [pid])
            with pytest.raises(OutcomeUnknown):
                writing.result(PATIENCE)
        assert found(patient) == []
        put_blocked(patient)
        assert found(patient) == [BLOCKED]


def waiting(admin: psycopg.Connection) -> int | None:
    """The process that waits for the lock at its commit."""
    row = admin.execute(
        "select pid from pg_locks where locktype = 'advisory' and not granted and objid = 7"
    ).fetchone()
    return None if row is None else int(row[0])


def test_the_wait_for_the_lock_is_bounded(
    store: PostgresqlRepository, admin: psycopg.Connection
) -> None:
    with admin.transaction():
        admin.execute("select reunite.lock_workspace(id) from reunite.workspace")
        with pytest.raises(StoreUnavailable, match="55P03"):
            put_blocked(store)
        assert found(store) == []
    put_blocked(store)
    assert found(store) == [BLOCKED]


def test_whoever_falls_silent_loses_the_lock(
    store: PostgresqlRepository, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "IDLE", 1)

    def fall_silent() -> None:
        with store.transaction() as transaction:
            transaction.put([BLOCKED])
            # Another has it as soon as the server took it back.
            with admin.transaction():
                admin.execute("select reunite.lock_workspace(id) from reunite.workspace")
            transaction.holders([SPAM])

    with pytest.raises(StoreUnavailable):
        fall_silent()
    assert found(store) == []


def test_a_commit_is_flushed_whatever_the_database_is_set_to(
    store: PostgresqlRepository, admin: psycopg.Connection
) -> None:
    admin.execute(f"alter database {admin.info.dbname} set synchronous_commit = off")
    admin.execute("create table seen (value text)")
    admin.execute(
        "create function see() returns trigger language plpgsql as "
        "$$ begin insert into seen values (current_setting('synchronous_commit')); "
        "return new; end $$"
    )
    admin.execute(
        "create trigger see before insert on reunite.identifier for each row execute function see()"
    )
    kill_all_others(admin)
    put_blocked(store)
    assert admin.execute("select value from seen").fetchall() == [("on",)]


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────


def test_another_process_that_writes_on_and_on_is_not_waited_for_forever(tmp_path: Path) -> None:
    path = tmp_path / "reunite.db"
    with SqliteRepository(path, busy_timeout=0.05) as store:
        with closing(apsw.Connection(str(path))) as other:
            other.execute("begin immediate")
            with pytest.raises(StoreUnavailable, match="another process"), store.transaction():
                pass
            assert found(store) == []
        with store.transaction() as transaction:
            transaction.put([BLOCKED])
        assert found(store) == [BLOCKED]


def test_a_sight_that_does_not_end_is_not_waited_for_forever(tmp_path: Path) -> None:
    with SqliteRepository(tmp_path / "reunite.db", busy_timeout=0.05) as store:
        with store.sight(), ThreadPoolExecutor(1) as pool:
            other = pool.submit(found, store)
            with pytest.raises(StoreUnavailable, match="looking"):
                other.result(PATIENCE)
        assert found(store) == []


def test_the_log_is_moved_after_many_rows_were_written(tmp_path: Path) -> None:
    with SqliteRepository(tmp_path / "reunite.db") as store:
        with store.transaction() as transaction:
            transaction.put([Holder("phone", str(number), 1) for number in range(EVERY)])
        assert "reunite-checkpoint" in [thread.name for thread in threading.enumerate()]
