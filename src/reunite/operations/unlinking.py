"""Unlink: evidence of a pair, of an identifier or of a position is voided."""

from __future__ import annotations

from collections.abc import Iterable

from reunite.errors import OperationRefused, StillJoined, Unknown
from reunite.evidence import Contact, Edge, Identifier, Link, Region
from reunite.inquiry.region import attributes_of, blocked_of, identifiers_of
from reunite.operations.asked import Undo, Unlink
from reunite.operations.plan import Plan, newly_voided
from reunite.operations.settling import Components
from reunite.operations.undoing import undo
from reunite.operations.work import Work


def unlink(work: Work, asked: Unlink) -> Plan:
    """Take back what ties an identity together.

    Raises `Unknown` for what the identity does not have, `StillJoined` where other evidence joins
    the pair, `OperationRefused` where there is nothing to void.
    """
    contact = work.contact(asked.contact_id)
    if asked.position is not None:
        return _unlink_position(work, asked.position, contact)
    region = work.region(contact)
    if asked.pair is not None:
        return _unlink_pair(work, asked, region, *asked.pair)
    assert asked.identifier is not None
    return _unlink_identifier(work, asked, region, asked.identifier)


def _unlink_position(work: Work, position: int, contact: Contact) -> Plan:
    plan = undo(work, Undo(position))
    concerned = plan.settlement.before.contacts if plan.settlement is not None else {}
    if contact.id not in concerned:
        raise Unknown(f"position {position} brought nothing to the identity of {contact.id}")
    return plan._replace(contact_id=contact.id)


def _unlink_pair(work: Work, asked: Unlink, region: Region, a: Identifier, b: Identifier) -> Plan:
    _require(region, a, b)
    _void(work, [edge for edge in _evidence(work, region, {a, b}) if {edge.a, edge.b} == {a, b}])
    if not work.change.voids:
        if Components(region).join(a, b) and not asked.force:
            raise StillJoined(a, b)
        raise OperationRefused("nothing was ever presented that ties the two")
    settlement = work.settle()
    is_joined = settlement.components.join(a, b)
    if is_joined and not asked.force:
        raise StillJoined(a, b, can_be_forced=True)
    keep = asked.constrain and not is_joined
    return Plan(
        "unlinked",
        asked.contact_id,
        settlement,
        constraints=tuple(work.change.constrain([(a, b)])) if keep else (),
        voided=newly_voided(settlement),
    )


def _unlink_identifier(work: Work, asked: Unlink, region: Region, identifier: Identifier) -> Plan:
    _require(region, identifier)
    edges = [
        edge
        for edge in _evidence(work, region, {identifier})
        if identifier in (edge.a, edge.b) or _presented(edge.piece, identifier)
    ]
    _void(work, edges)
    if not work.change.voids:
        raise OperationRefused("nothing ties the identifier to any other")
    settlement = work.settle()
    pairs = [
        (edge.a, edge.b)
        for edge in edges
        if not (isinstance(edge.piece, Link) and edge.piece.a_contact_id)
    ]
    return Plan(
        "unlinked",
        asked.contact_id,
        settlement,
        constraints=tuple(work.change.constrain(pairs)) if asked.constrain else (),
        voided=newly_voided(settlement),
    )


def _evidence(work: Work, region: Region, identifiers: set[Identifier]) -> Iterable[Edge]:
    """The pieces of an identity, and those of contacts elsewhere that presented these identifiers.

    What is blocked many may have presented, so that every contact is read for it; of anything else
    only the voided ones are elsewhere.
    """
    elsewhere = work.sight.voided(identifiers)
    if blocked := blocked_of(work.sight, identifiers):
        elsewhere += work.sight.presenting(blocked)
    everything = Region(
        {**region.contacts, **{contact.id: contact for contact in elsewhere}}.values(),
        {link.name: link for link in (*region.links, *work.sight.links(identifiers))}.values(),
        region.blocked | blocked_of(work.sight, identifiers_of(elsewhere)),
    )
    return everything.pieces


def _presented(piece: Contact | Link, identifier: Identifier) -> bool:
    """Whether it names an identifier, though one of its ends may hang elsewhere now."""
    if isinstance(piece, Contact):
        return identifier in piece.presented
    return not piece.a_contact_id and identifier in (piece.a, piece.b)


def _void(work: Work, edges: Iterable[Edge]) -> None:
    work.change.void(*{edge.piece.name: edge.piece for edge in edges}.values())


def _require(region: Region, *identifiers: Identifier) -> None:
    """Raise `Unknown` unless one of them is of the identity: the other may have left already."""
    has = {one for contact in region.contacts.values() for one in contact.answers_for}
    for attributes in attributes_of(region).values():
        has |= {Identifier(attribute.type, attribute.key) for attribute in attributes}
    if not has.intersection(identifiers):
        raise Unknown(
            "the identity has no such identifier"
            if len(identifiers) == 1
            else "the identity has neither of the two identifiers"
        )
