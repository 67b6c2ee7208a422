"""Is there an order of these requests, one at a time, that explains every answer?

The search is Wing and Gong's with Lowe's memory: a set of requests already ordered, together with
the state they lead to, is looked into once (J. M. Wing, C. Gong, "Testing and verifying concurrent
objects", 1993; G. Lowe, "Testing for linearizability", 2017). The sequential rule is written here a
third time, on a state that is small, immutable and equal exactly when the future is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What a request was answered with, as the caller saw it.

    ``outcome`` is None where the caller was not told (the items of an array are not).
    """

    outcome: str | None
    primary: int
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    secondaries: tuple[int, ...]

    @classmethod
    def read(cls, outcome: str | None, contact: Mapping[str, Any]) -> Answer:
        """Read the contract's ``contact`` object."""
        return cls(
            outcome,
            contact["primaryContactId"],
            tuple(contact["emails"]),
            tuple(contact["phoneNumbers"]),
            tuple(contact["secondaryContactIds"]),
        )


class Refusal(NamedTuple):
    """A request that would have brought an identity past the limit."""

    primary: int
    size: int
    would_be: int
    limit: int


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
    answer: Answer | Refusal | None
    after: int | None = None


class Stored(NamedTuple):
    """A contact of the sequential state; the first has number 0, ``primary`` is a number."""

    email: str | None
    phone: str | None
    primary: int


State = tuple[Stored, ...]


@dataclass(frozen=True)
class Rule:
    """The sequential rule on a store that knows none of the history's identifiers yet.

    ``first_id`` is the id that the next contact gets, ``limit`` the number of distinct identifiers
    an identity may have.
    """

    first_id: int = 1
    limit: int = 10_000

    def step(
        self, state: State, email: str | None, phone: str | None
    ) -> tuple[State, Answer | Refusal]:
        """Return the state after a request, and its answer."""
        holders = {
            "email": _primary_where(state, email=email),
            "phone": _primary_where(state, phone=phone),
        }
        homes = sorted({primary for primary in holders.values() if primary is not None})
        is_new = (email is not None and holders["email"] is None) or (
            phone is not None and holders["phone"] is None
        )
        if not homes:
            outcome, after = "created", (*state, Stored(email, phone, len(state)))
        elif is_new:
            outcome, after = "extended", (*state, Stored(email, phone, homes[0]))
        elif len(homes) > 1:
            outcome, after = "merged", tuple(_moved(each, homes[1], homes[0]) for each in state)
        else:
            return state, self._answer("known", state, homes[0])
        primary = homes[0] if homes else len(state)
        would_be = _size(after, primary)
        if would_be > self.limit:
            size = _size(state, primary)
            return state, Refusal(self.first_id + primary, size, would_be, self.limit)
        return after, self._answer(outcome, after, primary)

    def _answer(self, outcome: str, state: State, primary: int) -> Answer:
        members = [n for n, stored in enumerate(state) if stored.primary == primary]
        emails = dict.fromkeys(e for n in members if (e := state[n].email) is not None)
        phones: dict[str, str] = {}
        for number in members:
            if (phone := state[number].phone) is not None:
                phones.setdefault(_key(phone), phone)
        ids = tuple(self.first_id + number for number in members)
        return Answer(outcome, ids[0], tuple(emails), tuple(phones.values()), ids[1:])


def _key(phone: str) -> str:
    return phone.lstrip("+")


def _primary_where(state: State, email: str | None = None, phone: str | None = None) -> int | None:
    for stored in state:
        if email is not None and stored.email == email:
            return stored.primary
        if phone is not None and stored.phone is not None and _key(stored.phone) == _key(phone):
            return stored.primary
    return None


def _moved(stored: Stored, loser: int, winner: int) -> Stored:
    return stored._replace(primary=winner) if stored.primary == loser else stored


def _size(state: State, primary: int) -> int:
    members = [stored for stored in state if stored.primary == primary]
    emails = {stored.email for stored in members if stored.email is not None}
    return len(emails) + len({_key(stored.phone) for stored in members if stored.phone is not None})


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
        state: State = ()
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


def _fits(answer: Answer | Refusal, seen: Answer | Refusal) -> bool:
    if isinstance(answer, Answer) and isinstance(seen, Answer) and seen.outcome is None:
        return answer[1:] == seen[1:]
    return answer == seen


def _shown(answer: Answer | Refusal | None) -> str:
    if answer is None:
        return "unknown"
    if isinstance(answer, Refusal):
        return f"refused {tuple(answer)}"
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
    waiting: list[tuple[int, State, tuple[int, ...]]] = [(0, (), ())]
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

    def step(self, state: State, index: int) -> tuple[State, Answer | Refusal]:
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
