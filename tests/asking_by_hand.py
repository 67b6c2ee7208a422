"""What clients ask that decide by hand: all of it is about few identifiers, and what was seen."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from evidence_oracle_answers import Decided, Denied
from history import Mix
from oracle import Node, nodes_of
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
from sequential import Answer, Request
from sequential_by_hand import AnythingAsked, Decide, List, Look, Lookup, Seen
from wire_by_hand import FAR


@dataclass
class Known:
    """What all clients of a history know together, to ask mostly for what there is."""

    contacts: set[int] = field(default_factory=set)
    """Those that requests made, which never retire."""

    people: deque[Answer] = field(default_factory=lambda: deque(maxlen=3))
    """Whom requests were answered with just now."""

    kept_apart: list[tuple[Node, Node]] = field(default_factory=list)
    blocked: list[Identifier] = field(default_factory=list)
    keyed: list[Decide] = field(default_factory=list)
    contact_id: int = 0
    position: int = 0
    held_id: int = 0
    """The highest that any answer had."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, asked: AnythingAsked) -> None:
        """Remember what is blocked, and what is asked under a key."""
        with self.lock:
            if isinstance(asked, Decide) and asked.key is not None:
                self.keyed.append(asked)
            if isinstance(asked, Decide) and isinstance(asked.asked, Block):
                self.blocked.append(asked.asked.identifier)

    def learn(self, answer: Seen | None) -> None:
        """Take from an answer what can be asked for from now on."""
        with self.lock:
            match answer:
                case Answer(outcome, primary, _, _, secondaries):
                    newest = max(primary, *secondaries, 0)
                    self.contact_id = max(self.contact_id, newest)
                    self.people.append(answer)
                    if outcome in ("created", "extended"):
                        self.contacts.add(newest)
                case Decided(position, _, constraints):
                    self.position = max(self.position, position or 0)
                    self.kept_apart += [(one.a, one.b) for one in constraints]
                case Denied("constraint" | "limit", (int(held_id), *_)):
                    self.held_id = max(self.held_id, held_id)


class Choosing:
    """Chooses what one client asks: all of it is about the few identifiers of a mix.

    ``blocks`` says whether identifiers are blocked. Only where none is, positions are unlinked:
    whom that concerns is not told by evidence where something is blocked.
    """

    def __init__(self, mix: Mix, known: Known, rng: random.Random, *, blocks: bool) -> None:
        self._mix = mix
        self._known = known
        self._rng = rng
        self._nodes = [
            Identifier(*node) for request in mix.each_alone() for node in nodes_of(*request)
        ]
        self._operations = [
            *[self._unlink_pair] * 3,
            *[self._unlink_identifier, self._merge, self._undo] * 2,
            *[self._constrain, self._constrain, self._unconstrain],
            *([self._block, self._unblock] * 2 if blocks else [self._unlink_position] * 2),
        ]

    def request(self) -> Request:
        """Something to be identified."""
        return self._mix.request(self._rng)

    def anything(self, key: str) -> AnythingAsked:
        """Anything that can be asked alone; an operation may come under the key."""
        chance = self._rng.random()
        if chance < 0.35:
            return self.request()
        if chance < 0.6:
            return self.look()
        if chance < 0.75:
            return Decide(self.operation())
        again = self.again() if chance < 0.9 else None
        return again or Decide(self.operation(), key)

    def look(self) -> AnythingAsked:
        """Something to be looked at."""
        kind = self._rng.choice(["who", "who", "whose", "list"])
        if kind == "whose":
            return Look(self._rng.randint(1, self._known.contact_id + 2))
        if kind == "who":
            return Lookup(self.request())
        return List(self._rng.choice(["constraints", "blocks", "held"]))

    def operation(self) -> Asked:
        """Something to be decided."""
        on_held = [*[self._allow] * 3, self._dismiss, self._dismiss] if self._known.held_id else []
        choose: Callable[[], Asked] = self._rng.choice(self._operations + on_held)
        return choose()

    def again(self) -> Decide | None:
        """What was asked under a key just now; sometimes its key comes with another operation."""
        if not self._known.keyed:
            return None
        before = self._rng.choice(self._known.keyed[-2:])
        return before if self._rng.random() < 0.8 else Decide(self.operation(), before.key)

    def _is_random(self) -> bool:
        """Whether something is to be asked for that need not be there."""
        return self._rng.random() < 0.2

    def _contact(self) -> int:
        there = sorted(self._known.contacts)
        return FAR if not there or self._rng.random() < 0.05 else self._rng.choice(there)

    def _position(self) -> int:
        return self._rng.randint(1, self._known.position + 1)

    def _held(self) -> int:
        return self._rng.randint(1, self._known.held_id + self._is_random() or 1)

    def _two(self) -> tuple[Identifier, Identifier]:
        a, b = self._rng.sample(self._nodes, 2)
        return a, b

    def _somebody(self) -> tuple[int, list[Identifier]]:
        """A contact, and identifiers that it has."""
        if self._is_random() or not self._known.people:
            return self._contact(), [*self._two()]
        person = self._rng.choice(self._known.people)
        ids = self._known.contacts.intersection((person.primary, *person.secondaries))
        nodes = [Identifier("email", email) for email in person.emails]
        nodes += [Identifier("phone", phone.removeprefix("+")) for phone in person.phones]
        return min(ids, default=FAR), nodes

    def _unlink_pair(self) -> Asked:
        contact_id, nodes = self._somebody()
        emails = [node for node in nodes if node.type == "email"]
        phones = [node for node in nodes if node.type == "phone"]
        pair = self._two()
        if emails and phones:
            pair = self._rng.choice(emails), self._rng.choice(phones)
        constrain, force = self._rng.random() < 0.5, self._rng.random() < 0.3
        return Unlink(contact_id, pair, None, None, constrain, force)

    def _unlink_identifier(self) -> Asked:
        contact_id, nodes = self._somebody()
        constrain = self._rng.random() < 0.5
        return Unlink(contact_id, identifier=self._rng.choice(nodes), constrain=constrain)

    def _unlink_position(self) -> Asked:
        return Unlink(self._contact(), position=self._position())

    def _merge(self) -> Asked:
        return Merge(self._contact(), self._contact())

    def _undo(self) -> Asked:
        return Undo(self._position())

    def _constrain(self) -> Asked:
        return Constrain(*self._two())

    def _unconstrain(self) -> Asked:
        if self._is_random() or not self._known.kept_apart:
            return Unconstrain(*self._two())
        b, a = self._rng.choice(self._known.kept_apart)
        return Unconstrain(Identifier(*a), Identifier(*b))

    def _block(self) -> Asked:
        return Block(self._rng.choice(self._nodes))

    def _unblock(self) -> Asked:
        return Unblock(self._rng.choice(self._known.blocked or self._nodes))

    def _allow(self) -> Asked:
        return Allow(self._held())

    def _dismiss(self) -> Asked:
        return Dismiss(self._held())
