"""Over real HTTP, whatever serves a store, every history has an order that explains it.

`test_checker.py` proves that the checker catches servers of which this is not true.
REUNITE_TEST_ROUNDS histories are recorded for each way of serving.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import apsw
import psycopg
import pytest

import reunite
from history import Mix, Recorder, next_id
from linearizability import KeptApart, Linearisation, Node, Refusal, Rule, linearise
from reunite.evidence import Identifier
from reunite.operations import Operations
from server import Server

ROUNDS = int(os.environ.get("REUNITE_TEST_ROUNDS", "20"))
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
