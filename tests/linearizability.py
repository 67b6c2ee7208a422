"""Is there an order of these requests, one at a time, that explains every answer?

The search is Wing and Gong's with Lowe's memory: a set of requests already ordered, together with
the state they lead to, is looked into once (J. M. Wing, C. Gong, "Testing and verifying concurrent
objects", 1993; G. Lowe, "Testing for linearizability", 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sequential import (
    Answer,
    Blocked,
    KeptApart,
    Node,
    Refusal,
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
    "Rule",
    "Seen",
    "State",
    "UndecidedError",
    "linearise",
]


@dataclass(frozen=True)
class Operation:
    """One request as its client saw it; times are of one monotonic clock, in nanoseconds.

    ``answer`` is None where the outcome is unknown: it took effect at any time after ``called``,
    or never. ``after`` is the index, in the history, of an operation known to come before (the one
    in front of it in an array); it must have an answer.
    """

    client: int
    called: int
    returned: int
    email: str | None
    phone: str | None
    answer: Seen | None
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
    rule: Rule
    order: tuple[int, ...]

    def __str__(self) -> str:
        search = _Search(self.history, self.rule)
        state = State()
        lines = ["no order explains the answers; the longest that explains its own:"]
        for place, index in enumerate(self.order, start=1):
            state, answer = search.step(state, index)
            lines.append(f"{place:4}. {self._line(index)}")
        lines.append("then one of these would have to be next:")
        for index in search.candidates(search.mask(self.order)):
            _, answer = search.step(state, index)
            lines += [f"      {self._line(index)}", f"        by the rule: {_shown(answer)}"]
        return "\n".join(lines)

    def _line(self, index: int) -> str:
        operation = self.history[index]
        start = min(each.called for each in self.history)
        since, until = ((t - start) / 1e6 for t in (operation.called, operation.returned))
        presented = f"{operation.email or '-'} {operation.phone or '-'}"
        return (
            f"#{index} client {operation.client} [{since:.2f}, {until:.2f}] ms  {presented}"
            f"  ->  {_shown(operation.answer)}"
        )


def _fits(answer: Seen, seen: Seen) -> bool:
    if isinstance(answer, Answer) and isinstance(seen, Answer) and seen.outcome is None:
        return answer[1:] == seen[1:]
    return type(answer) is type(seen) and answer == seen


def _shown(answer: Seen | None) -> str:
    if answer is None:
        return "unknown"
    if not isinstance(answer, Answer):
        return f"refused {answer}"
    return (
        f"{answer.outcome or ''} {answer.primary} {list(answer.emails)} {list(answer.phones)}"
        f" {list(answer.secondaries)}"
    )


class UndecidedError(Exception):
    """The search was given up: too many requests overlap or have unknown outcomes."""


def linearise(
    history: Sequence[Operation], rule: Rule, max_states: int = 500_000
) -> Linearisation | Counterexample:
    """Search for an order that respects real time and explains every answer.

    Raises `UndecidedError` after looking into ``max_states`` states.
    """
    search = _Search(history, rule)
    seen: set[tuple[int, State]] = set()
    longest: tuple[int, ...] = ()
    waiting: list[tuple[int, State, tuple[int, ...]]] = [(0, State(), ())]
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

    def __init__(self, history: Sequence[Operation], rule: Rule) -> None:
        self.history = history
        self.rule = rule
        self.answered = self.mask(n for n, each in enumerate(history) if each.answer is not None)

    def mask(self, indices: Iterator[int] | Sequence[int]) -> int:
        return sum(1 << index for index in indices)

    def step(self, state: State, index: int) -> tuple[State, Seen]:
        operation = self.history[index]
        return self.rule.step(state, operation.email, operation.phone)

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

    def successors(self, mask: int, state: State) -> list[tuple[int, State]]:
        """List what may be next and the state after it; the last is the one to try first.

        An answered request that fits and changes nothing can as well come now as later, so no
        other choice needs trying; an unanswered one that changes nothing need not come at all.
        """
        answered: list[tuple[int, State]] = []
        unanswered: list[tuple[int, State]] = []
        for index in self.candidates(mask):
            after, answer = self.step(state, index)
            operation = self.history[index]
            if operation.answer is None:
                if after != state:
                    unanswered.append((index, after))
            elif _fits(answer, operation.answer):
                if after == state:
                    return [(index, after)]
                answered.append((index, after))
        return unanswered + answered
