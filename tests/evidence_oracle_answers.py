"""What the oracle of evidence answers to requests, reads and operations, as callers are told it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from evidence_oracle import Constraint, Contact, Evidence, Link, Person
from evidence_oracle_operations import Oracle, Refused
from oracle import Node, nodes_of
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

Pair: TypeAlias = tuple[Node, Node]
Kind: TypeAlias = Literal["constraints", "blocks", "held", "journal"]
"""What can be listed; of the journal, what each row is called."""


class Denied(NamedTuple):
    """A refusal, as the oracle calls it; ``reused`` is that of a key."""

    kind: str
    names: Any = None


class Decided(NamedTuple):
    """What an operation answered; pairs are in order."""

    position: int | None
    identities: tuple[Person, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    lifted: tuple[Constraint, ...] = ()
    still_joined: tuple[Pair, ...] = ()
    unrecorded: tuple[Pair, ...] = ()


class Found(NamedTuple):
    """Identities, by age."""

    people: tuple[Person, ...]


class Listed(NamedTuple):
    """The rows of a list."""

    rows: tuple[Any, ...]


class Outcome(NamedTuple):
    """What is right to answer to an operation.

    The identities are some of the ``people`` that there are then, by age: all that it ``changed``,
    and perhaps others that it only touched.
    """

    decided: Decided
    people: tuple[Person, ...]
    changed: frozenset[Person]

    def fits(self, seen: Decided) -> bool:
        """Whether an answer is so."""
        people = iter(self.people)
        return (
            seen._replace(identities=()) == self.decided
            and self.changed <= {*seen.identities}
            and all(person in people for person in seen.identities)
        )


class Homes(NamedTuple):
    """Where a contact may be: in several only if it is retired and what it hung on is blocked."""

    people: frozenset[Person]

    def fits(self, seen: Found) -> bool:
        """Whether an answer is one of these."""
        return len(seen.people) == 1 and self.people.issuperset(seen.people)


# ── requests and reads ───────────────────────────────────────────────────────────────────────────


def identify(oracle: Oracle, request: Request) -> Answer | Denied:
    """Identify, in the oracle."""
    try:
        outcome, person = oracle.identify(*request)
    except Refused as refused:
        if refused.kind != "limit":
            return Denied(refused.kind, refused.names)
        nodes = [node for node in nodes_of(*request) if oracle.now.holders(node)]
        held_id, would_be = refused.names
        return Denied("limit", (held_id, *_too_large(oracle.now, nodes, would_be)))
    return Answer(outcome, person.ids[0], person.emails, person.phones, person.ids[1:])


def _too_large(now: Evidence, nodes: list[Node], would_be: Any) -> tuple[int, int, Any, int]:
    """How the limit is told: the oldest identity of some identifiers, and how large it is."""
    together = now.components()
    sides = {
        now.contact(now.person_of(node).ids[0]).age: len(together[node])
        for node in nodes
        if node not in now.blocked
    }
    (_, primary), size = min(sides.items())
    return primary, size, would_be, now.limit


def look_up(now: Evidence, request: Request) -> Found | Denied:
    """Whose the identifiers are that are not blocked."""
    free = [node for node in nodes_of(*request) if node not in now.blocked]
    if not free:
        return Denied("blocked")
    people = {now.person_of(node) for node in free if now.holders(node)}
    return Found(_by_age(now, people)) if people else Denied("unknown")


def look(now: Evidence, id_: int) -> Homes | Denied:
    """Who a contact is."""
    for contact in now.contacts:
        if contact.id == id_:
            return Homes(frozenset(now.homes(contact)))
    return Denied("unknown")


def listed(now: Evidence, kind: Kind) -> Listed:
    """What stands, in order."""
    match kind:
        case "constraints":
            return Listed(tuple(sorted(one for one in now.constraints if now.stands(one))))
        case "blocks":
            latest = {one.node: one for one in sorted(now.blocks) if now.stands(one)}
            return Listed(tuple(latest[node] for node in sorted(latest)))
        case "held":
            return Listed(tuple((*held, now.requests[held.id]) for held in now.waiting))
        case "journal":
            return Listed(tuple(now.journal))


def _by_age(now: Evidence, people: set[Person]) -> tuple[Person, ...]:
    return tuple(sorted(people, key=lambda person: now.contact(person.ids[0]).age))


# ── operations ───────────────────────────────────────────────────────────────────────────────────


def decide(oracle: Oracle, asked: Asked) -> Outcome | Denied:
    """Do an operation, in the oracle."""
    before = oracle.now
    try:
        position = _DO[type(asked)](oracle, asked)
    except Refused as refused:
        return Denied(refused.kind, _named_by(refused, asked, before))
    now = oracle.now
    added = _added(now, asked, position)
    decided = Decided(position, (), added, _lifted(now, position), *_voided_pairs(before, now))
    people = now.people()
    return Outcome(decided, _by_age(now, people), frozenset(people - before.people()))


def _unlink(oracle: Oracle, asked: Unlink) -> int:
    if asked.pair is not None:
        return oracle.unlink_pair(asked.contact_id, *asked.pair, asked.constrain, asked.force)
    if asked.identifier is not None:
        return oracle.unlink_identifier(asked.contact_id, asked.identifier, asked.constrain)
    assert asked.position is not None
    return _unlink_position(oracle, asked.contact_id, asked.position)


def _unlink_position(oracle: Oracle, id_: int, position: int) -> int:
    """Undo a position that concerns the identity of a contact."""
    before = oracle.now
    if all(contact.id != id_ for contact in before.contacts):
        raise Refused("unknown")
    done = oracle.undo(position)
    if id_ not in _concerned(before, position):
        oracle.now = before
        raise Refused("unknown")
    return done


def _concerned(now: Evidence, position: int) -> set[int]:
    """The contacts of all identities that what a position brought and ended is about.

    It holds where nothing is blocked: who else has what is blocked is not told by evidence.
    """
    chain = [position]
    while now.journal[chain[-1] - 1] == "undone":
        targets = [void.target for void in now.voids if void.position == chain[-1]]
        chain += [target for target in targets if isinstance(target, int)]
    ended = [void.target for void in now.voids if void.position == chain[-1]]
    pieces: list[Contact | Link | Constraint] = [*now.contacts, *now.links, *now.constraints]
    named = [_of(now, one) for one in pieces if one.position in chain or one in ended]
    answering = [one for one in set[Contact]().union(*named) if one.id not in now.retired]
    return {fellow.id for contact in answering for fellow in now.fellows(contact)}


def _of(now: Evidence, piece: Contact | Link | Constraint) -> set[Contact]:
    """The contacts of a piece, and those that answer for an identifier of it."""
    if isinstance(piece, Contact):
        return {piece}.union(*map(now.holders, piece.nodes))
    contacts = {now.contact(end) for end in (piece.a, piece.b) if isinstance(end, int)}
    nodes = {end for end in (piece.a, piece.b) if not isinstance(end, int)}
    nodes |= {contact.anchor for contact in contacts}
    return contacts.union(*map(now.holders, nodes))


def _named_by(refused: Refused, asked: Asked, before: Evidence) -> Any:
    """What a refusal says; what was held, which is nothing here, and then what is in the way."""
    match refused.kind, asked:
        case "limit", Merge(one, other):
            ends = [before.hangs_on(before.contact(id_)) for id_ in (one, other)]
            return (None, *_too_large(before, ends, refused.names))
        case "constraint", _:
            return None, refused.names
    return None


def _added(now: Evidence, asked: Asked, position: int | None) -> tuple[Constraint, ...]:
    """The constraints that an operation brought, or that it found."""
    if position is None and isinstance(asked, Constrain):
        found = [one for one in now.constraints if {one.a, one.b} == {asked.a, asked.b}]
        return tuple(sorted(one for one in found if now.stands(one)))
    return tuple(sorted(one for one in now.constraints if one.position == position))


def _lifted(now: Evidence, position: int | None) -> tuple[Constraint, ...]:
    """The constraints that an operation names by voids."""
    targets = [void.target for void in now.voids if void.position == position]
    return tuple(sorted(target for target in targets if isinstance(target, Constraint)))


def _voided_pairs(before: Evidence, now: Evidence) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Of what stood and does not the pairs still joined, and those that requests presented."""
    together = now.components()
    still_joined, unrecorded = set[Pair](), set[Pair]()
    pieces: list[Contact | Link] = [*before.contacts, *before.links]
    for piece in pieces:
        ends = piece.nodes if isinstance(piece, Contact) else [*map(now.end, (piece.a, piece.b))]
        if len({*ends}) == 2 and before.stands(piece) and not now.stands(piece):
            a, b = sorted(ends)
            still_joined |= {(a, b)} if b in together.get(a, ()) else set()
            unrecorded |= {(a, b)} if piece.is_live else set()
    return tuple(sorted(still_joined)), tuple(sorted(unrecorded))


_DO: dict[type[Asked], Callable[[Oracle, Any], int | None]] = {
    Unlink: _unlink,
    Merge: lambda oracle, asked: oracle.merge(asked.contact_id, asked.with_contact_id),
    Undo: lambda oracle, asked: oracle.undo(asked.position),
    Constrain: lambda oracle, asked: oracle.constrain(asked.a, asked.b),
    Unconstrain: lambda oracle, asked: oracle.unconstrain(asked.a, asked.b),
    Block: lambda oracle, asked: oracle.block(asked.identifier),
    Unblock: lambda oracle, asked: oracle.unblock(asked.identifier),
    Allow: lambda oracle, asked: oracle.allow(asked.held_id),
    Dismiss: lambda oracle, asked: oracle.dismiss(asked.held_id),
}
