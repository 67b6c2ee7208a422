"""Regions out of the store, and what is answered of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reunite.evidence import Contact, Identifier, Link, Region
from reunite.identity import Identified, Identity
from reunite.reconcile import Anchor, Attribute, Members
from reunite.reconcile import Contact as Answering
from reunite.repositories.transaction import Sight


def identifiers_of(contacts: Iterable[Contact]) -> set[Identifier]:
    """All that these contacts presented."""
    return {identifier for contact in contacts for identifier in contact.presented}


def answered(region: Region) -> set[Identifier]:
    """All that the contacts of a region answer for, blocked identifiers included."""
    return {one for contact in region.contacts.values() for one in contact.answers_for}


def identity_ids_of(sight: Sight, identifiers: Collection[Identifier]) -> dict[Identifier, int]:
    """The identity of each of these identifiers that has one; what is blocked may have none."""
    holders = {
        holder.identifier: holder.contact_id
        for holder in sight.holders(identifiers)
        if holder.contact_id is not None
    }
    by_id = {contact.id: contact.identity_id for contact in sight.contacts(set(holders.values()))}
    found = {identifier: by_id.get(contact_id) for identifier, contact_id in holders.items()}
    return {identifier: id_ for identifier, id_ in found.items() if id_ is not None}


def region_of(sight: Sight, identity_ids: Collection[int]) -> Region:
    """These identities with all their evidence."""
    contacts = sight.members(identity_ids)
    identifiers = identifiers_of(contacts)
    links = sight.links(identifiers)
    for link in links:
        identifiers |= {end for end in (link.a, link.b) if end.type != "row"}
    return Region(contacts, links, blocked_of(sight, identifiers))


def shown_of(sight: Sight, identity_ids: Collection[int]) -> Region:
    """These identities with what an answer shows of them: of links only what is blocked."""
    if sight.has_blocks:
        return region_of(sight, identity_ids)
    return Region(sight.members(identity_ids), (), ())


def blocked_of(sight: Sight, identifiers: Collection[Identifier]) -> set[Identifier]:
    """Those of these identifiers that are blocked."""
    if not sight.has_blocks:
        return set()
    return {
        holder.identifier for holder in sight.holders(identifiers) if holder.blocked_by is not None
    }


def links_of(region: Region, free: Collection[Identifier]) -> Iterator[Link]:
    """The links of these identifiers, and those that tie a contact of the region."""
    for link in region.links:
        ties = {link.a_contact_id, link.b_contact_id} & region.contacts.keys()
        if ties or link.a in free or link.b in free:
            yield link


def identities(region: Region, limit: int | None = None) -> list[Identity]:
    """The whole identities of a region as they are answered, by age of their primaries.

    With a ``limit`` the first so many of them.
    """
    by_identity: dict[int, list[Contact]] = {}
    for contact in region.contacts.values():
        if contact.identity_id is not None:
            by_identity.setdefault(contact.identity_id, []).append(contact)
    attributes = attributes_of(region)
    found = [
        (sorted(members, key=lambda one: one.age), attributes.get(identity_id, []))
        for identity_id, members in by_identity.items()
    ]
    found.sort(key=lambda one: one[0][0].age)
    return [
        identity_of(Members(0, list(map(answering, members)), None, sorted(given)).answer("known"))
        for members, given in found[:limit]
    ]


def identity_of(answer: Identified) -> Identity:
    """The identity of an answer, without what a request did to it."""
    return Identity(
        answer.primary_contact_id,
        answer.emails,
        answer.phone_numbers,
        answer.secondary_contact_ids,
    )


def answering(contact: Contact) -> Answering:
    """A contact with what an answer shows of it."""
    shows_email = contact.voided is None or contact.anchor == "email"
    shows_phone = contact.voided is None or contact.anchor == "phone"
    return Answering(
        contact.id,
        contact.identity_id or 0,
        contact.created_at,
        contact.email if shows_email else None,
        contact.phone if shows_phone else None,
    )


def attributes_of(region: Region) -> dict[int, list[Attribute]]:
    """By identity the blocked identifiers that links give it."""
    identity_ids = {
        identifier: contact.identity_id
        for contact in region.contacts.values()
        for identifier in contact.answers_for
        if identifier not in region.blocked
    }
    found: dict[int, list[Attribute]] = {}
    for blocked, position, free in _attached(region):
        identity_id = identity_ids.get(free)
        if identity_id is not None:
            type_: Anchor = "email" if blocked.type == "email" else "phone"
            attribute = Attribute(position, type_, blocked.key)
            found.setdefault(identity_id, []).append(attribute)
    return found


def attached(region: Region) -> set[Identifier]:
    """The blocked identifiers that links give to the identities of a region."""
    found = attributes_of(region).values()
    return {Identifier(type_, key) for attributes in found for _, type_, key in attributes}


def _attached(region: Region) -> Iterator[tuple[Identifier, int, Identifier]]:
    """What is blocked of each standing link between identifiers, and the other end."""
    for link in region.links:
        if link.voided is None and not link.a_contact_id:
            for blocked, free in ((link.a, link.b), (link.b, link.a)):
                if blocked in region.blocked and free not in region.blocked:
                    yield blocked, link.position, free
