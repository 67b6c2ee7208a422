"""The sequential rule, written a third time, on a state that is small and immutable.

Two states are equal exactly when the future is; so a search over orders can remember them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Node: TypeAlias = tuple[str, str]
"""An identifier: ``("email", key)`` or ``("phone", key)``."""


class Request(NamedTuple):
    """What is presented to be identified."""

    email: str | None
    phone: str | None

    def __str__(self) -> str:
        return f"{self.email or '-'} {self.phone or '-'}"


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

    def __str__(self) -> str:
        return (
            f"{self.outcome or ''} {self.primary} {list(self.emails)} {list(self.phones)}"
            f" {list(self.secondaries)}"
        )


class Refusal(NamedTuple):
    """A request that would have brought an identity past the limit."""

    primary: int
    size: int
    would_be: int
    limit: int


class KeptApart(NamedTuple):
    """A request that would have joined the two ends of a constraint."""

    a: Node
    b: Node


class Blocked(NamedTuple):
    """A request that presented nothing but what is blocked."""


Seen: TypeAlias = Answer | Refusal | KeptApart | Blocked


class Stored(NamedTuple):
    """A contact of the sequential state; the first has number 0, ``primary`` is a number."""

    email: str | None
    phone: str | None
    primary: int


class State(NamedTuple):
    """What a store knows; ``attached`` are pairs, of which one is blocked, that links hold."""

    contacts: tuple[Stored, ...] = ()
    attached: tuple[tuple[Node, ...], ...] = ()


@dataclass(frozen=True)
class Rule:
    """The sequential rule on a store that knows none of the history's identifiers yet.

    Attributes:
        first_id: the id that the next contact gets.
        limit: the number of distinct identifiers an identity may have.
        constraints: pairs that are never one person, the earliest first.
        blocked: identifiers that link no one.
    """

    first_id: int = 1
    limit: int = 10_000
    constraints: tuple[tuple[Node, Node], ...] = ()
    blocked: frozenset[Node] = frozenset()

    def start(self) -> State:
        """The state before anything was asked."""
        return State()

    def fits(self, answer: Seen, seen: Seen) -> bool:
        """Whether an answer is the rule's, as far as its caller was told."""
        if isinstance(answer, Answer) and isinstance(seen, Answer) and seen.outcome is None:
            return answer[1:] == seen[1:]
        return type(answer) is type(seen) and answer == seen

    def is_idle(self, *_: object) -> bool:
        """Whether what changes nothing never will: nothing that is known is ever forgotten."""
        return True

    def step(self, state: State, asked: tuple[str | None, str | None]) -> tuple[State, Seen]:
        """Return the state after a request, and its answer."""
        email, phone = asked
        contacts, presented = state.contacts, _nodes(email, phone)
        free = [node for node in presented if node not in self.blocked]
        if not free:
            return state, Blocked()
        holders = [_primary_where(contacts, node) for node in free]
        homes = sorted({primary for primary in holders if primary is not None})
        if not homes:
            new = (*contacts, Stored(email, phone, len(contacts)))
            return self._joined("created", state, new, len(contacts))
        if None in holders:
            new = (*contacts, Stored(email, phone, homes[0]))
            return self._joined("extended", state, new, homes[0])
        if len(homes) > 1:
            new = tuple(_moved(each, homes[1], homes[0]) for each in contacts)
            return self._joined("merged", state, new, homes[0])
        if len(free) < len(presented):
            state = _attached(state, presented)
        return state, self._answer("known", state, homes[0])

    def _joined(
        self, outcome: str, state: State, contacts: tuple[Stored, ...], primary: int
    ) -> tuple[State, Seen]:
        """The state with these contacts, unless a constraint or the limit forbids it."""
        joined = self._free(contacts, primary)
        for a, b in self.constraints:
            if a in joined and b in joined:
                return state, KeptApart(a, b)
        if len(joined) > self.limit:
            size = len(self._free(state.contacts, primary))
            return state, Refusal(self.first_id + primary, size, len(joined), self.limit)
        after = state._replace(contacts=contacts)
        return after, self._answer(outcome, after, primary)

    def _free(self, contacts: tuple[Stored, ...], primary: int) -> set[Node]:
        """The identifiers of an identity that are not blocked."""
        members = [_nodes(*each[:2]) for each in contacts if each.primary == primary]
        return {node for nodes in members for node in nodes} - self.blocked

    def _answer(self, outcome: str, state: State, primary: int) -> Answer:
        contacts = state.contacts
        members = [n for n, stored in enumerate(contacts) if stored.primary == primary]
        emails = {e: e for n in members if (e := contacts[n].email) is not None}
        phones: dict[str, str] = {}
        for number in members:
            if (phone := contacts[number].phone) is not None:
                phones.setdefault(_key(phone), phone)
        its = self._free(contacts, primary)
        for pair in state.attached:
            if not its.isdisjoint(pair):
                for type_, key in self.blocked.intersection(pair):
                    (emails if type_ == "email" else phones).setdefault(key, key)
        ids = tuple(self.first_id + number for number in members)
        return Answer(outcome, ids[0], tuple(emails), tuple(phones.values()), ids[1:])


def _key(phone: str) -> str:
    return phone.lstrip("+")


def _nodes(email: str | None, phone: str | None) -> tuple[Node, ...]:
    emails = () if email is None else (("email", email),)
    return emails if phone is None else (*emails, ("phone", _key(phone)))


def _primary_where(contacts: tuple[Stored, ...], node: Node) -> int | None:
    for stored in contacts:
        if node in _nodes(stored.email, stored.phone):
            return stored.primary
    return None


def _moved(stored: Stored, loser: int, winner: int) -> Stored:
    return stored._replace(primary=winner) if stored.primary == loser else stored


def _attached(state: State, pair: tuple[Node, ...]) -> State:
    """The state with a link that holds the pair, unless something holds it already."""
    if pair in state.attached or any(_nodes(*each[:2]) == pair for each in state.contacts):
        return state
    return state._replace(attached=(*state.attached, pair))
