"""Several processes on one SQLite file, and processes that die in the middle of their work."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from audit import Tables, faults
from history import Mix
from linearizability import Answer, Linearisation, Operation, Request, Rule, linearise
from load import Acknowledged, broken_promises
from reunite import Identified, StoreUnavailable, Totals
from reunite.repositories.sqlite import SqliteRepository

PROCESSES = 4
FILES = 10
"""How many new files they open, all at once."""
KILLS = 10
"""How many processes die on one file, one after the other."""
PATIENCE = 60
"""Seconds after which a process that waits for the others gives up."""

SPAWN = multiprocessing.get_context("spawn")


class Step(NamedTuple):
    """One call of `identify_many`: when it was called and returned, in monotonic nanoseconds."""

    called: int
    returned: int
    requests: list[Request]
    answers: list[Answer]


class Pool:
    """What a process of the pool waits at for the others."""

    barrier: Barrier

    @classmethod
    def enter(cls, barrier: Barrier) -> None:
        cls.barrier = barrier


def identify(store: SqliteRepository, requests: list[Request]) -> Step:
    called = time.monotonic_ns()
    answers = store.identify_many(requests)
    return Step(called, time.monotonic_ns(), requests, [seen(answer) for answer in answers])


def seen(identified: object) -> Answer:
    assert isinstance(identified, Identified)
    return Answer(
        identified.outcome,
        identified.primary_contact_id,
        identified.emails,
        identified.phone_numbers,
        identified.secondary_contact_ids,
    )


def collide(process: int, paths: Sequence[Path]) -> list[list[Step]]:
    """Open each file when all others do, and ask for what they ask for."""
    rng = random.Random(process)
    return [_collide(path, rng) for path in paths]


def _collide(path: Path, rng: random.Random) -> list[Step]:
    Pool.barrier.wait(PATIENCE)
    with SqliteRepository(path, busy_timeout=PATIENCE) as store:
        return [
            identify(store, [Mix(0).request(rng) for _ in range(rng.choice([1, 1, 1, 3]))])
            for _ in range(6)
        ]


def history(steps_by_process: Sequence[list[Step]]) -> list[Operation]:
    """What all processes saw of one file; in one call, each request comes after the one before."""
    operations: list[Operation] = []
    for process, steps in enumerate(steps_by_process):
        for step in steps:
            for number, (request, answer) in enumerate(
                zip(step.requests, step.answers, strict=True)
            ):
                after = len(operations) - 1 if number else None
                times = step.called, step.returned
                operations.append(Operation(process, *times, request, answer, after))
    return operations


def test_processes_that_open_a_new_file_at_once_and_collide_are_linearizable(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / f"{number}.db" for number in range(FILES)]
    with ProcessPoolExecutor(
        PROCESSES, SPAWN, initializer=Pool.enter, initargs=(SPAWN.Barrier(PROCESSES),)
    ) as pool:
        by_process = list(pool.map(collide, range(PROCESSES), [paths] * PROCESSES))
    for path, steps_by_process in zip(paths, zip(*by_process, strict=True), strict=True):
        verdict = linearise(history(steps_by_process), Rule())
        assert isinstance(verdict, Linearisation), verdict
        assert faults(Tables.read(f"sqlite:///{path}")) == []


def test_opening_waits_for_the_process_that_is_making_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "reunite.db"
    maker = apsw.Connection(str(path))
    maker.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="another process is writing"):
        SqliteRepository(path, busy_timeout=0)
    # SQLite does not wait here by itself: the store looks again after a while.
    monkeypatch.setattr(time, "sleep", lambda _: maker.execute("rollback"))
    with SqliteRepository(path) as store:
        assert store.identify("a@x.co").primary_contact_id == 1
    maker.close()


def test_a_writer_that_does_not_let_go_costs_a_503_and_then_all_works_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "reunite.db"
    with SqliteRepository(path, busy_timeout=0.05) as store:
        store.identify("a@x.co", "1")
        other = apsw.Connection(str(path))
        other.execute("begin immediate")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="another process is writing"):
                store.identify("b@x.co", "2")
        with pytest.raises(StoreUnavailable, match="another process is writing"):
            SqliteRepository(path, workspace="new", busy_timeout=0.05)
        assert store.totals() == Totals(contacts=1, identities=1)
        other.execute("rollback")
        other.close()
        assert store.identify("b@x.co", "2").primary_contact_id == 2


def post(path: Path, number: int, parent: Connection) -> None:
    """Identify without end, telling the parent of each answer, once it says so."""
    parent.recv()
    rng = random.Random(number)
    groups = range(number * 100, (number + 1) * 100)
    with SqliteRepository(path) as store:
        while True:
            size = rng.choice([1, 2, 5, 20])
            parent.send(
                identify(store, [Mix(rng.choice(groups)).request(rng) for _ in range(size)])
            )


class Doomed:
    """A process that identifies until it is killed."""

    def __init__(self, path: Path, number: int) -> None:
        self._connection, its_end = SPAWN.Pipe()
        self._process = SPAWN.Process(target=post, args=(path, number, its_end), daemon=True)
        self._process.start()
        its_end.close()

    def run_and_kill(self, rng: random.Random) -> list[Acknowledged]:
        """What it acknowledged before it died, at a moment that nobody chose."""
        self._connection.send("go")
        steps = [self._connection.recv() for _ in range(rng.randint(1, 60))]
        time.sleep(rng.uniform(0, 0.01))  # the moment is random, not right after an answer
        self._process.kill()
        with contextlib.suppress(EOFError, OSError):  # the pipe's end, perhaps in half a message
            while True:
                steps.append(self._connection.recv())
        self._process.join()
        return [
            acknowledged
            for step in steps
            for acknowledged in zip(step.requests, step.answers, strict=True)
        ]


def test_kill_9_in_the_middle_of_batches_loses_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "reunite.db"
    rng = random.Random()
    acknowledged: list[Acknowledged] = []
    for number, doomed in enumerate([Doomed(path, number) for number in range(KILLS)]):
        with contextlib.ExitStack() as stack:
            # Where another process survives, it goes on; where none does, the file is recovered.
            survivor = SqliteRepository(path) if number % 2 else None
            if survivor is not None:
                stack.enter_context(survivor)
            acknowledged += doomed.run_and_kill(rng)
            store = survivor or stack.enter_context(SqliteRepository(path))
            for request, before in acknowledged[-20:]:
                answer = seen(store.identify(*request))
                assert answer.outcome == "known"
                assert {answer.primary, *answer.secondaries} >= {
                    before.primary,
                    *before.secondaries,
                }
        tables = Tables.read(f"sqlite:///{path}")
        assert faults(tables) == []
        assert list(broken_promises(acknowledged, tables)) == []
