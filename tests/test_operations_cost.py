"""Taking back costs as much as the identity has, whatever else the store holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

import reunite
from reunite.evidence import Entry, Identifier
from reunite.operations import Operations
from reunite.repositories import Store
from test_transaction_cost import MEMBERS, analyze, fill

FIRST = 1 + 10 * MEMBERS
LAST_POSITION = 1_000_000


@pytest.fixture
def url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of either kind, of the test's own: its statistics are."""
    if store_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'reunite.db'}"
    return str(request.getfixturevalue("postgres_url"))


def prepare(url: str, workspace: str, contacts: int) -> None:
    """A workspace of so many contacts in identities of equal size, ready to be decided about."""
    fill(url, workspace, contacts)
    with reunite.open(url, workspace=workspace) as store, store.transaction() as transaction:
        identities = contacts // MEMBERS
        entry = Entry(LAST_POSITION, "created", 0, 1, None, 1, None, contacts, identities, contacts)
        transaction.put([entry])


def seconds(operate: Callable[[int], object]) -> float:
    """What an operation on an identity takes at best, each time on another one."""
    took = []
    for first in range(FIRST, FIRST + 9 * MEMBERS, MEMBERS):
        began = perf_counter()
        operate(first)
        took.append(perf_counter() - began)
    return min(took)


def unlink_and_undo(store: Store) -> tuple[float, float]:
    """The seconds to unlink a contact of an identity, and to undo that."""
    operations, done = Operations(store), []

    def unlink(first: int) -> None:
        email = Identifier("email", f"{first + 1}@example.com")
        decision = operations.unlink(first, identifier=email)
        assert len(decision.identities) == 3
        done.append(decision.position or 0)

    unlinking = seconds(unlink)
    return unlinking, seconds(lambda _: operations.undo(done.pop()))


def test_unlink_and_undo_in_a_hundred_times_larger_store_cost_the_same(
    url: str, store_kind: str
) -> None:
    prepare(url, "small", 2_000)
    if store_kind == "postgresql":
        # The large workspace is newer than what the planner knows.
        analyze(url)
    prepare(url, "large", 200_000)
    with (
        reunite.open(url, workspace="small") as small,
        reunite.open(url, workspace="large") as large,
    ):
        took = [(unlink_and_undo(small), unlink_and_undo(large)) for _ in range(3)]
    for operation in (0, 1):
        before, after = (min(each[where][operation] for each in took) for where in (0, 1))
        assert after < 4 * before
