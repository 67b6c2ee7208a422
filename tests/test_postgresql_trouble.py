"""When PostgreSQL fails: what surely was not committed is repeated, the rest is told truly."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from postgres import OwnServer
from reunite import OutcomeUnknown, StoreError, StoreFull, StoreUnavailable
from reunite.identifier import Presented
from reunite.repositories.postgresql import PostgresqlRepository, connection, open_postgresql


class Repeats:
    """Counts them."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> None:
        self.number += 1


@pytest.fixture
def repeats() -> Repeats:
    return Repeats()


@pytest.fixture
def store(postgres_url: str, repeats: Repeats) -> Iterator[PostgresqlRepository]:
    with open_postgresql(postgres_url, lock_timeout=0.2, on_repeat=repeats) as opened:
        yield opened


@pytest.fixture
def admin(postgres_url: str, store: PostgresqlRepository) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as opened:
        yield opened


def fail_inserts(admin: psycopg.Connection, sqlstate: str, times: int) -> None:
    """Let the next inserts of contacts fail; a sequence counts, for it is not rolled back."""
    admin.execute("create sequence tried")
    admin.execute(
        "create function fail() returns trigger language plpgsql as $$ begin "
        f"if nextval('tried') <= {times} then "
        f"raise exception 'it fails' using errcode = '{sqlstate}'; end if; return new; end $$"
    )
    admin.execute("create trigger fail before insert on reunite.contact execute function fail()")


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_what_surely_was_not_committed_is_repeated(
    store: PostgresqlRepository, admin: psycopg.Connection, repeats: Repeats, sqlstate: str
) -> None:
    fail_inserts(admin, sqlstate, times=2)
    assert store.identify("a@x.co", "1").outcome == "created"
    assert repeats.number == 2


def test_repeating_is_capped(
    store: PostgresqlRepository, admin: psycopg.Connection, repeats: Repeats
) -> None:
    fail_inserts(admin, "40001", times=3)
    with pytest.raises(StoreUnavailable, match="40001"):
        store.identify("a@x.co", "1")
    assert repeats.number == 2
    assert store.identify("a@x.co", "1").outcome == "created"


def test_a_full_disk_is_told_as_such_and_nothing_was_written(
    store: PostgresqlRepository, admin: psycopg.Connection, repeats: Repeats
) -> None:
    fail_inserts(admin, "53100", times=1)
    with pytest.raises(StoreFull):
        store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    assert repeats.number == 0
    assert store.totals().contacts == 0
    assert store.identify("a@x.co", "1").outcome == "created"


def test_an_error_of_the_server_never_repeats_a_value(store: PostgresqlRepository) -> None:
    with pytest.raises(StoreError, match="email_is_normal") as refusal:
        store.identify_many([Presented("PLANTED@x.co", "5550001")])
    assert "PLANTED" not in str(refusal.value)
    assert "5550001" not in str(refusal.value)


def test_the_wait_for_the_lock_is_bounded_and_ends_in_a_refusal(
    store: PostgresqlRepository, admin: psycopg.Connection, repeats: Repeats
) -> None:
    store.identify("a@x.co", "1")
    with admin.transaction():
        admin.execute("select reunite.lock_workspace(id) from reunite.workspace")
        with pytest.raises(StoreUnavailable, match="55P03"):
            store.identify("a@x.co", "2")
        assert repeats.number == 2
        known = store.recognise_many([Presented("a@x.co", "1")])[0]
        assert known is not None
        assert known.outcome == "known"
    assert store.identify("a@x.co", "2").outcome == "extended"


def pid_waiting_for(admin: psycopg.Connection, kind: str) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        row = admin.execute(
            "select pid from pg_stat_activity "
            "where wait_event = %s and datname = current_database()",
            [kind],
        ).fetchone()
        if row is not None:
            return int(row[0])
    raise AssertionError(f"nobody waits for {kind}")


def test_a_connection_lost_under_a_write_leaves_its_outcome_unknown(
    postgres_url: str, admin: psycopg.Connection
) -> None:
    with open_postgresql(postgres_url) as patient, ThreadPoolExecutor(1) as pool:
        with psycopg.connect(postgres_url) as holder:
            holder.execute("select reunite.lock_workspace(id) from reunite.workspace")
            waiting = pool.submit(patient.identify, "a@x.co", "1")
            admin.execute("select pg_terminate_backend(%s)", [pid_waiting_for(admin, "advisory")])
            with pytest.raises(OutcomeUnknown):
                waiting.result(10)
        assert patient.identify("a@x.co", "1").outcome == "created"


def test_a_connection_lost_under_a_read_costs_only_another_read(
    postgres_url: str, admin: psycopg.Connection, repeats: Repeats
) -> None:
    with (
        open_postgresql(postgres_url, on_repeat=repeats) as patient,
        ThreadPoolExecutor(1) as pool,
    ):
        patient.identify("a@x.co", "1")
        with psycopg.connect(postgres_url) as holder:
            holder.execute("lock table reunite.identifier")
            waiting = pool.submit(patient.recognise_many, [Presented("a@x.co", "1")])
            admin.execute("select pg_terminate_backend(%s)", [pid_waiting_for(admin, "relation")])
        assert [answer and answer.outcome for answer in waiting.result(10)] == ["known"]
    assert repeats.number == 1


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_between_requests_costs_nothing(
    own_postgres_server: OwnServer, mode: str
) -> None:
    with open_postgresql(own_postgres_server.fresh_database()) as store:
        store.identify("a@x.co", "1")
        own_postgres_server.restart("fast" if mode == "fast" else "immediate")
        assert store.identify("a@x.co", "1").outcome == "known"
        assert store.totals().contacts == 1
        store.check()


def test_a_server_that_is_down_is_told_soon_and_found_again(
    own_postgres_server: OwnServer, repeats: Repeats
) -> None:
    with open_postgresql(own_postgres_server.fresh_database(), on_repeat=repeats) as store:
        store.identify("a@x.co", "1")
        own_postgres_server.stop("immediate")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.check()
        assert repeats.number == 0
        for ask in lambda: store.identify("a@x.co"), store.totals:
            with pytest.raises(StoreUnavailable):
                ask()
        assert repeats.number == 4
        assert time.monotonic() - began < 5
        own_postgres_server.start()
        assert store.identify("a@x.co", "1").outcome == "known"


def test_a_server_that_falls_silent_is_given_up(
    own_postgres_server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "GRACE", 0.1)
    url = own_postgres_server.fresh_database()
    with open_postgresql(url, timeout=0.5) as store, psycopg.connect(url, autocommit=True) as admin:
        store.identify("a@x.co", "1")
        (pid,) = admin.execute(
            "select pid from pg_stat_activity where application_name = 'reunite' "
            "and query like '%identify_many%' and datname = current_database()"
        ).fetchone() or (None,)
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(OutcomeUnknown, match="in time"):
                store.identify("a@x.co", "2")
            assert store.identify("a@x.co", "1").outcome == "known"
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_standby_takes_no_writes_and_says_so(
    store: PostgresqlRepository, admin: psycopg.Connection
) -> None:
    database = admin.info.dbname
    admin.execute(f"alter database {database} set default_transaction_read_only = on")
    admin.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    with pytest.raises(StoreUnavailable, match="no writes"):
        store.check()
    with pytest.raises(StoreUnavailable, match="25006"):
        store.identify("a@x.co")
    admin.execute("set default_transaction_read_only = off")
    admin.execute(f"alter database {database} reset default_transaction_read_only")
    assert store.identify("a@x.co").outcome == "created"
    store.check()


def test_totals_may_be_asked_by_any_thread_while_others_read_and_write(
    store: PostgresqlRepository,
) -> None:
    done = threading.Event()

    def read() -> int:
        asked = 0
        while not done.is_set():
            store.totals()
            store.check()
            store.recognise_many([Presented("e1@x.co", None)])
            asked += 1
        return asked

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for number in range(30):
            store.identify(f"e{number}@x.co", str(number))
        done.set()
        assert all(reader.result(20) > 0 for reader in readers)
    assert store.totals().contacts == 30


def test_a_closed_store_stays_closed(store: PostgresqlRepository) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.check()
