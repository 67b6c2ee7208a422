"""What evidence means once it can be taken back: the reference for all that is decided by hand.

It knows nothing but pieces of evidence and voids that name them, and works out everything else
anew for every question, by definition: what stands, what hangs where, who is one. It shares no
code with the package and is slow on purpose. What is done is in `evidence_oracle_operations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from oracle import Node, nodes_of

Age = tuple[float, int]


class Contact(NamedTuple):
    """A numbered row. ``is_new``: its operation brought the anchor; ``is_live``: a request did."""

    position: int
    id: int
    created: float
    email: str | None
    phone: str | None
    anchor: Node
    is_new: bool
    is_live: bool

    @property
    def age(self) -> Age:
        return self.created, self.id

    @property
    def nodes(self) -> list[Node]:
        return nodes_of(self.email, self.phone)


class Link(NamedTuple):
    """Evidence beyond contacts: between identifiers, silent rows, or contacts by their ids."""

    position: int
    a: Node | int
    b: Node | int
    is_live: bool


class Block(NamedTuple):
    position: int
    node: Node


class Constraint(NamedTuple):
    position: int
    a: Node
    b: Node


class Held(NamedTuple):
    """A request that waits; no operation brought it."""

    id: int
    email: str
    phone: str

    @property
    def position(self) -> int:
        return 0


Piece = Contact | Link | Block | Constraint | Held


class Void(NamedTuple):
    """That an operation ended a piece, or by its position all that another did."""

    position: int
    target: Piece | int


class Person(NamedTuple):
    """An identity as it is answered: contacts by age, the primary first."""

    ids: tuple[int, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]


@dataclass
class Evidence:
    """All that was ever said in one workspace, and what follows from it now."""

    limit: int = 10_000
    contacts: list[Contact] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    requests: dict[int, int] = field(default_factory=dict)
    voids: list[Void] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    retired: set[int] = field(default_factory=set)
    were_held: set[Node] = field(default_factory=set)
    last_id: int = 0
    time: float = 1000.0

    def copy(self) -> Evidence:
        """The same, to try something on."""
        own = {name: copy(value) for name, value in vars(self).items()}
        return replace(self, **own)

    # ── what stands ──────────────────────────────────────────────────────────────────────────────

    def is_undone(self, position: int) -> bool:
        """Whether a void that stands names all that an operation did."""
        return any(void.target == position and self._void_stands(void) for void in self.voids)

    def stands(self, piece: Piece) -> bool:
        """Whether no void that stands names a piece, or the operation that brought it."""
        if piece.position and self.is_undone(piece.position):
            return False
        return not any(void.target == piece and self._void_stands(void) for void in self.voids)

    def _void_stands(self, void: Void) -> bool:
        return not self.is_undone(void.position)

    @property
    def blocked(self) -> set[Node]:
        return {block.node for block in self.blocks if self.stands(block)}

    @property
    def waiting(self) -> list[Held]:
        return [held for held in self.held if self.stands(held)]

    # ── what a contact says ──────────────────────────────────────────────────────────────────────

    @property
    def answering(self) -> list[Contact]:
        """The contacts that answers have, the oldest first."""
        return sorted(
            (contact for contact in self.contacts if contact.id not in self.retired),
            key=lambda contact: contact.age,
        )

    def shown(self, contact: Contact) -> list[Node]:
        """What it answers for: all that it presented while its pair stands, else its anchor."""
        return contact.nodes if self.stands(contact) else [contact.anchor]

    def hangs_on(self, contact: Contact) -> Node:
        """Its anchor; while that is blocked and the pair stands, its other value."""
        blocked = self.blocked
        if contact.anchor in blocked and self.stands(contact):
            return next((node for node in contact.nodes if node not in blocked), contact.anchor)
        return contact.anchor

    def holders(self, node: Node) -> list[Contact]:
        """The contacts that answer for an identifier."""
        return [contact for contact in self.answering if node in self.shown(contact)]

    def presenting(self, node: Node) -> list[Contact]:
        """All contacts that ever presented an identifier, the oldest first."""
        return sorted(
            (contact for contact in self.contacts if node in contact.nodes),
            key=lambda contact: contact.age,
        )

    def contact(self, id_: int) -> Contact:
        return next(contact for contact in self.contacts if contact.id == id_)

    # ── who is one ───────────────────────────────────────────────────────────────────────────────

    def end(self, end: Node | int) -> Node:
        """What a link is tied to now."""
        return self.hangs_on(self.contact(end)) if isinstance(end, int) else end

    def edges(self) -> Iterator[tuple[Node, Node]]:
        """What connects: evidence that stands, between identifiers that are not blocked."""
        blocked = self.blocked
        pairs = [(*contact.nodes,) for contact in self.contacts if self.stands(contact)]
        pairs += [(self.end(link.a), self.end(link.b)) for link in self.links if self.stands(link)]
        for pair in pairs:
            if len(pair) == 2 and blocked.isdisjoint(pair):
                yield pair

    def components(self) -> dict[Node, frozenset[Node]]:
        """Map each identifier to all that is connected with it, swept until nothing changes."""
        edges = list(self.edges())
        nodes = {self.hangs_on(contact) for contact in self.answering}
        nodes |= {node for edge in edges for node in edge}
        label = {node: node for node in nodes}
        moved = True
        while moved:
            moved = False
            for a, b in edges:
                low = min(label[a], label[b])
                if (label[a], label[b]) != (low, low):
                    label[a] = label[b] = low
                    moved = True
        return {
            node: frozenset(other for other in nodes if label[other] == label[node])
            for node in nodes
        }

    def partition(self) -> frozenset[frozenset[Node]]:
        """The identities as sets of identifiers, whatever connects them left out."""
        there = {self.hangs_on(contact) for contact in self.answering} - self.blocked
        return frozenset(
            frozenset(node for node in component if node[0] != "row")
            for component in self.components().values()
            if not component.isdisjoint(there)
        )

    def fellows(self, contact: Contact) -> list[Contact]:
        """All contacts of its identity; what hangs on a blocked identifier is alone."""
        own = self.hangs_on(contact)
        if own in self.blocked:
            return [contact]
        together = self.components()[own]
        return [each for each in self.answering if self.hangs_on(each) in together]

    def person(self, contact: Contact) -> Person:
        """The identity of a contact as it is answered."""
        fellows = self.fellows(contact)
        spelt: dict[Node, str] = {}
        for each in fellows:
            for node in self.shown(each):
                spelt.setdefault(node, (each.email if node[0] == "email" else each.phone) or "")
        for node in self._attributes({node for each in fellows for node in self.shown(each)}):
            spelt.setdefault(node, node[1])
        emails = tuple(value for (type_, _), value in spelt.items() if type_ == "email")
        phones = tuple(value for (type_, _), value in spelt.items() if type_ == "phone")
        return Person(tuple(each.id for each in fellows), emails, phones)

    def _attributes(self, nodes: set[Node]) -> Iterator[Node]:
        """What is blocked and came by links with something of an identity, by position."""
        blocked = self.blocked
        for link in sorted(self.links, key=lambda link: link.position):
            if not isinstance(link.a, int) and not isinstance(link.b, int) and self.stands(link):
                for node, free in ((link.a, link.b), (link.b, link.a)):
                    if node in blocked and free in nodes and free not in blocked:
                        yield node

    def people(self) -> set[Person]:
        """All identities."""
        return {self.person(contact) for contact in self.answering}

    def person_of(self, node: Node) -> Person:
        """Whose an identifier is that is not blocked."""
        return self.person(self.holders(node)[0])

    def homes(self, contact: Contact) -> set[Person]:
        """The identities that a contact's id may mean; several only where its anchor is blocked."""
        if contact.id not in self.retired:
            return {self.person(contact)}
        return {self.person(each) for each in self.holders(contact.anchor)}

    def broken(self) -> list[Constraint]:
        """The constraints that stand between two that are one, the earliest first."""
        together = self.components()
        return sorted(
            constraint
            for constraint in self.constraints
            if self.stands(constraint) and constraint.b in together.get(constraint.a, ())
        )

    def is_seen(self, pair: Iterable[Node]) -> bool:
        """Whether something that a live request brought and that stands holds the pair."""
        wanted = set(pair)
        live = [contact for contact in self.contacts if contact.is_live and self.stands(contact)]
        links = [link for link in self.links if link.is_live and self.stands(link)]
        return any(set(contact.nodes) == wanted for contact in live) or any(
            {link.a, link.b} == wanted for link in links
        )
