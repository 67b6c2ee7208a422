"""Constraints keep identifiers apart and whatever is refused is held, the same on both stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from conftest import OpenStore
from reunite import BlockedIdentifier, Identified, IdentityTooLarge, Presented
from reunite.errors import ConstraintViolation, Refusal
from reunite.evidence import Held, Identifier
from reunite.operations import Operations
from reunite.repositories import Store
from test_conformance import contact

Request = tuple[str | None, str | None]
A, B, C = (Identifier("email", f"{letter}@x.co") for letter in "abc")
ONE, TWO, THREE = (Identifier("phone", digit) for digit in "123")


@pytest.fixture
def operations(store: Store) -> Operations:
    return Operations(store)


@pytest.fixture
def held(operations: Operations) -> Callable[[], list[Held]]:
    """Lists what is held of the requests that wait."""
    return operations.held


def kept_apart(store: Store, *request: str | None) -> ConstraintViolation:
    """The refusal of a request by a constraint."""
    before = store.totals()
    with pytest.raises(ConstraintViolation) as refused:
        store.identify(*request)
    assert store.totals() == before
    assert store.recognise_many([Presented(*request)]) == [None]
    return refused.value


def told(answers: list[Any]) -> list[Any]:
    """The outcomes of a batch, errors by their type."""
    return [getattr(answer, "outcome", type(answer)) for answer in answers]


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


def test_two_new_identifiers_that_a_constraint_keeps_apart_make_no_contact(
    store: Store, operations: Operations
) -> None:
    position = operations.constrain(A, ONE).position
    refusal = kept_apart(store, "a@x.co", "+1")
    assert (refusal.a, refusal.b, refusal.position) == (A, ONE, position)
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], [], [])
    assert contact(store.identify(phone_number="1")) == (2, [], ["1"], [])
    kept_apart(store, "a@x.co", "1")


def test_a_new_identifier_does_not_extend_an_identity_that_it_is_kept_from(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "1")
    operations.constrain(A, TWO)
    refusal = kept_apart(store, "b@x.co", "2")
    assert (refusal.a, refusal.b) == (A, TWO)
    assert store.identify("b@x.co", "3").outcome == "extended"
    assert contact(store.identify("c@x.co", "2")) == (4, ["c@x.co"], ["2"], [])


def test_a_new_email_does_not_extend_an_identity_that_it_is_kept_from(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    operations.constrain(B, A)
    assert (kept_apart(store, "b@x.co", "1").a, store.identify("c@x.co", "1").outcome) == (
        A,
        "extended",
    )


def test_identities_of_which_any_two_are_kept_apart_do_not_merge(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "11"), ("b@x.co", "2"), ("b@x.co", "22")])
    operations.constrain(ONE, TWO)
    refusal = kept_apart(store, "a@x.co", "22")
    assert (refusal.a, refusal.b) == (ONE, TWO)
    assert contact(store.identify("b@x.co")) == (3, ["b@x.co"], ["2", "22"], [4])


def test_a_constraint_between_others_is_in_nobodys_way(
    store: Store, operations: Operations
) -> None:
    store.identify("c@x.co", "3")
    operations.constrain(A, ONE)
    assert store.identify("a@x.co", "2").outcome == "created"
    assert store.identify("c@x.co", "1").outcome == "extended"
    assert store.identify("b@x.co", "2").outcome == "extended"


def test_the_earliest_of_several_constraints_is_named(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    operations.constrain(ONE, B)
    operations.constrain(A, TWO)
    operations.constrain(A, B)
    refusal = kept_apart(store, "a@x.co", "2")
    assert (refusal.a, refusal.b, refusal.position) == (B, ONE, 3)


def test_of_constraints_of_one_position_the_first_by_its_ends_is_named(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("b@x.co", "1"), ("a@x.co", "1")])
    operations.unlink(1, identifier=ONE)
    store.identify("a@x.co", "2")
    store.identify("b@x.co", "2")
    refusal = kept_apart(store, "b@x.co", "1")
    assert (refusal.a, refusal.b) == (A, ONE)


def test_a_constraint_is_checked_before_the_limit(store: Store, operations: Operations) -> None:
    store.set_identity_limit(2)
    store.identify("a@x.co", "1")
    operations.constrain(A, TWO)
    kept_apart(store, "a@x.co", "2")
    with pytest.raises(IdentityTooLarge):
        store.identify("a@x.co", "3")


def test_a_constraint_that_was_removed_keeps_no_one_apart(
    store: Store, operations: Operations
) -> None:
    operations.constrain(A, ONE)
    operations.constrain(A, THREE)
    operations.unconstrain(A, ONE)
    assert store.identify("a@x.co", "1").outcome == "created"
    kept_apart(store, "a@x.co", "3")


def test_a_pair_of_one_identity_is_never_refused(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1"), ("b@x.co", "2")])
    operations.constrain(C, ONE)
    assert store.identify("a@x.co", "2").outcome == "known"
    assert store.identify("a@x.co", "2").outcome == "known"


def test_what_is_blocked_is_kept_from_no_one_else(store: Store, operations: Operations) -> None:
    store.identify("b@x.co", "2")
    operations.block(ONE)
    operations.constrain(A, ONE)
    operations.constrain(B, ONE)
    assert contact(store.identify("a@x.co", "1")) == (2, ["a@x.co"], ["1"], [])
    assert contact(store.identify("b@x.co", "1")) == (1, ["b@x.co"], ["2", "1"], [])
    assert contact(store.identify("a@x.co", "2"))[:2] == (1, ["b@x.co", "a@x.co"])


def test_constraints_are_those_of_one_workspace(
    store: Store, operations: Operations, open_store: OpenStore, fresh_workspace: str
) -> None:
    operations.constrain(A, ONE)
    other = open_store(workspace=f"{fresh_workspace}-other")
    assert other.identify("a@x.co", "1").outcome == "created"


# ── within a batch ───────────────────────────────────────────────────────────────────────────────


def test_what_is_refused_in_a_batch_takes_nothing_from_the_others(
    store: Store, operations: Operations, held: Callable[[], list[Held]]
) -> None:
    operations.constrain(A, TWO)
    answers = store.identify_many(
        [
            ("a@x.co", "1"),
            ("b@x.co", "2"),
            ("a@x.co", "2"),
            ("b@x.co", "3"),
            ("a@x.co", "3"),
            ("c@x.co", "1"),
            ("a@x.co", "2"),
            ("c@x.co", "2"),
        ]
    )
    assert told(answers) == [
        "created",
        "created",
        ConstraintViolation,
        "extended",
        ConstraintViolation,
        "extended",
        ConstraintViolation,
        ConstraintViolation,
    ]
    assert [answer.held_id for answer in answers if isinstance(answer, ConstraintViolation)] == [
        1,
        2,
        1,
        3,
    ]
    assert [(row.email, row.phone, row.requests) for row in held()] == [
        ("a@x.co", "2", 2),
        ("a@x.co", "3", 1),
        ("c@x.co", "2", 1),
    ]
    assert contact(store.identify("c@x.co")) == (1, ["a@x.co", "c@x.co"], ["1"], [4])
    assert contact(store.identify("b@x.co")) == (2, ["b@x.co"], ["2", "3"], [3])


def test_a_merge_within_the_batch_brings_its_constraints_along(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("c@x.co", "3")])
    operations.constrain(A, C)
    answers = store.identify_many([("a@x.co", "2"), ("b@x.co", "3"), ("new@x.co", "3")])
    assert told(answers) == ["merged", ConstraintViolation, "extended"]


# ── held ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_held_request_waits_once_however_often_it_comes(
    store: Store, operations: Operations, held: Callable[[], list[Held]]
) -> None:
    position = operations.constrain(A, ONE).position
    first = kept_apart(store, "a@x.co", "+1")
    (row,) = held()
    assert first.held_id == row.id == 1
    again = kept_apart(store, "A@x.co", "1")
    assert again.held_id == 1
    (now,) = held()
    assert now.last_at >= row.last_at
    assert now._replace(last_at=0) == Held(
        1, row.at, 0, 2, "a@x.co", "+1", "constraint", *A, *ONE, position or 0
    )


def test_what_the_limit_refuses_is_held_as_well(
    store: Store, held: Callable[[], list[Held]]
) -> None:
    store.set_identity_limit(2)
    store.identify("a@x.co", "1")
    for _ in range(2):
        with pytest.raises(IdentityTooLarge) as refused:
            store.identify("a@x.co", "2")
        assert refused.value.held_id == 1
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("b@x.co", "1")
    assert refused.value.held_id == 2
    rows = [(row.email, row.phone, row.requests, row.reason, row.a_type) for row in held()]
    assert rows == [("a@x.co", "2", 2, "limit", ""), ("b@x.co", "1", 1, "limit", "")]


def test_what_was_decided_is_held_anew_when_it_comes_again(
    store: Store, operations: Operations, held: Callable[[], list[Held]]
) -> None:
    operations.constrain(A, ONE)
    kept_apart(store, "a@x.co", "1")
    operations.dismiss(1)
    assert held() == []
    assert kept_apart(store, "a@x.co", "1").held_id == 2
    operations.allow(2)
    assert store.identify("a@x.co", "1").outcome == "known"


def test_what_is_only_blocked_is_not_held(
    store: Store, operations: Operations, held: Callable[[], list[Held]]
) -> None:
    operations.block(ONE)
    with pytest.raises(BlockedIdentifier):
        store.identify(phone_number="1")
    assert held() == []


# ── together ─────────────────────────────────────────────────────────────────────────────────────


def test_of_two_connections_that_would_join_what_is_kept_apart_one_is_refused(
    store: Store, operations: Operations, open_store: OpenStore
) -> None:
    """Each merge alone is fine; both together would join A and C."""
    operations.constrain(A, C)
    stores = [open_store(), open_store()]
    for number in range(20):
        store.identify_many(_trio(number))
        operations.constrain(*_ends(number))
        barrier = Barrier(2)
        joins: list[Request] = [
            (f"a{number}@x.co", f"2{number}"),
            (f"c{number}@x.co", f"2{number}"),
        ]

        def post(one: Store, join: Request, barrier: Barrier = barrier) -> Identified | Refusal:
            barrier.wait()
            (answer,) = one.identify_many([join])
            assert not isinstance(answer, ValueError)
            return answer  # type: ignore[return-value]

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(post, stores, joins))
        assert sorted(map(str, told(answers))) == sorted(["merged", str(ConstraintViolation)])
        assert len(operations.held()) == number + 1
        assert store.identify(f"a{number}@x.co") != store.identify(f"c{number}@x.co")


def _trio(number: int) -> list[Request]:
    return [(f"{letter}{number}@x.co", f"{digit}{number}") for letter, digit in ("a1", "b2", "c3")]


def _ends(number: int) -> Iterator[Identifier]:
    return (Identifier("email", f"{letter}{number}@x.co") for letter in "ac")
