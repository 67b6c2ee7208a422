"""With decisions in a history the checker is right about right servers, and catches wrong ones."""

from __future__ import annotations

import random
from typing import Any

import pytest

from evidence_oracle import Constraint, Person
from evidence_oracle_answers import Decided, Denied, Found, Listed
from faulty_by_hand import RIGHT, WRONG, Atomic, random_history
from linearizability import Answer, Counterexample, Linearisation, Operation, Request, linearise
from reunite.evidence import Identifier
from reunite.operations.asked import Block, Constrain, Dismiss, Merge, Undo, Unlink
from sequential_by_hand import AnythingAsked, Decide, DecidingRule, List, Look, Lookup, Seen

A, B = (Identifier("email", f"{letter}@x.io") for letter in "ab")
ONE, TWO = (Identifier("phone", digit) for digit in "12")

PRESENT = Request("a@x.io", "1")
CREATED = Answer("created", 1, ("a@x.io",), ("1",), ())
KNOWN = CREATED._replace(outcome="known")
EXTENDED = Answer("extended", 1, ("a@x.io",), ("1", "2"), (2,))

UNLINK = Unlink(1, pair=(A, ONE))
KEPT = Constraint(2, A, ONE)
TOGETHER = Person((1,), ("a@x.io",), ("1",))
APART = Person((1,), ("a@x.io",), ()), Person((2,), (), ("1",))
UNLINKED = Decided(2, APART, (KEPT,), (), (), ((A, ONE),))
REFUSED = Denied("constraint", (1, (A, ONE, 2)))


def operation(called: int, returned: int, asked: AnythingAsked, answer: Seen | None) -> Operation:
    return Operation(0, called, returned, asked, answer)


FIRST = operation(1, 2, PRESENT, CREATED)


def is_linearizable(
    *history: Operation, limit: int = 10_000, times: dict[int, int] | None = None
) -> bool:
    return isinstance(linearise(history, DecidingRule(limit, times)), Linearisation)


def after_first(asked: AnythingAsked, *answers: tuple[Seen, bool]) -> None:
    """Of a store with one contact, each answer is right, or is not."""
    for answer, is_right in answers:
        assert is_linearizable(FIRST, operation(3, 4, asked, answer)) == is_right, answer


# ── what is answered ─────────────────────────────────────────────────────────────────────────────


def test_the_answer_of_an_operation_is_judged_whole() -> None:
    after_first(
        Decide(UNLINK),
        (UNLINKED, True),
        (UNLINKED._replace(position=3), False),
        (UNLINKED._replace(identities=APART[:1]), False),
        (UNLINKED._replace(identities=APART[::-1]), False),
        (UNLINKED._replace(identities=(*APART, TOGETHER)), False),
        (UNLINKED._replace(constraints=()), False),
        (UNLINKED._replace(lifted=(KEPT,)), False),
        (UNLINKED._replace(still_joined=((A, ONE),)), False),
        (UNLINKED._replace(unrecorded=()), False),
        (Denied("unknown"), False),
    )


def test_an_operation_may_answer_who_it_touched_and_did_not_change() -> None:
    after_first(
        Decide(Block(TWO)),
        (Decided(2), True),
        (Decided(2, (TOGETHER,)), True),
        (Decided(2, APART), False),
    )


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (Decide(Unlink(7, pair=(A, ONE))), "unknown"),
        (Decide(Unlink(1, pair=(B, TWO))), "unknown"),
        (Decide(Unlink(1, pair=(A, TWO))), "cannot"),
        (Decide(Unlink(1, position=2)), "unknown"),
        (Decide(Merge(1, 2)), "unknown"),
        (Decide(Constrain(A, ONE)), "joined"),
        (Decide(Undo(2)), "unknown"),
        (Decide(Dismiss(1)), "unknown"),
        (Look(2), "unknown"),
        (Lookup(Request("b@x.io", "2")), "unknown"),
    ],
)
def test_a_refusal_is_judged_by_its_kind(asked: AnythingAsked, kind: str) -> None:
    kinds = ("unknown", "cannot", "joined", "blocked", "reused")
    after_first(asked, *((Denied(each), each == kind) for each in kinds))


def test_reads_are_judged_whole() -> None:
    after_first(Look(1), (Found((TOGETHER,)), True), (Found(APART[:1]), False))
    after_first(Lookup(PRESENT), (Found((TOGETHER,)), True), (Found(APART), False))
    after_first(List("journal"), (Listed(("created",)), True), (Listed(()), False))
    after_first(List("constraints"), (Listed(()), True), (Listed((KEPT,)), False))


def test_what_is_held_says_what_is_in_the_way_and_is_counted() -> None:
    unlink = operation(3, 4, Decide(UNLINK), UNLINKED)
    once, again = (operation(n, n + 1, PRESENT, REFUSED) for n in (5, 7))

    def is_held(*rows: Any) -> bool:
        held = operation(9, 10, List("held"), Listed(rows))
        return is_linearizable(FIRST, unlink, once, again, held)

    assert is_held((1, "a@x.io", "1", 2))
    assert not is_held((1, "a@x.io", "1", 1))
    assert not is_held((1, "a@x.io", "1", 1), (2, "a@x.io", "1", 1))
    other = REFUSED._replace(names=(2, (A, ONE, 2)))
    assert not is_linearizable(FIRST, unlink, once, operation(7, 8, PRESENT, other))


def test_the_limit_says_how_large_the_oldest_is() -> None:
    b = Request("b@x.io", "2")
    more = operation(3, 4, b, Answer("created", 2, ("b@x.io",), ("2",), ()))
    for size, is_right in ((2, True), (4, False)):
        told = Denied("limit", (1, 1, size, 4, 3))
        asked = operation(5, 6, Request("a@x.io", "2"), told)
        assert is_linearizable(FIRST, more, asked, limit=3) == is_right
        merge = operation(5, 6, Decide(Merge(2, 1)), Denied("limit", (None, 1, size, 4, 3)))
        assert is_linearizable(FIRST, more, merge, limit=3) == is_right


# ── in which order ───────────────────────────────────────────────────────────────────────────────


def test_what_comes_after_an_unlink_sees_it() -> None:
    unlink = operation(3, 4, Decide(UNLINK), UNLINKED)
    for whose, is_right in ((APART, True), ((TOGETHER,), False)):
        look = operation(5, 6, Lookup(PRESENT), Found(whose))
        assert is_linearizable(FIRST, unlink, look) == is_right
    assert is_linearizable(FIRST, unlink, operation(3, 6, Lookup(PRESENT), Found((TOGETHER,))))


def test_a_request_beside_an_unlink_comes_before_or_after_it() -> None:
    unlink = operation(3, 6, Decide(UNLINK), UNLINKED)
    assert is_linearizable(FIRST, unlink, operation(4, 5, PRESENT, KNOWN))
    assert is_linearizable(FIRST, unlink, operation(4, 5, PRESENT, REFUSED))
    assert not is_linearizable(FIRST, unlink, operation(7, 8, PRESENT, KNOWN))


def test_a_request_that_an_unlink_beside_it_loses_is_caught() -> None:
    request = operation(3, 6, Request("a@x.io", "2"), EXTENDED)
    left, gone = Person((1, 2), ("a@x.io",), ("2",)), Person((3,), (), ("1",))
    kept = Constraint(3, A, ONE)
    unlinked = Decided(3, (left, gone), (kept,), (), (), ((A, ONE),))
    unlink, lossy = (operation(3, 6, Decide(UNLINK), each) for each in (unlinked, UNLINKED))
    there, lost = (
        operation(7, 8, Lookup(Request(None, "2")), each)
        for each in (Found((left,)), Denied("unknown"))
    )
    assert is_linearizable(FIRST, request, unlink, there)
    assert not is_linearizable(FIRST, request, unlink, lost)
    assert not is_linearizable(FIRST, request, lossy)


@pytest.mark.parametrize(("times", "primary"), [({1: 5, 2: 5}, 2), ({1: 5, 2: 6}, 3)])
def test_who_is_oldest_goes_by_when_it_was_written(times: dict[int, int], primary: int) -> None:
    """What an unlink leaves without a contact gets one that is as old, and has a higher id."""
    more = operation(3, 4, Request("b@x.io", "2"), Answer("created", 2, ("b@x.io",), ("2",), ()))
    apart = Person((1,), ("a@x.io",), ()), Person((3,), (), ("1",))
    unlink = Decide(Unlink(1, pair=(A, ONE), constrain=False))
    unlinked = Decided(3, apart, (), (), (), ((A, ONE),))
    for oldest, phones in ((2, ("2", "1")), (3, ("1", "2"))):
        answer = Answer("merged", oldest, ("b@x.io",), phones, (5 - oldest,))
        merged = operation(7, 8, Request("b@x.io", "1"), answer)
        history = FIRST, more, operation(5, 6, unlink, unlinked), merged
        assert is_linearizable(*history, times=times) == (oldest == primary)


def test_two_that_overlap_take_one_position_each() -> None:
    for position, is_right in ((3, True), (2, False)):
        block = operation(3, 6, Decide(Block(TWO)), Decided(2))
        other = operation(3, 6, Decide(Block(B)), Decided(position))
        assert is_linearizable(FIRST, block, other) == is_right


def test_a_pair_that_may_have_come_before_or_after_an_undo_is_tried_both_ways() -> None:
    """Before, it changes nothing; after, it is new evidence, and an array does not tell which."""
    both = Person((1, 2), ("a@x.io", "b@x.io"), ("1",))
    alone = Person((1,), ("a@x.io",), ("1",)), Person((2,), ("b@x.io",), ())
    b = Request("b@x.io", "1")
    more = operation(3, 4, b, Answer("extended", 1, *both[1:], (2,)))
    undo = operation(5, 8, Decide(Undo(2)), Decided(3, alone, (), (), (), ((B, ONE),)))
    item = operation(5, 8, b, Answer(None, 1, *both[1:], (2,)))
    for whose in ((both,), alone):
        assert is_linearizable(FIRST, more, undo, item, operation(9, 10, Lookup(b), Found(whose)))


# ── under keys, and where an answer is lost ──────────────────────────────────────────────────────


@pytest.mark.parametrize("times", [(3, 4, 5, 6), (3, 6, 4, 5)])
def test_under_one_key_an_operation_is_done_once(times: tuple[int, int, int, int]) -> None:
    keyed = Decide(UNLINK, "k")
    one = operation(*times[:2], keyed, UNLINKED)
    assert is_linearizable(FIRST, one, operation(*times[2:], keyed, UNLINKED))
    twice = Decided(3, APART, (Constraint(3, A, ONE),))
    assert is_linearizable(FIRST, one, operation(*times[2:], Decide(UNLINK), twice))
    assert not is_linearizable(FIRST, one, operation(*times[2:], keyed, twice))


def test_a_key_comes_with_another_operation_only_if_it_was_refused() -> None:
    block, blocked = Decide(Block(TWO), "k"), Decided(2)
    for first, asked, answer in (
        (UNLINKED, block, Denied("reused")),
        (Denied("unknown"), block, blocked),
    ):
        named = UNLINK if first is UNLINKED else Unlink(7, pair=(A, ONE))
        one = operation(3, 4, Decide(named, "k"), first)
        assert is_linearizable(FIRST, one, operation(5, 6, asked, answer))
    one = operation(3, 4, Decide(UNLINK, "k"), UNLINKED)
    assert not is_linearizable(FIRST, one, operation(5, 6, block, Decided(3)))


def test_an_operation_whose_answer_was_lost_took_effect_late_or_never_but_not_twice() -> None:
    lost = operation(3, 4, Decide(UNLINK), None)
    before, after, later = (
        operation(called, called + 1, Lookup(PRESENT), Found(whose))
        for called, whose in ((5, (TOGETHER,)), (7, APART), (9, (TOGETHER,)))
    )
    assert is_linearizable(FIRST, lost, before)
    assert is_linearizable(FIRST, lost, before, after)
    assert not is_linearizable(FIRST, lost, after, later)


def test_what_was_lost_under_a_key_is_answered_under_it() -> None:
    keyed = Decide(UNLINK, "k")
    lost, again = operation(3, 4, keyed, None), operation(7, 8, keyed, UNLINKED)
    seen = operation(5, 6, Lookup(PRESENT), Found(APART))
    assert is_linearizable(FIRST, lost, again)
    assert is_linearizable(FIRST, lost, seen, again)
    assert not is_linearizable(FIRST, seen, again)


# ── servers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("server", RIGHT)
def test_a_right_server_is_never_accused(server: type[Atomic]) -> None:
    for seed in range(40):
        rng = random.Random(seed)
        limit = rng.choice([3, 10_000])
        history = random_history(server(rng, limit), clients=4, asked=7)
        verdict = linearise(history, DecidingRule(limit))
        assert isinstance(verdict, Linearisation), f"seed {seed}: {verdict}"


@pytest.mark.parametrize("server", WRONG)
def test_a_wrong_server_is_caught_within_thirty_histories(server: type[Atomic]) -> None:
    for start in range(0, 120, 30):
        histories = (
            random_history(server(random.Random(seed)), clients=4, asked=7)
            for seed in range(start, start + 30)
        )
        verdicts = (linearise(history, DecidingRule()) for history in histories)
        assert any(isinstance(verdict, Counterexample) for verdict in verdicts)
