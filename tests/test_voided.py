"""What was voided, or stored before it was blocked, as /identify sees it on both stores."""

from __future__ import annotations

import pytest

from reunite import IdentityTooLarge, Presented
from reunite.errors import ConstraintViolation
from reunite.evidence import Identifier
from reunite.operations import Operations
from reunite.repositories import Store
from test_conformance import contact

A, B = (Identifier("email", f"{letter}@x.co") for letter in "ab")
ONE, TWO = (Identifier("phone", digit) for digit in "12")


@pytest.fixture
def operations(store: Store) -> Operations:
    return Operations(store)


def position(store: Store) -> int:
    """Of the last row of the journal."""
    with store.sight() as sight:
        return sight.head.position


# ── what was voided ──────────────────────────────────────────────────────────────────────────────


def test_a_voided_contact_shows_its_anchor_alone(store: Store, operations: Operations) -> None:
    store.identify("a@x.co", "1")
    operations.unlink(1, pair=(A, ONE), constrain=False)
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], [], [])
    assert contact(store.identify(phone_number="1")) == (2, [], ["1"], [])
    assert store.recognise_many([Presented("a@x.co", "1")]) == [None]
    again = store.identify("a@x.co", "1")
    assert (again.outcome, contact(again)) == ("merged", (1, ["a@x.co"], ["1"], [2]))
    assert store.identify("a@x.co", "1").outcome == "known"


def test_a_voided_contact_that_hangs_on_its_phone_shows_no_email(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2")])
    operations.unlink(1, pair=(A, TWO), constrain=False)
    assert contact(store.identify(phone_number="2")) == (2, [], ["2"], [])
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], ["1"], [])


@pytest.mark.parametrize("phone", ["1", "2"])
def test_a_voided_pair_is_not_seen_even_where_others_join_it(
    store: Store, operations: Operations, phone: str
) -> None:
    """The first hangs on its e-mail, the second on its phone."""
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2")])
    operations.unlink(1, pair=(A, Identifier("phone", phone)), constrain=False)
    store.identify_many([("a@x.co", "4"), ("b@x.co", "4"), ("b@x.co", phone)])
    assert store.recognise_many([Presented("a@x.co", phone)]) == [None]
    before = position(store)
    assert store.identify("a@x.co", phone).outcome == "known"
    assert position(store) == before + 1
    assert store.recognise_many([Presented("a@x.co", phone)]) != [None]


def test_an_unlinked_pair_is_kept_apart_unless_told_otherwise(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    operations.unlink(1, pair=(A, ONE))
    with pytest.raises(ConstraintViolation) as refused:
        store.identify("a@x.co", "1")
    assert refused.value.held_id == 1


def test_a_link_that_was_voided_is_not_seen_any_more(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1"), ("b@x.co", "2")])
    assert store.identify("a@x.co", "2").outcome == "known"
    linked = store.identify("a@x.co", "2")
    operations.unlink(1, position=4)
    assert store.recognise_many([Presented("a@x.co", "2")]) == [None]
    assert contact(store.identify("a@x.co", "2")) == contact(linked)
    assert store.recognise_many([Presented("a@x.co", "2")]) == [linked]


def test_the_limit_counts_what_a_voided_contact_shows(store: Store, operations: Operations) -> None:
    store.set_identity_limit(2)
    store.identify("a@x.co", "1")
    operations.unlink(1, pair=(A, ONE), constrain=False)
    assert store.identify("a@x.co", "3").outcome == "extended"
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("a@x.co", "1")
    assert (refused.value.size, refused.value.would_be) == (2, 3)


# ── blocks of what was stored ────────────────────────────────────────────────────────────────────


def test_a_pair_presented_before_its_phone_was_blocked_stays_seen(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2")])
    operations.block(TWO)
    recognised = store.recognise_many([Presented("a@x.co", "2")])
    assert [answer and contact(answer) for answer in recognised] == [
        (1, ["a@x.co"], ["1", "2"], [2])
    ]
    before = position(store)
    assert store.identify("a@x.co", "2") == recognised[0]
    assert position(store) == before
    with_other = store.identify("b@x.co", "2")
    assert contact(with_other) == (3, ["b@x.co"], ["2"], [])


def test_a_voided_pair_is_not_seen_because_its_phone_is_blocked(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2")])
    operations.unlink(1, pair=(A, TWO), constrain=False)
    operations.block(TWO)
    assert store.recognise_many([Presented("a@x.co", "2")]) == [None]
    before = position(store)
    assert contact(store.identify("a@x.co", "2")) == (1, ["a@x.co"], ["1", "2"], [])
    assert position(store) == before + 1


def test_what_two_contacts_are_tied_by_is_no_attribute(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", None)])
    operations.merge(1, 2)
    operations.block(B)
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], ["1"], [])


def test_a_blocked_phone_is_shown_by_links_that_stand_and_no_others(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2")])
    operations.block(TWO)
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], ["1", "2"], [])
    assert contact(store.identify("b@x.co")) == (2, ["b@x.co"], ["2"], [])
    operations.unlink(1, position=3)
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], ["1"], [])


def test_a_link_of_two_that_are_blocked_shows_neither(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("b@x.co", "1"), ("a@x.co", "3")])
    operations.block(ONE)
    operations.block(B)
    expected = (1, ["a@x.co"], ["1", "3"], [3])
    assert contact(store.identify(phone_number="3")) == expected
    assert contact(store.identify("a@x.co", "3")) == expected
    assert contact(store.identify(phone_number="2")) == (2, ["b@x.co"], ["2"], [])
