"""What must hold of evidence, undo and the rest, sentence by sentence, on both stores.

Each closes a hole that a counterexample showed. What is about imports alone is in
`test_import_meaning`, about constraints and held requests in `test_constraints`, about blocks in
`test_blocks`, about the order of arrival in `test_exhaustive`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reunite import IdentityTooLarge
from reunite.errors import ConstraintViolation, ImportStopped, OperationRefused, StillJoined
from reunite.evidence import Identifier
from reunite.inquiry import Inquiry
from reunite.operations import Decision, Operations
from reunite.repositories import Store
from test_conformance import contact
from test_import import adopt

A, B, C = (Identifier("email", f"{letter}@x.co") for letter in "abc")
ONE, TWO, THREE = (Identifier("phone", digit) for digit in "123")
Answer = tuple[int, list[str], list[str], list[int]]
Import = Callable[..., Any]


@pytest.fixture
def operations(store: Store) -> Operations:
    return Operations(store)


@pytest.fixture
def import_rows(store: Store, store_url: str, fresh_workspace: str, tmp_path: Path) -> Import:
    """Imports lines of id,email,phone,linkedId."""

    def import_rows(*rows: str, header: str = "id,email,phone,linkedId") -> Any:
        path = tmp_path / "rows.csv"
        path.write_text("\n".join([header, *rows]))
        return adopt(store_url, fresh_workspace, path)

    return import_rows


def whose(store: Store, contact_id: int) -> Answer:
    """The identity of a contact: primary, e-mails, phones, secondaries."""
    return contact(Inquiry(store).identity(contact_id))  # type: ignore[arg-type]


def at(decision: Decision) -> int:
    """The position of what was done."""
    assert decision.position is not None
    return decision.position


def kept_apart(store: Store, email: str, phone: str) -> bool:
    """Whether a constraint refuses a request; the store must not change by that."""
    before = store.totals()
    try:
        store.identify(email, phone)
    except ConstraintViolation:
        assert store.totals() == before
        return True
    return False


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "anchored"),
    [([], A), ([("a@x.co", None)], ONE), ([(None, "1")], A)],
    ids=["both were new", "the phone was new", "the e-mail was new"],
)
def test_a_contact_hangs_on_what_was_new_when_it_was_made(
    store: Store,
    operations: Operations,
    before: list[tuple[str | None, str | None]],
    anchored: Identifier,
) -> None:
    store.identify_many(before)
    made = store.identify("a@x.co", "1")
    id_ = max(made.primary_contact_id, *made.secondary_contact_ids, 0)
    operations.unlink(id_, pair=(A, ONE))
    assert anchored.key in {key for part in whose(store, id_)[1:3] for key in part}
    with store.sight() as sight:
        assert sight.contacts({id_})[0].anchored == anchored


def test_while_its_anchor_is_blocked_a_contact_hangs_on_its_other_value(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2")])
    operations.block(A)
    assert whose(store, 1) == (1, ["a@x.co"], ["1"], [])
    assert whose(store, 2) == (2, ["b@x.co", "a@x.co"], ["2"], [])
    operations.unblock(A)
    assert whose(store, 1) == (1, ["a@x.co", "b@x.co"], ["1", "2"], [2])


def test_a_voided_contact_shows_its_anchor_alone_even_while_that_is_blocked(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    operations.unlink(1, pair=(A, ONE), constrain=False)
    operations.block(A)
    assert whose(store, 1) == (1, ["a@x.co"], [], [])
    assert contact(store.identify(phone_number="1")) == (2, [], ["1"], [])


def test_undoing_one_operation_never_takes_the_evidence_of_another(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    merged = at(operations.merge(1, 2))
    assert store.identify("a@x.co", "2").outcome == "known"
    operations.undo(merged)
    assert whose(store, 2) == (1, ["a@x.co", "b@x.co"], ["1", "2"], [2])
    operations.undo(merged + 1)
    assert whose(store, 2) == (2, ["b@x.co"], ["2"], [])


def test_what_only_a_hand_made_link_holds_is_not_seen(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", None), (None, "1")])
    merged = at(operations.merge(1, 2))
    assert store.identify("a@x.co", "1").outcome == "known"
    operations.undo(merged)
    assert whose(store, 2) == (1, ["a@x.co"], ["1"], [2])


def test_what_live_traffic_confirmed_outlives_the_undo_of_its_import(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    import_rows("1,a@x.co,1,", "2,b@x.co,2,")
    store.identify("a@x.co", "1")
    operations.undo(1)
    assert whose(store, 1)[:3] == (1, ["a@x.co"], ["1"])
    assert whose(store, 2) == (2, ["b@x.co"], [], [])


# ── imported linkedId ────────────────────────────────────────────────────────────────────────────


def test_unlinking_a_recycled_phone_frees_the_row_whose_linked_id_did_not_count(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    import_rows("1,a@x.co,1,", "2,a@x.co,2,1", "3,b@x.co,2,1")
    assert whose(store, 3)[3] == [2, 3]
    operations.unlink(3, identifier=TWO)
    assert whose(store, 3) == (3, ["b@x.co"], [], [])
    assert whose(store, 1) == (1, ["a@x.co"], ["1"], [])
    assert whose(store, 2) == (2, [], ["2"], [])


def test_undoing_an_import_removes_no_one(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    import_rows("10,a@x.co,2,", "11,a@x.co,3,", "12,c@x.co,,11", "13,b@x.co,2,")
    assert whose(store, 12)[0] == 1
    position = 3
    operations.undo(position)
    assert whose(store, 1) == (1, ["a@x.co"], ["1"], [])
    assert whose(store, 2) == (2, ["b@x.co"], ["2"], [])
    assert whose(store, 11) == (11, [], ["3"], [])
    assert whose(store, 12) == (12, ["c@x.co"], [], [])
    assert (whose(store, 10), whose(store, 13)) == (whose(store, 1), whose(store, 2))
    assert store.totals().contacts == 4
    operations.undo(position + 1)
    assert whose(store, 12)[3] == [2, 10, 11, 12, 13]


@pytest.mark.parametrize(
    "rows",
    [
        ["10,a@x.co,2,"],
        ["10,a@x.co,3,", "11,b@x.co,3,"],
        ["10,c@x.co,1,", "11,,2,10"],
        ["10,a@x.co,,99", "11,,2,99"],
        ["10,c@x.co,8,", "11,b@x.co,9,", "12,d@x.co,9,", "13,d@x.co,8,"],
    ],
)
def test_a_row_that_a_constraint_forbids_refuses_the_whole_import(
    store: Store, operations: Operations, import_rows: Import, rows: list[str]
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    operations.constrain(A, TWO)
    operations.constrain(C, B)
    before = store.totals()
    with pytest.raises(ImportStopped, match=r"the constraint of position [34] keeps apart"):
        import_rows("9,z@x.co,7,", *rows)
    assert store.totals() == before


def test_an_import_passes_by_constraints_that_are_gone_or_of_what_is_blocked(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    operations.constrain(A, B)
    operations.unconstrain(A, B)
    operations.constrain(A, TWO)
    operations.block(TWO)
    import_rows("10,a@x.co,2,", "11,a@x.co,9,", "12,b@x.co,9,")
    assert whose(store, 12)[0] == 1


# ── unlink ───────────────────────────────────────────────────────────────────────────────────────


def test_unlinking_a_pair_voids_all_its_evidence_wherever_it_was_presented(
    store: Store, operations: Operations, import_rows: Import
) -> None:
    store.identify("a@x.co", "1")
    import_rows("10,a@x.co,1,", "11,a@x.co,1,")
    operations.unlink(1, pair=(ONE, A))
    assert whose(store, 1)[1:3] == (["a@x.co"], [])
    assert contact(store.identify(phone_number="1"))[1:3] == ([], ["1"])


def test_a_second_unlink_names_what_is_void_already_so_that_undoing_the_first_joins_nothing(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    first = at(operations.unlink(1, pair=(A, ONE), constrain=False))
    store.identify("a@x.co", "1")
    second = at(operations.unlink(1, pair=(A, ONE), constrain=False))
    operations.undo(first)
    assert whose(store, 1) == (1, ["a@x.co"], [], [])
    operations.undo(second)
    assert whose(store, 1)[1:3] == (["a@x.co"], ["1"])


def test_unlinking_an_identifier_takes_all_its_pairs_and_the_links_of_what_hangs_on_it(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1"), (None, "2"), ("c@x.co", None)])
    operations.merge(2, 4)
    operations.merge(1, 3)
    operations.unlink(1, identifier=B, constrain=False)
    assert whose(store, 2) == (2, ["b@x.co"], [], [])
    assert whose(store, 4) == (4, ["c@x.co"], [], [])
    assert whose(store, 3) == (1, ["a@x.co"], ["1", "2"], [3])


def test_unlinking_a_position_takes_all_that_it_brought_and_nothing_else(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2")])
    operations.unlink(1, position=3)
    assert whose(store, 2) == (2, ["b@x.co"], ["2"], [])
    assert operations.constraints() == []
    with pytest.raises(OperationRefused):
        operations.unlink(1, position=3)


def test_what_was_voided_stays_in_the_history_and_comes_again_as_new_evidence(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    operations.unlink(1, pair=(A, ONE), constrain=False)
    assert store.identify("a@x.co", "1").outcome == "merged"
    events = Inquiry(store).history(1).events
    assert [event.type for event in events] == ["created", "unlinked", "merged"]


def test_contacts_keep_their_ids_and_what_is_left_without_one_gets_one_as_old(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "+1"), ("b@x.co", "1"), ("c@x.co", "3")])
    operations.unlink(1, identifier=ONE)
    assert (whose(store, 1)[0], whose(store, 2)[0]) == (1, 2)
    assert contact(store.identify(phone_number="1")) == (4, [], ["+1"], [])
    with store.sight() as sight:
        first, stand_in = sight.contacts({1, 4})
    assert stand_in.created_at == first.created_at


def test_a_pair_that_other_evidence_joins_is_refused_and_forced_without_a_constraint(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("a@x.co", "2"), ("b@x.co", "1"), ("b@x.co", "2")])
    before = store.totals()
    with pytest.raises(StillJoined) as refused:
        operations.unlink(1, pair=(A, ONE))
    assert str(refused.value).endswith("unlink what is in the chain, or force it")
    assert {refused.value.a, refused.value.b} == {A, ONE}
    assert len(Inquiry(store).chain(refused.value)) == 1
    assert store.totals() == before
    decision = operations.unlink(1, pair=(A, ONE), force=True)
    assert (decision.constraints, decision.still_joined.first) == ((), ((A, ONE),))
    assert len(decision.identities) == 1


def test_undoing_a_position_voids_what_it_brought_whatever_else_joins(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2")])
    before = whose(store, 1)
    decision = operations.undo(4)
    assert whose(store, 1) == before
    assert decision.still_joined.first == ((A, TWO),)
    operations.undo(2)
    assert whose(store, 2)[1:3] == (["b@x.co"], ["2"])


# ── constraints of unlinks, and undo against them ────────────────────────────────────────────────


def test_an_unlinked_identifier_is_kept_from_each_it_was_presented_with(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "3")])
    operations.unlink(1, identifier=ONE)
    kept = [(each.a, each.b) for each in operations.constraints()]
    assert kept == [(A, ONE), (B, ONE)]
    assert kept_apart(store, "a@x.co", "1")
    assert kept_apart(store, "b@x.co", "1")
    assert store.identify("c@x.co", "1").outcome == "extended"


def test_what_force_would_not_help_is_not_said_to_be_forced(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1")])
    with pytest.raises(StillJoined, match=r"unlink what is in the chain$"):
        operations.constrain(A, B)
    with pytest.raises(StillJoined, match=r"unlink what is in the chain$"):
        operations.unlink(1, pair=(A, B))
    with pytest.raises(OperationRefused):
        operations.unlink(1, pair=(A, B), force=True)


def test_two_that_are_joined_cannot_be_constrained(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1")])
    for one, other in ((A, B), (1, 2), (ONE, 2)):
        with pytest.raises(StillJoined):
            operations.constrain(one, other)
    assert operations.constraints() == []


def test_contacts_are_constrained_by_their_anchors(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", None), ("a@x.co", "1"), ("b@x.co", "2")])
    operations.constrain(2, 3)
    assert [(each.a, each.b) for each in operations.constraints()] == [(B, ONE)]


def test_every_operation_is_undone_by_its_position_and_that_is_undone_too(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    position = at(operations.merge(1, 2))
    joined = whose(store, 2)
    apart: Answer = (2, ["b@x.co"], ["2"], [])
    for expected in (apart, joined, apart):
        position = at(operations.undo(position))
        assert whose(store, 2) == expected
    with pytest.raises(OperationRefused):
        operations.undo(3)


def test_undo_is_checked_against_constraints(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2")])
    unlinked = at(operations.unlink(1, pair=(A, TWO), constrain=False))
    kept = at(operations.constrain(B, ONE))
    with pytest.raises(ConstraintViolation) as refused:
        operations.undo(unlinked)
    assert refused.value.position == kept
    lifted = at(operations.undo(kept))
    operations.undo(unlinked)
    assert whose(store, 2)[0] == 1
    with pytest.raises(ConstraintViolation):
        operations.undo(lifted)


def test_undo_is_not_checked_against_the_limit(store: Store, operations: Operations) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2")])
    unlinked = at(operations.unlink(1, pair=(A, TWO), constrain=False))
    store.set_identity_limit(2)
    operations.undo(unlinked)
    assert whose(store, 2)[0] == 1


def test_the_preview_says_what_would_stay_joined_and_what_was_never_recorded(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2"), ("b@x.co", "1")])
    tried = operations.undo(3, dry_run=True)
    assert tried.still_joined.first == ((A, TWO),)
    assert tried.unrecorded.first == ((A, TWO),)
    assert store.totals().identities == 1


# ── held requests, limits, blocks ────────────────────────────────────────────────────────────────


def test_allowing_voids_the_constraints_in_the_way_and_undoing_it_restores_them(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    operations.constrain(A, TWO)
    operations.constrain(B, ONE)
    operations.constrain(A, C)
    assert kept_apart(store, "a@x.co", "2")
    decision = operations.allow(1)
    assert [(each.a, each.b) for each in decision.lifted] == [(A, TWO), (B, ONE)]
    assert whose(store, 2)[0] == 1
    assert operations.held() == []
    operations.undo(at(decision))
    assert whose(store, 2)[0] == 2
    assert [held.id for held in operations.held()] == [1]
    assert kept_apart(store, "a@x.co", "2")
    assert len(operations.constraints()) == 3


@pytest.mark.parametrize("decide", ["dismiss", "allow"])
def test_a_decision_about_a_held_request_that_waits_again_is_not_undone(
    store: Store, operations: Operations, decide: str
) -> None:
    def held_as(phone: str) -> int | None:
        (answer,) = store.identify_many([("a@x.co", phone)])
        assert isinstance(answer, ConstraintViolation)
        return answer.held_id

    store.identify("a@x.co")
    operations.constrain(A, ONE)
    assert held_as("1") == 1
    decision = at(getattr(operations, decide)(1))
    if decide == "allow":
        operations.unlink(1, pair=(A, ONE))
    assert held_as("+1") == 2
    with pytest.raises(OperationRefused, match=r"held request 1 .* waits as held request 2"):
        operations.undo(decision)
    assert held_as("1") == 2
    assert [(held.id, held.requests) for held in operations.held()] == [(2, 2)]
    operations.dismiss(2)
    operations.undo(decision)
    assert [held.id for held in operations.held()] == [1]
    assert held_as("1") == 1


def test_allowing_may_exceed_the_limit(store: Store, operations: Operations) -> None:
    store.set_identity_limit(2)
    store.identify("a@x.co", "1")
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("a@x.co", "2")
    assert (refused.value.size, refused.value.would_be, refused.value.held_id) == (2, 3, 1)
    operations.allow(1)
    assert whose(store, 1) == (1, ["a@x.co"], ["1", "2"], [2])


def test_blocking_splits_with_a_preview_and_unblocking_joins_subject_to_constraints(
    store: Store, operations: Operations
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1")])
    tried = operations.block(ONE, dry_run=True)
    assert [each.primary_contact_id for each in tried.identities] == [1, 2]
    assert store.totals().identities == 1
    operations.block(ONE)
    kept = at(operations.constrain(A, B))
    with pytest.raises(ConstraintViolation):
        operations.unblock(ONE)
    operations.undo(kept)
    assert len(operations.unblock(ONE).identities) == 1


def test_a_block_is_undone_only_while_it_is_the_latest(
    store: Store, operations: Operations
) -> None:
    store.identify("a@x.co", "1")
    first = at(operations.block(ONE))
    operations.unblock(ONE)
    latest = at(operations.block(ONE))
    with pytest.raises(OperationRefused):
        operations.undo(first)
    operations.undo(latest)
    assert operations.blocks() == []
