"""Is there an order of these requests, one at a time, that explains every answer?

The search is Wing and Gong's with Lowe's memory: a set of requests already ordered, together with
the state they lead to, is looked into once (J. M. Wing, C. Gong, "Testing and verifying concurrent
objects", 1993; G. Lowe, "Testing for linearizability", 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sequential import (
    Answer,
    Blocked,
    KeptApart,
    Node,
    Refusal,
    Request,
    Rule,
    Seen,
    State,
)

__all__ = [
    "Answer",
    "Blocked",
    "Counterexample",
    "KeptApart",
    "Linearisation",
    "Node",
    "Operation",
    "Refusal",
    "Request",
    "Rule",
    "Seen",
    "SequentialRule",
    "State",
    "UndecidedError",
    "linearise",
]


class SequentialRule(Protocol):
    """What a store is that is asked one thing after the other.

    Its states can be remembered: two are equal only where the future is.
    """

    def start(self) -> Any:
        """The state before a history."""

    def step(self, state: Any, asked: Any, /) -> tuple[Any, Any]:
        """The state after something was asked, and its answer."""

    def fits(self, answer: Any, seen: Any, /) -> bool:
        """Whether what was seen is what the rule answers."""

    def is_idle(self, asked: Any, seen: Any, /) -> bool:
        """Whether what is answered so and changes nothing would change nothing later either."""


@dataclass(frozen=True)
class Operation:
    """What was asked and answered as its client saw it; times are of one monotonic clock, in
    nanoseconds.

    ``answer`` is None where the outcome is unknown: it took effect at any time after ``called``,
    or never. ``after`` is the index, in the history, of an operation known to come before (the one
    in front of it in an array); it must have an answer.
    """

    client: int
    called: int
    returned: int
    asked: Any
    answer: Any | None
    after: int | None = None


@dataclass(frozen=True)
class Linearisation:
    """The proof that a history is right: the order, as indices, of those that took effect.

    A request with an unknown outcome that is left out did nothing, or changed nothing.
    """

    order: tuple[int, ...]


@dataclass(frozen=True)
class Counterexample:
    """The proof that it is wrong: the longest order that explains its own answers, and what is
    left, of which nothing can be next."""

    history: Sequence[Operation] = field(repr=False)
    rule: SequentialRule
    order: tuple[int, ...]

    def __str__(self) -> str:
        search = _Search(self.history, self.rule)
        state = self.rule.start()
        lines = ["no order explains the answers; the longest that explains its own:"]
        for place, index in enumerate(self.order, start=1):
            state, answer = search.step(state, index)
            lines.append(f"{place:4}. {self._line(index)}")
        lines.append("then one of these would have to be next:")
        for index in search.candidates(search.mask(self.order)):
            _, answer = search.step(state, index)
            lines += [f"      {self._line(index)}", f"        by the rule: {answer}"]
        return "\n".join(lines)

    def _line(self, index: int) -> str:
        operation = self.history[index]
        start = min(each.called for each in self.history)
        since, until = ((t - start) / 1e6 for t in (operation.called, operation.returned))
        answer = "unknown" if operation.answer is None else operation.answer
        return (
            f"#{index} client {operation.client} [{since:.2f}, {until:.2f}] ms  {operation.asked}"
            f"  ->  {answer}"
        )


class UndecidedError(Exception):
    """The search was given up: too many requests overlap or have unknown outcomes."""


def linearise(
    history: Sequence[Operation], rule: SequentialRule, max_states: int = 500_000
) -> Linearisation | Counterexample:
    """Search for an order that respects real time and explains every answer.

    Raises `UndecidedError` after looking into ``max_states`` states.
    """
    search = _Search(history, rule)
    seen: set[tuple[int, Any]] = set()
    longest: tuple[int, ...] = ()
    waiting: list[tuple[int, Any, tuple[int, ...]]] = [(0, rule.start(), ())]
    while waiting:
        mask, state, order = waiting.pop()
        if mask & search.answered == search.answered:
            return Linearisation(order)
        if (mask, state) in seen:
            continue
        if len(seen) == max_states:
            raise UndecidedError(f"no verdict after {max_states} states of {len(history)} requests")
        seen.add((mask, state))
        longest = max(longest, order, key=len)
        waiting.extend(
            (mask | 1 << index, after, (*order, index))
            for index, after in search.successors(mask, state)
        )
    return Counterexample(history, rule, longest)


class _Search:
    """What may come next, where a set of requests is a bit mask over the history's indices."""

    def __init__(self, history: Sequence[Operation], rule: SequentialRule) -> None:
        self.history = history
        self.rule = rule
        self.answered = self.mask(n for n, each in enumerate(history) if each.answer is not None)

    def mask(self, indices: Iterator[int] | Sequence[int]) -> int:
        return sum(1 << index for index in indices)

    def step(self, state: Any, index: int) -> tuple[Any, Any]:
        return self.rule.step(state, self.history[index].asked)

    def candidates(self, mask: int) -> list[int]:
        """List the requests that nothing still to be ordered must precede.

        What returned before another was called precedes it; what has no answer precedes nothing.
        """
        pending = [n for n in range(len(self.history)) if not mask >> n & 1]
        horizon = min(
            (self.history[n].returned for n in pending if self.history[n].answer is not None),
            default=0,
        )
        return [
            n
            for n in pending
            if (operation := self.history[n]).called <= horizon
            and (operation.after is None or mask >> operation.after & 1)
        ]

    def successors(self, mask: int, state: Any) -> list[tuple[int, Any]]:
        """List what may be next and the state after it; the last is the one to try first.

        An answered request that fits and changes nothing, now or later, can as well come now, so
        no other choice needs trying; an unanswered one that changes nothing need not come.
        """
        answered: list[tuple[int, Any]] = []
        unanswered: list[tuple[int, Any]] = []
        for index in self.candidates(mask):
            after, answer = self.step(state, index)
            operation = self.history[index]
            if operation.answer is None:
                if after != state:
                    unanswered.append((index, after))
            elif self.rule.fits(answer, operation.answer):
                if after == state and self.rule.is_idle(operation.asked, operation.answer):
                    return [(index, after)]
                answered.append((index, after))
        return unanswered + answered
