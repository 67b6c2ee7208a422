"""Whatever is killed, at whatever moment, what was acknowledged stays true, and nothing is half
done."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from audit import Tables, faults
from history import Client, Mix, Recorder, body_of, next_id
from linearizability import Linearisation, Rule, linearise
from load import Acknowledged, Load, broken_promises
from postgres import OwnServer
from server import Server, wait_until

ROUNDS = max(3, int(os.environ.get("REUNITE_TEST_ROUNDS", "20")) // 5)
SOON = 10
"""Seconds in which a server must be ready again."""


def assert_sound(database: str, workspace: str, acknowledged: Sequence[Acknowledged]) -> None:
    """Check the store's tables, and every acknowledged answer against them."""
    tables = Tables.read(database, workspace)
    assert faults(tables) == []
    assert list(broken_promises(acknowledged, tables)) == []


def assert_answers(url: str, acknowledged: Sequence[Acknowledged]) -> None:
    """Ask again for what was acknowledged: it is known, and the older answer is part of it."""
    client, rng = Client(url), random.Random(0)
    for request, before in acknowledged[-200:]:
        reply = client.post("/identify", body_of(request, rng))
        assert reply is not None
        assert reply.status == 200
        assert reply.headers["reunite-outcome"] == "known"
        contact = reply.body["contact"]
        ids = {contact["primaryContactId"], *contact["secondaryContactIds"]}
        assert ids >= {before.primary, *before.secondaries}
        assert set(contact["emails"]) >= set(before.emails)
        assert set(contact["phoneNumbers"]) >= set(before.phones)
    client.close()


def test_kill_9_under_load_loses_nothing_that_was_acknowledged(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    acknowledged: list[Acknowledged] = []
    rng = random.Random()
    with Server(store_url, tmp_path / "server.log", workspace=fresh_workspace) as server:
        for number in range(ROUNDS):
            with Load(server.url, number) as load:
                load.wait_for_more(rng.randint(1, 400))
                time.sleep(rng.uniform(0, 0.02))  # the moment is random, not right after an answer
                server.kill()
                assert server.start() < SOON
                load.wait_for_more(50)
            acknowledged += load.acknowledged
            assert_sound(store_url, fresh_workspace, acknowledged)
            assert_answers(server.url, load.acknowledged)


def test_a_history_across_kill_9_is_linearizable(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    rng = random.Random()
    with Server(store_url, tmp_path / "server.log", workspace=fresh_workspace) as server:

        def crash() -> None:
            server.kill()
            server.start()

        for number in range(ROUNDS):
            first_id = next_id(server.url, f"round{number}")
            recorder = Recorder([server.url], Mix(number), interrupt=(rng.randint(5, 25), crash))
            history = recorder.record(number)
            verdict = linearise(history, Rule(first_id))
            assert isinstance(verdict, Linearisation), f"round {number}: {verdict}"


def test_kill_9_of_one_server_does_not_disturb_the_other(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    killed, other = (
        Server(store_url, tmp_path / f"{name}.log", workspace=fresh_workspace)
        for name in ("killed", "other")
    )
    with killed, other:
        for number in range(ROUNDS):
            with Load(other.url, 2 * number) as load, Load(killed.url, 2 * number + 1) as doomed:
                doomed.wait_for_more(random.randint(1, 200))
                killed.kill()
                load.wait_for_more(100)
                killed.start()
            assert (load.lost, load.unavailable) == (0, [])
            assert load.slowest < SOON
            acknowledged = load.acknowledged + doomed.acknowledged
            assert_sound(store_url, fresh_workspace, acknowledged)


def test_a_worker_that_was_killed_is_replaced(postgres_url: str, tmp_path: Path) -> None:
    with (
        Server(postgres_url, tmp_path / "server.log", "--workers", "2") as server,
        Load(server.url, 0) as load,
    ):
        load.wait_for_more(100)
        before = set(server.workers())
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(set(server.workers()) - before) == 1, "a worker in its place", SOON)
        load.wait_for_more(100)
    assert load.unavailable == []
    assert_sound(postgres_url, "default", load.acknowledged)


def test_sigterm_under_load_finishes_what_was_accepted(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    server = Server(store_url, tmp_path / "server.log", workspace=fresh_workspace)
    server.start()
    with Load(server.url, 0) as load:
        load.wait_for_more(100)
        assert server.drain() == 0
        server.start()
        load.wait_for_more(50)
    server.kill()
    assert_sound(store_url, fresh_workspace, load.acknowledged)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_crash_of_postgresql_costs_503s_and_the_service_comes_back_by_itself(
    workers: str, own_postgres_server: OwnServer, tmp_path: Path
) -> None:
    database = own_postgres_server.fresh_database()
    acknowledged: list[Acknowledged] = []
    timeout = {"REUNITE_REQUEST_TIMEOUT": "3"}
    log = tmp_path / "server.log"
    with Server(database, log, "--workers", workers, settings=timeout) as server:
        for number in range(2):
            with Load(server.url, number) as load:
                load.wait_for_more(random.randint(1, 300))
                own_postgres_server.stop("immediate")
                load.wait_for_refusals(20)
                assert server.get("/livez")[0] == 200
                assert server.get("/readyz")[0] == 503
                own_postgres_server.start()
                assert wait_until(server.is_ready, "ready again", SOON) < SOON
                load.wait_for_more(50)
            acknowledged += load.acknowledged
            assert load.lost == 0
            assert load.slowest < 3 + 2
            assert all("retry-after" in reply.headers for reply in load.unavailable)
            assert_sound(database, "default", acknowledged)
            assert_answers(server.url, load.acknowledged)
