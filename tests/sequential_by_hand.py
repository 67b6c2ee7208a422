"""The sequential rule of a store that is decided about by hand, made from the oracle of evidence.

A state is all evidence, and what was answered under keys. Numbers (of contacts, of positions, of
held requests) count from the beginning of a history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from evidence_oracle import Evidence
from evidence_oracle_answers import (
    Decided,
    Denied,
    Found,
    Homes,
    Kind,
    Listed,
    Outcome,
    decide,
    identify,
    listed,
    look,
    look_up,
)
from evidence_oracle_operations import Oracle
from reunite.operations.asked import Asked
from sequential import Answer, Request


class Decide(NamedTuple):
    """An operation by hand is asked for, perhaps under a key."""

    asked: Asked
    key: str | None = None


class Lookup(NamedTuple):
    """It is asked whose some identifiers are."""

    request: Request


class Look(NamedTuple):
    """It is asked who a contact is."""

    contact_id: int


class List(NamedTuple):
    """It is asked what there is of one kind."""

    kind: Kind


AnythingAsked: TypeAlias = Request | Decide | Lookup | Look | List
Seen: TypeAlias = Answer | Denied | Decided | Found | Listed
"""Any answer, as its caller saw it."""

Expected: TypeAlias = Answer | Denied | Outcome | Found | Homes | Listed
"""What the rule says of an answer."""

Kept: TypeAlias = Mapping[str, tuple[Asked, Outcome]]
"""What was answered under keys."""


@dataclass(frozen=True, eq=False)
class State:
    """A workspace at one moment; its rule has one object of each, so that the same is equal."""

    evidence: Evidence
    kept: Kept


class DecidingRule:
    """The sequential rule on a store that knows none of the history's identifiers yet.

    Args:
        limit: the number of distinct identifiers an identity may have.
        times: when the row at each position was written, on any clock: no answer tells it, but
            contacts of one moment are of one age. A position not given is a time by itself.
    """

    def __init__(self, limit: int = 10_000, times: Mapping[int, int] | None = None) -> None:
        self._times = times or {}
        self._states: dict[Any, State] = {}
        self._steps: dict[tuple[State, AnythingAsked], tuple[State, Expected]] = {}
        self._start = self._state(Evidence(limit), {})

    def start(self) -> State:
        """The state before anything was asked."""
        return self._start

    def fits(self, answer: Expected, seen: Seen) -> bool:
        """Whether an answer is the rule's, as far as its caller was told."""
        match answer, seen:
            case Answer(), Answer(outcome=None):
                return answer[1:] == seen[1:]
            case Outcome(), Decided():
                return answer.fits(seen)
            case Homes(), Found():
                return answer.fits(seen)
        return type(answer) is type(seen) and answer == seen

    def is_idle(self, asked: AnythingAsked, seen: Seen) -> bool:
        """Whether what changes nothing never will: a pair that is known may come to be unlinked."""
        return not isinstance(seen, Answer) or None in asked

    def step(self, state: State, asked: AnythingAsked) -> tuple[State, Expected]:
        """Return the state after something was asked, and its answer; worked out once."""
        if (state, asked) not in self._steps:
            self._steps[state, asked] = self._step(state, asked)
        return self._steps[state, asked]

    def _step(self, state: State, asked: AnythingAsked) -> tuple[State, Expected]:
        match asked:
            case Lookup(request):
                return state, look_up(state.evidence, request)
            case Look(contact_id):
                return state, look(state.evidence, contact_id)
            case List(kind):
                return state, listed(state.evidence, kind)
            case Decide(operation, key):
                return self._decide(state, operation, key)
        oracle = self._oracle(state)
        answer = identify(oracle, asked)
        return self._state(oracle.now, state.kept), answer

    def _decide(self, state: State, asked: Asked, key: str | None) -> tuple[State, Expected]:
        if key is not None and key in state.kept:
            before, outcome = state.kept[key]
            return state, outcome if before == asked else Denied("reused")
        oracle = self._oracle(state)
        answer = decide(oracle, asked)
        if isinstance(answer, Denied):
            return state, answer
        kept = state.kept if key is None else {**state.kept, key: (asked, answer)}
        return self._state(oracle.now, kept), answer

    def _oracle(self, state: State) -> Oracle:
        """The oracle at a state, at the time of the next position."""
        oracle = Oracle()
        oracle.now = state.evidence.copy()
        position = len(oracle.now.journal) + 1
        oracle.now.time = self._times.get(position, position)
        return oracle

    def _state(self, evidence: Evidence, kept: Kept) -> State:
        oracle = Oracle()
        oracle.now = evidence
        oracle.tick()  # what is held now will have been held
        parts = [value for name, value in vars(evidence).items() if name != "time"]
        name = (*map(_frozen, parts), frozenset(kept.items()))
        return self._states.setdefault(name, State(evidence, kept))


def _frozen(value: Any) -> Any:
    match value:
        case list():
            return tuple(value)
        case set():
            return frozenset(value)
        case dict():
            return frozenset(value.items())
    return value
