"""An operation asked again under its key is answered as it was, and not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from conftest import OpenStore
from reunite.errors import InvalidOperation, KeyReused, OperationRefused
from reunite.evidence import Identifier
from reunite.operations import Decision, Operations
from reunite.repositories import Store
from reunite.repositories.sqlite import SqliteRepository
from workspace_rows import Rows, rows

A, B = (Identifier("email", f"{letter}@x.co") for letter in "ab")
ONE = Identifier("phone", "1")
DAY = 24 * 3600 * 1_000_000
"""Microseconds."""

KEYED: list[Callable[[Operations, str | None], Decision]] = [
    lambda operations, key: operations.unlink(1, pair=(A, ONE), key=key),
    lambda operations, key: operations.undo(2, key=key),
    lambda operations, key: operations.constrain(B, ONE, key=key),
    lambda operations, key: operations.block(ONE, key=key),
    lambda operations, key: operations.unconstrain(A, B, key=key),
    lambda operations, key: operations.allow(1, key=key),
    lambda operations, key: operations.dismiss(1, key=key),
]


@pytest.fixture
def operations(store: Store) -> Operations:
    """Of a store with two people kept apart, and a request that waits."""
    store.identify_many([("a@x.co", "1"), ("b@x.co", None)])
    operations = Operations(store)
    operations.constrain(A, B)
    store.identify_many([("b@x.co", "1")])
    operations.dismiss(1)
    operations.undo(4)
    operations.unconstrain(A, B)
    operations.undo(6)
    return operations


@pytest.fixture
def written(store_url: str, fresh_workspace: str) -> Callable[[], Rows]:
    return lambda: rows(store_url, fresh_workspace)


@pytest.mark.parametrize("operation", range(len(KEYED)))
def test_the_same_key_gives_the_same_answer_and_writes_nothing_twice(
    operations: Operations, written: Callable[[], Rows], operation: int
) -> None:
    first = KEYED[operation](operations, "k")
    assert first.position == 8
    once = written()
    assert KEYED[operation](operations, "k") == first
    assert written() == once


def test_the_answer_stays_what_it_was_though_the_store_has_changed(
    store: Store, operations: Operations
) -> None:
    first = operations.unlink(1, pair=(A, ONE), key="k")
    operations.undo(first.position or 0)
    store.identify("a@x.co", "2")
    assert operations.unlink(1, pair=(A, ONE), key="k") == first


def test_what_was_answered_before_identities_were_counted_counts_those_it_shows(
    store: Store, operations: Operations
) -> None:
    first = operations.unlink(1, pair=(A, ONE), key="k")
    assert first.identity_count == len(first.identities) == 2
    with store.transaction() as transaction:
        kept = transaction.answered("k")
        assert kept is not None
        answer = json.loads(kept.answer)
        del answer["identity_count"]
        transaction.answer(kept._replace(answer=json.dumps(answer)))
    assert operations.unlink(1, pair=(A, ONE), key="k") == first


@pytest.mark.parametrize(
    "other",
    [
        lambda operations: operations.unlink(1, pair=(A, ONE), constrain=False, key="k"),
        lambda operations: operations.unlink(2, pair=(A, ONE), key="k"),
        lambda operations: operations.unlink(1, identifier=ONE, key="k"),
        lambda operations: operations.unlink(1, pair=(A, ONE), who="Ann", key="k"),
        lambda operations: operations.unlink(1, pair=(A, ONE), why="asked", key="k"),
        lambda operations: operations.block(ONE, key="k"),
    ],
)
def test_another_operation_under_the_same_key_is_refused_and_not_done(
    operations: Operations,
    written: Callable[[], Rows],
    other: Callable[[Operations], Decision],
) -> None:
    operations.unlink(1, pair=(A, ONE), key="k")
    before = written()
    with pytest.raises(KeyReused):
        other(operations)
    assert written() == before


def test_a_refused_operation_keeps_no_key(operations: Operations) -> None:
    operations.block(ONE)
    with pytest.raises(OperationRefused):
        operations.allow(1, key="k")
    operations.unblock(ONE)
    assert operations.dismiss(1, key="k").position == 10


def test_what_is_only_tried_keeps_no_key(operations: Operations) -> None:
    assert operations.block(ONE, key="k", dry_run=True).position is None
    assert operations.block(ONE, key="k").position == 8


def test_keys_are_those_of_one_workspace(
    operations: Operations, open_store: OpenStore, fresh_workspace: str
) -> None:
    operations.block(ONE, key="k")
    other = Operations(open_store(workspace=f"{fresh_workspace}-other"))
    assert other.block(A, key="k").position == 1


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a\0b"])
def test_a_key_that_is_none_is_refused(operations: Operations, key: str) -> None:
    with pytest.raises(InvalidOperation, match="1 to 255 characters"):
        operations.block(ONE, key=key)


def test_a_key_is_free_again_after_a_day(tmp_path: Path) -> None:
    clock = [1_700_000_000_000_000]
    with SqliteRepository(str(tmp_path / "reunite.db"), clock=lambda: clock[0]) as store:
        operations = Operations(store)
        operations.block(ONE, key="k")
        clock[0] += DAY - 1
        with pytest.raises(KeyReused):
            operations.unblock(ONE, key="k")
        clock[0] += 2
        assert operations.unblock(ONE, key="k").position == 2
        assert operations.unblock(ONE, key="k").position == 2


def test_of_those_who_ask_at_once_under_one_key_one_does_it_and_all_are_answered_so(
    operations: Operations, open_store: OpenStore
) -> None:
    stores = [open_store() for _ in range(4)]
    for number in range(10):
        barrier = Barrier(len(stores))

        def ask(store: Store, key: str = str(number), barrier: Any = barrier) -> Decision:
            barrier.wait()
            return Operations(store).constrain(A, Identifier("phone", f"9{key}"), key=key)

        with ThreadPoolExecutor(len(stores)) as pool:
            answers = list(pool.map(ask, stores))
        assert {answer.position for answer in answers} == {8 + number}
    assert len(operations.constraints()) == 11
