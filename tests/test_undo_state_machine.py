"""Random walks over all that can be asked and decided, on both stores at once, against evidence."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from imported import Row
from oracle import Node
from reunite.evidence import Identifier
from reunite.operations.asked import (
    Allow,
    Asked,
    Block,
    Constrain,
    Dismiss,
    Merge,
    Unblock,
    Unconstrain,
    Undo,
    Unlink,
)
from undo_machine import EMAILS, NODES, Pair, Twins, paired

WALKS = int(os.environ.get("REUNITE_TEST_WALKS", "20"))
"""How many, on both stores; thousands now and then."""

A_NODE = st.sampled_from(NODES)
TWO = st.lists(A_NODE, min_size=2, max_size=2, unique=True)
SPELT = ["1", "+1", "2", "3", "+3"]
PAIRS: st.SearchStrategy[Pair] = st.one_of(
    st.tuples(st.sampled_from(EMAILS), st.sampled_from(SPELT)),
    st.tuples(st.sampled_from(EMAILS), st.sampled_from(SPELT)),
    st.tuples(st.sampled_from(EMAILS), st.none()),
    st.tuples(st.none(), st.sampled_from(SPELT)),
)
ANY = st.integers(0, 10**6)
"""Picks one of what there is by then."""

SOMETIMES = st.sampled_from([False, False, False, True])
ROWS = st.lists(
    st.tuples(st.integers(0, 3), PAIRS, st.none() | st.integers(0, 4), SOMETIMES),
    min_size=1,
    max_size=4,
)
T = TypeVar("T")


class UndoMachine(RuleBasedStateMachine):
    """Everything one may ask and decide, in any order."""

    urls: tuple[str, str]
    twins: Twins

    @initialize(limit=st.sampled_from([3, 5, 10_000, 10_000]))
    def open(self, limit: int) -> None:
        self.twins = Twins(self.urls, limit)

    def teardown(self) -> None:
        if hasattr(self, "twins"):
            self.twins.assert_each_piece_can_be_taken_back()
            self.twins.close()

    @invariant()
    def evidence_is_what_the_stores_say(self) -> None:
        if hasattr(self, "twins"):
            self.twins.assert_evidence_is_what_the_stores_say()

    # ── what arrives ─────────────────────────────────────────────────────────────────────────────

    @rule(pair=PAIRS)
    def identify(self, pair: Pair) -> None:
        self.twins.identify(pair)

    @rule(pairs=st.lists(PAIRS, min_size=1, max_size=6))
    def identify_many(self, pairs: list[Pair]) -> None:
        self.twins.identify_many(pairs)

    @rule(pair=PAIRS)
    def identify_and_undo(self, pair: Pair) -> None:
        before, positions = self.twins.standing(), len(self.twins.now.journal)
        self.twins.identify(pair)
        if len(self.twins.now.journal) > positions:
            self.twins.assert_undo_restores(before, positions + 1)

    @rule(rows=ROWS, order=st.randoms(use_true_random=False), undo=SOMETIMES)
    def import_rows(self, rows: list[Any], order: random.Random, undo: bool) -> None:
        before, positions = self.twins.standing(), len(self.twins.now.journal)
        first = self.twins.now.last_id + 1
        ids = list(range(first, first + 5))
        order.shuffle(ids)
        self.twins.import_rows(
            [
                Row(id_, age * 1_000_000, email, phone, None if to is None else first + to, gone)
                for id_, (age, (email, phone), to, gone) in zip(ids, rows, strict=False)
            ]
        )
        if undo and len(self.twins.now.journal) > positions:
            self.twins.assert_undo_restores(before, positions + 1)

    @rule(limit=st.sampled_from([2, 4, 10_000]))
    def change_the_limit(self, limit: int) -> None:
        self.twins.set_limit(limit)

    # ── what is decided by hand ──────────────────────────────────────────────────────────────────

    def decide(self, asked: Asked, call: Callable[[], int | None], undo: bool) -> None:
        before = self.twins.standing()
        position = self.twins.decide(asked, call)
        if undo and position is not None:
            self.twins.assert_undo_restores(before, position)

    def unlink(self, id_: int, pair: list[Node], constrain: bool, force: bool, undo: bool) -> None:
        a, b = (Identifier(*node) for node in pair)
        self.decide(
            Unlink(id_, pair=(a, b), constrain=constrain, force=force),
            lambda: self.twins.oracle.unlink_pair(id_, a, b, constrain, force),
            undo,
        )

    def pick(self, number: int, several: Sequence[T], otherwise: T) -> T:
        return several[number % len(several)] if several else otherwise

    def contact_id(self, number: int) -> int:
        return self.pick(number, [one.id for one in self.twins.now.contacts], 1)

    @rule(contact=ANY, pair=TWO, constrain=SOMETIMES, force=SOMETIMES, undo=SOMETIMES)
    def unlink_any_pair(
        self, contact: int, pair: list[Node], constrain: bool, force: bool, undo: bool
    ) -> None:
        self.unlink(self.contact_id(contact), pair, constrain, force, undo)

    @rule(contact=ANY, constrain=SOMETIMES, force=SOMETIMES, undo=SOMETIMES)
    def unlink_a_pair(self, contact: int, constrain: bool, force: bool, undo: bool) -> None:
        one = self.pick(contact, paired(self.twins.now.answering), None)
        if one is not None:
            self.unlink(one.id, one.nodes, constrain, force, undo)

    @rule(node=A_NODE, constrain=SOMETIMES, undo=SOMETIMES)
    def unlink_an_identifier(self, node: Node, constrain: bool, undo: bool) -> None:
        id_ = self.pick(0, [one.id for one in self.twins.now.holders(node)], 1)
        self.decide(
            Unlink(id_, identifier=Identifier(*node), constrain=constrain),
            lambda: self.twins.oracle.unlink_identifier(id_, node, constrain),
            undo,
        )

    @rule(position=ANY, undo=SOMETIMES)
    def undo(self, position: int, undo: bool) -> None:
        where = 1 + position % (len(self.twins.now.journal) + 1)
        self.decide(Undo(where), lambda: self.twins.oracle.undo(where), undo)

    @rule(one=ANY, other=ANY, undo=SOMETIMES)
    def merge(self, one: int, other: int, undo: bool) -> None:
        # Which contact stands in for a retired one is not told by evidence.
        there = [contact.id for contact in self.twins.now.answering]
        ids = self.pick(one, there, 1), self.pick(other, there, 1)
        self.decide(Merge(*ids), lambda: self.twins.oracle.merge(*ids), undo)

    @rule(pair=TWO, undo=SOMETIMES)
    def constrain(self, pair: list[Node], undo: bool) -> None:
        a, b = (Identifier(*node) for node in pair)
        self.decide(Constrain(a, b), lambda: self.twins.oracle.constrain(a, b), undo)

    @rule(pair=TWO, number=ANY, undo=SOMETIMES)
    def unconstrain(self, pair: list[Node], number: int, undo: bool) -> None:
        now = self.twins.now
        standing = [[one.a, one.b] for one in now.constraints if now.stands(one)]
        b, a = (Identifier(*node) for node in self.pick(number, standing, pair))
        self.decide(Unconstrain(a, b), lambda: self.twins.oracle.unconstrain(a, b), undo)

    @rule(node=A_NODE, undo=SOMETIMES)
    def block(self, node: Node, undo: bool) -> None:
        self.decide(Block(Identifier(*node)), lambda: self.twins.oracle.block(node), undo)

    @rule(node=A_NODE, number=ANY, undo=SOMETIMES)
    def unblock(self, node: Node, number: int, undo: bool) -> None:
        node = self.pick(number, sorted(self.twins.now.blocked), node)
        self.decide(Unblock(Identifier(*node)), lambda: self.twins.oracle.unblock(node), undo)

    @rule(number=ANY, undo=SOMETIMES)
    def allow(self, number: int, undo: bool) -> None:
        id_ = self.pick(number, [one.id for one in self.twins.now.held], 1)
        self.decide(Allow(id_), lambda: self.twins.oracle.allow(id_), undo)

    @rule(number=ANY, undo=SOMETIMES)
    def dismiss(self, number: int, undo: bool) -> None:
        id_ = self.pick(number, [one.id for one in self.twins.now.held], 1)
        self.decide(Dismiss(id_), lambda: self.twins.oracle.dismiss(id_), undo)


def test_whatever_is_decided_both_stores_hold_what_the_evidence_says(
    shared_postgres_url: str,
) -> None:
    class Machine(UndoMachine):
        urls = "", shared_postgres_url

    unshrunk = "REUNITE_TEST_UNSHRUNK" in os.environ
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            phases=[Phase.generate] if unshrunk else list(Phase),
            suppress_health_check=list(HealthCheck),
        ),
    )
