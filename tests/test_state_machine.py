"""Random walks: everything one may ask of a store, in any order, against the naive oracle."""

from __future__ import annotations

import itertools
import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import reunite
from audit import Tables, faults
from oracle import Imported, Node, Oracle, nodes_of
from planted import Past, Plan, plant
from reunite import Presented, Totals
from test_exhaustive import Answers, Pair, as_oracle

EMAILS = st.sampled_from([None, "a@x.co", "b@x.co", "c@x.co", "d@x.co"])
PHONES = st.sampled_from([None, "1", "+1", "2", "3", "+3", "4"])
NODES = st.sampled_from([("email", "a@x.co"), ("email", "d@x.co"), ("phone", "1"), ("phone", "4")])
AGES = st.none() | st.integers(0, 3)
PAIRS = st.tuples(EMAILS, PHONES).filter(lambda pair: pair != (None, None))

_numbers = itertools.count(1)


class StoreMachine(RuleBasedStateMachine):
    """One workspace and an oracle that is asked the same."""

    url: str

    @initialize(limit=st.sampled_from([3, 5, 10_000]))
    def open(self, limit: int) -> None:
        self.workspace = f"walk-{next(_numbers)}"
        self.store = reunite.open(self.url, workspace=self.workspace)
        self.store.set_identity_limit(limit)
        self.oracle = Oracle(limit)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert faults(Tables.read(self.url, self.workspace)) == []
            self.store.close()

    def agree(self, answers: Answers, pairs: list[Pair]) -> None:
        assert [as_oracle(answer, 0) for answer in answers] == [
            self.oracle.identify(*pair) for pair in pairs
        ]

    @rule(pair=PAIRS)
    def identify(self, pair: Pair) -> None:
        self.agree(self.store.identify_many([pair]), [pair])

    @rule(pairs=st.lists(PAIRS, max_size=12))
    def identify_many(self, pairs: list[Pair]) -> None:
        self.agree(self.store.identify_many(pairs), pairs)

    @rule(pairs=st.lists(PAIRS, min_size=1, max_size=6))
    def recognise_many(self, pairs: list[Pair]) -> None:
        recognised = self.store.recognise_many([Presented(*pair) for pair in pairs])
        before = self.store.totals()
        for pair, answer in zip(pairs, recognised, strict=True):
            if answer is not None:
                self.agree([answer], [pair])
        assert self.store.totals() == before

    @rule(pair=PAIRS)
    def recognise_what_was_just_identified(self, pair: Pair) -> None:
        expected = self.oracle.identify(*pair)
        self.store.identify_many([pair])
        recognised = self.store.recognise_many([Presented(*pair)])[0]
        assert (recognised is None) == (expected["outcome"] in ("refused", "blocked"))

    @rule(
        rows=st.lists(st.tuples(AGES, PAIRS), max_size=5),
        order=st.randoms(use_true_random=False),
        links=st.lists(
            st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=2, unique_by=frozenset
        ),
        blocked=st.sets(NODES, max_size=2),
    )
    def adopt(
        self,
        rows: list[tuple[int | None, Pair]],
        order: random.Random,
        links: list[tuple[int, int]],
        blocked: set[Node],
    ) -> None:
        new = blocked - self.oracle.components().keys() - self.oracle.blocked
        self.oracle.block(*new)
        ids = [self.oracle.last_id + 1 + n for n in range(7)]
        order.shuffle(ids)
        past = {
            id_: Past(id_, age, *pair)
            for id_, (age, pair) in zip(ids, rows, strict=False)
            if not self.oracle.blocked.issuperset(nodes_of(*pair))
        }
        pairs = [(ids[one], ids[other]) for one, other in links]
        ties = [(one, other) for one, other in pairs if one in past and one != other]
        plan = Plan(list(past.values()), ties, sorted(new), tombstones=set(ids) - past.keys())
        left = plant(self.url, self.workspace, plan)
        now = len(self.oracle.contacts) + 0.5
        taken = [
            Imported(row.id, now if row.created_at is None else row.created_at - 9, *row.pair)
            for row in past.values()
        ]
        self.oracle.adopt(taken, left, max(ids))

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = reunite.open(self.url, workspace=self.workspace)

    @invariant()
    def totals_agree(self) -> None:
        if hasattr(self, "store"):
            expected = Totals(self.oracle.number_of_contacts, self.oracle.number_of_identities)
            assert self.store.totals() == expected


def test_random_walks_agree_with_the_oracle(store_url: str) -> None:
    class Machine(StoreMachine):
        url = store_url

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=100, stateful_step_count=25, deadline=None)
    )
