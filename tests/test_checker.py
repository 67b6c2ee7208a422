"""The linearizability checker is right about right servers and catches wrong ones."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from faulty import RIGHT, WRONG, Atomic, random_history, random_requests, read
from linearizability import (
    Answer,
    Blocked,
    Counterexample,
    KeptApart,
    Linearisation,
    Node,
    Operation,
    Refusal,
    Request,
    Rule,
    Seen,
    State,
    UndecidedError,
    linearise,
)
from oracle import Oracle, nodes_of

CREATED = Answer("created", 1, ("a@x.io",), ("1",), ())
EXTENDED = Answer("extended", 1, ("a@x.io",), ("1", "2"), (2,))
KNOWN = Answer("known", 1, ("a@x.io",), ("1",), ())
KNOWN_LATER = Answer("known", 1, ("a@x.io",), ("1", "2"), (2,))


def operation(
    client: int,
    called: int,
    returned: int,
    phone: str | None,
    answer: Seen | None,
    after: int | None = None,
) -> Operation:
    return Operation(client, called, returned, Request("a@x.io", phone), answer, after)


def is_linearizable(*history: Operation, rule: Rule | None = None) -> bool:
    return isinstance(linearise(history, rule or Rule()), Linearisation)


@pytest.mark.parametrize("limit", [3, 5, 10_000])
@pytest.mark.parametrize("seed", range(20))
def test_the_sequential_rule_agrees_with_the_oracle(seed: int, limit: int) -> None:
    rule, oracle = Rule(limit=limit), Oracle(limit)
    state = State()
    for request in random_requests(random.Random(seed), 40, emails=8, phones=8):
        state, answer = rule.step(state, request)
        assert answer == read(oracle.identify(*request))
    assert len(state.contacts) == oracle.number_of_contacts


@pytest.mark.parametrize("limit", [3, 10_000])
@pytest.mark.parametrize("seed", range(20))
def test_the_sequential_rule_agrees_with_the_oracle_on_what_is_blocked(
    seed: int, limit: int
) -> None:
    rng = random.Random(seed)
    requests = random_requests(rng, 40, emails=5, phones=5)
    nodes = sorted({node for request in requests for node in nodes_of(*request)})
    blocked = frozenset(rng.sample(nodes, 2))
    rule, oracle = Rule(limit=limit, blocked=blocked), Oracle(limit)
    oracle.block(*blocked)
    state = State()
    for request in requests:
        state, answer = rule.step(state, request)
        expected = oracle.identify(*request)
        assert answer == (Blocked() if "blocked" in expected else read(expected))


def test_an_empty_history_is_linearizable() -> None:
    assert is_linearizable()


def test_one_after_the_other_is_linearizable() -> None:
    assert is_linearizable(operation(0, 1, 2, "1", CREATED), operation(0, 3, 4, "2", EXTENDED))


def test_what_returned_earlier_comes_first() -> None:
    assert not is_linearizable(operation(0, 1, 2, "2", EXTENDED), operation(0, 3, 4, "1", CREATED))


def test_what_overlaps_may_come_in_either_order() -> None:
    assert is_linearizable(operation(0, 1, 4, "2", EXTENDED), operation(1, 2, 3, "1", CREATED))


def test_an_old_answer_is_right_only_while_the_change_is_under_way() -> None:
    change = operation(0, 3, 6, "2", EXTENDED)
    first = operation(0, 1, 2, "1", CREATED)
    assert is_linearizable(first, change, operation(1, 5, 8, "1", KNOWN))
    assert not is_linearizable(first, change, operation(1, 7, 8, "1", KNOWN))
    assert is_linearizable(first, change, operation(1, 7, 8, "1", KNOWN_LATER))


def test_nobody_sees_an_older_state_than_another_saw_before() -> None:
    first, change = operation(0, 1, 2, "1", CREATED), operation(0, 3, 9, "2", EXTENDED)
    seen = operation(1, 4, 5, "1", KNOWN_LATER)
    assert is_linearizable(first, change, seen, operation(2, 6, 7, "1", KNOWN_LATER))
    assert not is_linearizable(first, change, seen, operation(2, 6, 7, "1", KNOWN))


def test_an_unknown_outcome_may_have_taken_effect_late_or_never() -> None:
    first, lost = operation(0, 1, 2, "1", CREATED), operation(1, 3, 4, "2", None)
    before, after = operation(0, 5, 6, "1", KNOWN), operation(0, 7, 8, "1", KNOWN_LATER)
    assert is_linearizable(first, lost, before)
    assert is_linearizable(first, lost, before, after)
    assert is_linearizable(first, lost, operation(0, 5, 6, "2", EXTENDED))


def test_an_unknown_outcome_takes_no_effect_before_its_call_nor_twice() -> None:
    first, lost = operation(0, 1, 2, "1", CREATED), operation(1, 5, 6, "2", None)
    assert not is_linearizable(first, lost, operation(0, 3, 4, "1", KNOWN_LATER))
    twice = operation(0, 9, 10, "1", Answer("known", 1, ("a@x.io",), ("1", "2"), (2, 3)))
    assert not is_linearizable(first, lost, twice)


def test_the_items_of_an_array_keep_their_order() -> None:
    assert is_linearizable(operation(0, 1, 9, "2", EXTENDED), operation(0, 1, 9, "1", CREATED))
    assert not is_linearizable(
        operation(0, 1, 9, "2", EXTENDED), operation(0, 1, 9, "1", CREATED, after=0)
    )


def test_the_outcome_is_part_of_the_answer() -> None:
    assert not is_linearizable(operation(0, 1, 2, "1", CREATED._replace(outcome="known")))


def test_an_answer_that_tells_no_outcome_is_judged_by_the_rest() -> None:
    untold = CREATED._replace(outcome=None)
    assert is_linearizable(operation(0, 1, 2, "1", untold))
    assert not is_linearizable(operation(0, 1, 2, "1", untold._replace(primary=2)))


def test_a_refusal_is_an_answer_that_changes_nothing() -> None:
    first, again = operation(0, 1, 2, "1", CREATED), operation(0, 5, 6, "1", KNOWN)
    refused = operation(0, 3, 4, "2", Refusal(1, 2, 3, 2))
    assert is_linearizable(first, refused, again, rule=Rule(limit=2))
    assert not is_linearizable(first, refused, again, rule=Rule(limit=3))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("email", "a@x.io"), ("phone", "2")),
        (("phone", "1"), ("phone", "2")),
    ],
)
def test_what_is_kept_apart_is_refused_and_changes_nothing(a: Node, b: Node) -> None:
    rule = Rule(constraints=((a, b),))
    first, again = operation(0, 1, 2, "1", CREATED), operation(0, 5, 6, "1", KNOWN)
    assert is_linearizable(first, operation(0, 3, 4, "2", KeptApart(a, b)), again, rule=rule)
    assert not is_linearizable(first, operation(0, 3, 4, "2", KeptApart(a, b)), again)
    assert not is_linearizable(first, operation(0, 3, 4, "2", EXTENDED), rule=rule)


def test_two_merges_that_a_constraint_forbids_together_are_caught() -> None:
    """Each is right for itself; a server that checks before it takes the lock lets both through."""
    a, c = ("email", "a@x.io"), ("email", "c@x.io")
    ones = [
        Operation(0, n, n, Request(f"{e}@x.io", str(n)), _alone(n, e))
        for n, e in enumerate("abc", 1)
    ]
    one = Answer("merged", 1, ("a@x.io", "b@x.io"), ("1", "2"), (2,))
    both = Answer("merged", 1, ("a@x.io", "b@x.io", "c@x.io"), ("1", "2", "3"), (2, 3))
    history = [
        *ones,
        Operation(0, 10, 20, Request("a@x.io", "2"), one),
        Operation(1, 10, 20, Request("c@x.io", "2"), both),
    ]
    assert is_linearizable(*history)
    assert not is_linearizable(*history, rule=Rule(constraints=((a, c),)))
    history[-1] = replace(history[-1], answer=KeptApart(a, c))
    assert is_linearizable(*history, rule=Rule(constraints=((a, c),)))


def _alone(number: int, letter: str) -> Answer:
    return Answer("created", number, (f"{letter}@x.io",), (str(number),), ())


def test_ids_may_start_anywhere() -> None:
    later = operation(0, 1, 2, "1", CREATED._replace(primary=41))
    assert is_linearizable(later, rule=Rule(first_id=41))
    assert not is_linearizable(later)


def test_a_counterexample_can_be_read() -> None:
    history = [operation(0, 1, 2, "1", CREATED), operation(3, 3, 4, None, EXTENDED)]
    verdict = linearise(history, Rule())
    assert isinstance(verdict, Counterexample)
    lines = str(verdict).splitlines()
    assert lines[0].startswith("no order explains the answers")
    assert "client 0" in lines[1]
    assert "a@x.io 1  ->  created 1 ['a@x.io'] ['1'] []" in lines[1]
    assert "client 3" in lines[3]
    assert lines[4].endswith("by the rule: known 1 ['a@x.io'] ['1'] []")


def test_a_search_that_grows_too_large_says_so() -> None:
    history = [Operation(n, 0, 9, Request(f"{n}@x.io", None), None) for n in range(12)]
    history.append(operation(12, 10, 11, "1", CREATED._replace(primary=99)))
    with pytest.raises(UndecidedError):
        linearise(history, Rule(), max_states=1_000)


@pytest.mark.parametrize("server", RIGHT)
def test_a_right_server_is_never_accused(server: type[Atomic]) -> None:
    for seed in range(60):
        rng = random.Random(seed)
        limit = rng.choice([3, 10_000])
        history = random_history(server(rng, limit), clients=6, requests=9)
        verdict = linearise(history, Rule(limit=limit))
        assert isinstance(verdict, Linearisation), f"seed {seed}: {verdict}"


@pytest.mark.parametrize("server", WRONG)
def test_a_wrong_server_is_caught_within_ten_histories(server: type[Atomic]) -> None:
    for start in range(0, 100, 10):
        verdicts = []
        for seed in range(start, start + 10):
            history = random_history(server(random.Random(seed)), clients=6, requests=9)
            verdicts.append(linearise(history, Rule()))
        assert any(isinstance(verdict, Counterexample) for verdict in verdicts)
