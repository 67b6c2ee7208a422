"""What is decided by hand, hole by hole: cases in which an operation once went wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reunite.errors import OperationRefused, StillJoined, Unknown
from reunite.evidence import Identifier
from reunite.inquiry import Inquiry
from reunite.operations import SHOWN, Operations
from reunite.repositories import Store
from test_conformance import contact
from test_import import adopt

A, B, C = (Identifier("email", f"{letter}@x.co") for letter in "abc")
ONE, TWO, THREE = (Identifier("phone", digit) for digit in "123")
Import = Callable[..., Any]


@pytest.fixture
def operations(store: Store) -> Operations:
    return Operations(store)


@pytest.fixture
def import_rows(store: Store, store_url: str, fresh_workspace: str, tmp_path: Path) -> Import:
    """Imports lines of id,email,phone,linkedId."""

    def import_rows(*rows: str) -> Any:
        path = tmp_path / "rows.csv"
        path.write_text("\n".join(["id,email,phone,linkedId", *rows]))
        return adopt(store_url, fresh_workspace, path)

    return import_rows


def whose(store: Store, contact_id: int) -> tuple[int, list[str], list[str], list[int]]:
    """The identity of a contact: primary, e-mails, phones, secondaries."""
    return contact(Inquiry(store).identity(contact_id))  # type: ignore[arg-type]


# ── unlink ───────────────────────────────────────────────────────────────────────────────────────


def test_a_pair_that_nothing_ties_directly_is_refused_with_what_joins_it(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2")])
    with pytest.raises(StillJoined):
        operations.unlink(1, pair=(ONE, TWO))
    with pytest.raises(OperationRefused, match="nothing was ever presented"):
        operations.unlink(1, pair=(ONE, TWO), force=True)


def test_all_pairs_of_a_blocked_identifier_are_unlinked_wherever_they_are(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1")])
    operations.block(ONE)
    operations.unlink(1, identifier=ONE, constrain=False)
    assert whose(store, 1) == (1, ["a@x.co"], [], [])
    assert whose(store, 2) == (2, ["b@x.co"], [], [])
    operations.unblock(ONE)
    assert contact(store.identify(phone_number="1")) == (3, [], ["1"], [])


def test_a_blocked_identifier_that_only_a_link_shows_can_be_unlinked(
    store: Store, operations: Operations
) -> None:
    operations.block(ONE)
    store.identify("a@x.co")
    assert contact(store.identify("a@x.co", "1")) == (1, ["a@x.co"], ["1"], [])
    operations.unlink(1, identifier=ONE, constrain=False)
    assert whose(store, 1) == (1, ["a@x.co"], [], [])


def test_an_unlinked_identifier_takes_a_link_of_two_that_both_hang_on_it(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("b@x.co", "1"), ("b@x.co", "2")])
    operations.merge(1, 2)
    operations.block(TWO)
    operations.unlink(1, identifier=B, constrain=False)
    operations.unblock(TWO)
    assert whose(store, 1) == (1, ["b@x.co"], [], [])
    assert whose(store, 2) == (2, [], ["2"], [])


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────


def test_the_undo_of_an_old_block_does_not_lift_the_latest(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    old = operations.block(ONE).position
    operations.unblock(ONE)
    operations.block(ONE)
    with pytest.raises(OperationRefused, match="blocked again at position 4"):
        operations.undo(old or 0)
    assert contact(store.identify("b@x.co", "1")) == (2, ["b@x.co"], ["1"], [])


def test_contacts_that_have_nothing_but_a_blocked_identifier_are_strangers(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    import_rows("1,,1,", "2,,1,")
    operations.block(ONE)
    assert (whose(store, 1), whose(store, 2)) == ((1, [], ["1"], []), (2, [], ["1"], []))
    assert store.totals().identities == 2
    operations.unblock(ONE)
    assert whose(store, 2) == (1, [], ["1"], [2])


def test_a_contact_takes_its_links_along_to_what_it_hangs_on_after_an_unblock(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", None), ("c@x.co", "2")])
    operations.merge(2, 1)
    operations.block(TWO)
    operations.block(C)
    assert whose(store, 2) == (2, ["c@x.co"], ["2"], [])
    operations.unblock(TWO)
    assert whose(store, 2) == (1, ["a@x.co", "c@x.co"], ["2"], [2])


def test_an_unblocked_identifier_is_joined_again_through_a_row_that_was_only_named(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    import_rows("1,a@x.co,,9", "2,b@x.co,,9")
    operations.block(B)
    assert whose(store, 2) == (2, ["b@x.co"], [], [])
    operations.unblock(B)
    assert whose(store, 2) == (1, ["a@x.co", "b@x.co"], [], [2])


def test_an_undone_unlink_joins_again_through_a_row_that_was_only_named(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    import_rows("1,a@x.co,,9", "2,b@x.co,,9")
    unlinked = operations.unlink(2, identifier=B).position
    assert whose(store, 2) == (2, ["b@x.co"], [], [])
    operations.undo(unlinked or 0)
    assert whose(store, 2) == (1, ["a@x.co", "b@x.co"], [], [2])


# ── held requests ────────────────────────────────────────────────────────────────────────────────


def test_what_was_dismissed_twice_stays_dismissed_until_both_are_undone(
    store: Store, operations: Operations
) -> None:
    operations.constrain(A, ONE)
    store.identify_many([("a@x.co", "1")])
    first = operations.dismiss(1).position or 0
    undone = operations.undo(first).position or 0
    second = operations.dismiss(1).position or 0
    again = operations.undo(undone).position or 0
    operations.undo(second)
    assert operations.held() == []
    operations.undo(again)
    assert [held.id for held in operations.held()] == [1]


# ── ids resolve for ever ─────────────────────────────────────────────────────────────────────────


def test_the_id_of_a_contact_that_went_resolves_though_its_anchor_was_blocked_and_unlinked(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.identify("a@x.co", "1")
    import_rows("9,,1,")
    operations.undo(2)
    assert whose(store, 9) == (1, ["a@x.co"], ["1"], [])
    operations.block(ONE)
    operations.unlink(1, pair=(A, ONE), constrain=False)
    assert whose(store, 9) == (10, [], ["1"], [])
    operations.unblock(ONE)
    assert whose(store, 9) == (10, [], ["1"], [])


def test_what_stands_in_for_an_identifier_is_void_with_the_operation_that_brought_it(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    undone = operations.undo(1).position
    operations.undo(undone or 0)
    with store.sight() as sight:
        ((_, stand_in),) = [sight.contacts({1, 2})]
    assert (stand_in.id, stand_in.identity_id, stand_in.voided) == (2, None, 3)


# ── merge ────────────────────────────────────────────────────────────────────────────────────────


def test_two_that_a_blocked_anchor_left_apart_can_be_merged(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    import_rows("9,a@x.co,2,")
    operations.block(B)
    operations.block(A)
    assert whose(store, 1) != whose(store, 9)
    operations.merge(1, 9)
    assert whose(store, 1) == whose(store, 9)
    assert operations.merge(9, 1).position is None


def test_a_contact_that_went_is_merged_as_who_holds_its_anchor(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    import_rows("9,,1,")
    operations.undo(3)
    operations.merge(9, 2)
    assert whose(store, 2) == whose(store, 9) == (1, ["a@x.co", "b@x.co"], ["1", "2"], [2])


def test_a_merge_that_joins_no_one_yet_is_not_held_to_the_limit(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2"), (None, "3")])
    operations.block(THREE)
    store.set_identity_limit(2)
    operations.merge(1, 3)
    assert whose(store, 3) == (3, [], ["3"], [])


# ── imports into what was unlinked ───────────────────────────────────────────────────────────────


def test_an_import_counts_what_a_voided_contact_shows_towards_the_limit(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.set_identity_limit(3)
    store.identify("a@x.co", "1")
    operations.unlink(1, pair=(A, ONE), constrain=False)
    import_rows("9,a@x.co,2,", "10,a@x.co,3,")
    assert whose(store, 1) == (1, ["a@x.co"], ["2", "3"], [9, 10])


def test_a_decision_about_many_shows_the_first_and_counts_all(
    operations: Operations, store: Store
) -> None:
    store.identify_many([(f"e{number}@x.co", "1") for number in range(SHOWN + 20)])
    for tried in (True, False):
        decision = operations.block(ONE, dry_run=tried)
        assert decision.identity_count == SHOWN + 20
        assert [one.emails for one in decision.identities] == [
            (f"e{number}@x.co",) for number in range(SHOWN)
        ]
    assert operations.unblock(ONE).identity_count == 1


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [-1, 0, 99, 2**63, 2**64, 10**40])
def test_a_number_that_nothing_has_is_unknown_however_large(
    store: Store, operations: Operations, number: int
) -> None:
    store.identify("a@x.co", "1")
    for ask in (
        lambda: operations.undo(number),
        lambda: operations.merge(1, number),
        lambda: operations.merge(number, 1),
        lambda: operations.unlink(number, identifier=A),
        lambda: operations.unlink(1, position=number),
        lambda: operations.constrain(number, A),
        lambda: operations.unconstrain(A, number),
        lambda: operations.allow(number),
        lambda: operations.dismiss(number),
        lambda: Inquiry(store).identity(number),
    ):
        with pytest.raises(Unknown):
            ask()
    assert operations.held(after=abs(number)) == []
    assert operations.constraints(after=abs(number), limit=abs(number)) == []
