"""Over real HTTP, whatever serves a store, every history has an order that explains it.

`test_checker.py` and `test_checker_by_hand.py` prove that the checker catches servers of which this
is not true. REUNITE_TEST_ROUNDS histories are recorded for each way of serving; fewer that have
decisions in them, and fewer still across a kill.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import combinations, starmap
from pathlib import Path

import apsw
import psycopg
import pytest

import reunite
from evidence_oracle_answers import Decided, Denied
from history import Interrupt, Mix, Recorder, next_id
from history_by_hand import DecidingRecorder
from linearizability import (
    KeptApart,
    Linearisation,
    Node,
    Operation,
    Refusal,
    Rule,
    linearise,
)
from reunite.evidence import Identifier
from reunite.operations import Operations
from reunite.repositories import Store
from sequential_by_hand import Decide, DecidingRule
from server import Server
from wire_by_hand import Origin

ROUNDS = int(os.environ.get("REUNITE_TEST_ROUNDS", "20"))
DECIDED_ROUNDS = max(12, ROUNDS * 3 // 5)
KILLED_ROUNDS = max(3, ROUNDS // 6)
Serve = Callable[..., list[str]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers of one store and returns their URLs; they are killed at the end."""
    with ExitStack() as stack:

        def start(database: str, *options: str, servers: int = 1) -> list[str]:
            return [
                stack.enter_context(Server(database, tmp_path / f"{n}.log", *options)).url
                for n in range(servers)
            ]

        yield start


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'reunite.db'}"


def apart(number: int) -> tuple[tuple[Node, Node], ...]:
    """What a round keeps apart where anything is: an e-mail from a phone, and from an e-mail."""
    mix = Mix(number)
    first, second, *_ = mix.all_emails()
    phone = ("phone", mix.all_phones()[0])
    return (("email", first), ("email", second)), (("email", first), phone)


def blocked(number: int) -> Node:
    """What a round blocks where anything is."""
    return "phone", Mix(number).all_phones()[1]


def decide(url: str) -> None:
    """Set all rounds' constraints and blocks, before anything is served."""
    with reunite.open(url) as store:
        operations = Operations(store)
        for number in range(ROUNDS):
            for a, b in apart(number):
                operations.constrain(Identifier(*a), Identifier(*b))
            operations.block(Identifier(*blocked(number)))


def assert_linearizable(urls: Sequence[str], limit: int = 10_000, *, decided: bool = False) -> int:
    """Record and check histories; returns how many requests were refused.

    ``decided`` says whether `decide` set constraints and blocks.
    """
    refused = 0
    for number in range(ROUNDS):
        rng = random.Random(number)
        first_id = next_id(rng.choice(urls), f"round{number}")
        mix = Mix(number, emails=rng.randint(2, 5), phones=rng.randint(2, 5))
        history = Recorder(urls, mix).record(number)
        assert all(each.answer is not None for each in history), "503 from a server at ease"
        rule = Rule(first_id, limit)
        if decided:
            rule = Rule(first_id, limit, apart(number), frozenset({blocked(number)}))
        verdict = linearise(history, rule)
        assert isinstance(verdict, Linearisation), f"round {number}: {verdict}"
        refused += sum(isinstance(each.answer, Refusal | KeptApart) for each in history)
    return refused


def test_one_process_on_sqlite(serve: Serve, sqlite_url: str) -> None:
    assert_linearizable(serve(sqlite_url))


def test_two_processes_on_one_sqlite_file(serve: Serve, sqlite_url: str) -> None:
    assert_linearizable(serve(sqlite_url, servers=2))


def test_one_process_on_postgresql(serve: Serve, postgres_url: str) -> None:
    assert_linearizable(serve(postgres_url))


def test_four_workers_on_postgresql(serve: Serve, postgres_url: str) -> None:
    assert_linearizable(serve(postgres_url, "--workers", "4"))


def test_four_servers_on_one_postgresql(serve: Serve, postgres_url: str) -> None:
    assert_linearizable(serve(postgres_url, servers=4))


def test_refusals_on_sqlite(serve: Serve, sqlite_url: str) -> None:
    reunite.open(sqlite_url).close()
    connection = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("update workspace set identity_limit = 4")
    connection.close()
    assert assert_linearizable(serve(sqlite_url), limit=4) > 0


def test_refusals_on_postgresql(serve: Serve, postgres_url: str) -> None:
    reunite.open(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("update reunite.workspace set identity_limit = 4")
    assert assert_linearizable(serve(postgres_url), limit=4) > 0


def test_two_processes_on_one_sqlite_file_where_people_are_kept_apart(
    serve: Serve, sqlite_url: str
) -> None:
    decide(sqlite_url)
    assert assert_linearizable(serve(sqlite_url, servers=2), decided=True) > 0


def test_four_servers_on_one_postgresql_where_people_are_kept_apart(
    serve: Serve, postgres_url: str
) -> None:
    decide(postgres_url)
    assert assert_linearizable(serve(postgres_url, servers=4), decided=True) > 0


def histories_with_decisions(
    urls: Sequence[str],
    store: Store,
    rounds: int = DECIDED_ROUNDS,
    interrupts: Callable[[random.Random], Interrupt] = lambda _: None,
) -> Iterator[list[Operation]]:
    """Record histories in which people decide about what a store has, and check each."""
    origin = Origin()
    for number in range(rounds):
        rng = random.Random(number)
        limit = rng.choice([3, 10_000, 10_000])
        store.set_identity_limit(limit)
        origin, mix = origin.now(store), Mix(number, rng.randint(2, 3), rng.randint(2, 3))
        blocks, interrupt = rng.random() < 0.6, interrupts(rng)
        recorder = DecidingRecorder(
            urls, mix, interrupt=interrupt, store=store, origin=origin, blocks=blocks
        )
        history = recorder.record(number)
        verdict = linearise(history, DecidingRule(limit, recorder.times()))
        assert isinstance(verdict, Linearisation), f"round {number}: {verdict}"
        assert_same_answers_under_keys(history)
        yield history


def assert_same_answers_under_keys(history: Sequence[Operation]) -> None:
    """What was done under a key is answered with the same, to the last of its members."""
    answers: dict[str, set[Decided]] = {}
    for each in history:
        if isinstance(each.answer, Decided) and each.asked.key is not None:
            answers.setdefault(each.asked.key, set()).add(each.answer)
    assert all(len(alike) == 1 for alike in answers.values())


HAPPENS = {
    *("Request", "Lookup", "Look", "List", "Unlink", "Merge", "Undo", "Constrain", "Block"),
    *("unknown", "constraint", "blocked", "reused"),
}
"""What is surely asked, and answered, in a dozen histories."""


def assert_linearizable_while_people_decide(urls: Sequence[str], database: str) -> None:
    """Record and check histories of servers at ease, in which much is decided and refused."""
    happened: set[str] = set()
    done_at_once = 0
    with reunite.open(database) as store:
        for history in histories_with_decisions(urls, store):
            assert all(each.answer is not None for each in history), "503 from a server at ease"
            happened.update(map(kind_of, history))
            done_at_once += sum(starmap(were_done_at_once, combinations(history, 2)))
    assert happened >= HAPPENS
    assert done_at_once > 0


def kind_of(operation: Operation) -> str:
    """What was done, or why not."""
    asked, answer = operation.asked, operation.answer
    if isinstance(answer, Denied):
        return answer.kind
    return type(asked.asked if isinstance(asked, Decide) else asked).__name__


def were_done_at_once(one: Operation, other: Operation) -> bool:
    """Whether two asked for the same at the same time, under one key, and it was done."""
    return (
        isinstance(one.answer, Decided)
        and one.asked == other.asked
        and one.asked.key is not None
        and one.called < other.returned
        and other.called < one.returned
    )


def test_one_process_on_sqlite_while_people_decide(serve: Serve, sqlite_url: str) -> None:
    assert_linearizable_while_people_decide(serve(sqlite_url), sqlite_url)


def test_two_processes_on_one_sqlite_file_while_people_decide(
    serve: Serve, sqlite_url: str
) -> None:
    assert_linearizable_while_people_decide(serve(sqlite_url, servers=2), sqlite_url)


def test_one_process_on_postgresql_while_people_decide(serve: Serve, postgres_url: str) -> None:
    assert_linearizable_while_people_decide(serve(postgres_url), postgres_url)


def test_four_workers_on_postgresql_while_people_decide(serve: Serve, postgres_url: str) -> None:
    assert_linearizable_while_people_decide(serve(postgres_url, "--workers", "4"), postgres_url)


def test_across_kill_9_while_people_decide(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    lost = 0
    with (
        Server(store_url, tmp_path / "server.log", workspace=fresh_workspace) as server,
        reunite.open(store_url, workspace=fresh_workspace) as store,
    ):

        def crash() -> None:
            server.kill()
            server.start()

        for history in histories_with_decisions(
            [server.url], store, KILLED_ROUNDS, lambda rng: (rng.randint(5, 20), crash)
        ):
            lost += sum(each.answer is None for each in history)
    assert lost > 0
