"""Merge: two contacts are asserted to be one person."""

from __future__ import annotations

from reunite.errors import IdentityTooLarge
from reunite.evidence import Contact, Link, Region
from reunite.inquiry.region import identities
from reunite.operations.asked import Merge
from reunite.operations.plan import Plan
from reunite.operations.settling import Settlement
from reunite.operations.work import Work


def merge(work: Work, asked: Merge) -> Plan:
    """Tie two contacts together; where the two are tied by hand already there is nothing to do.

    Raises `Unknown`, `ConstraintViolation` or `IdentityTooLarge`.
    """
    one, other = work.contact(asked.contact_id), work.contact(asked.with_contact_id)
    link = _link(work, one, other)
    if link is None or _are_tied(work, one, other):
        return Plan(None, identities=tuple(identities(work.region(one))))
    work.change.set(link)
    settlement = work.settle()
    work.require_constraints(settlement)
    _require_limit(work, settlement, one, other)
    return Plan("asserted", one.id, settlement)


def _link(work: Work, one: Contact, other: Contact) -> Link | None:
    """A link of the two by their anchors; None where it would tie an identifier to itself.

    While a common anchor is blocked they may hang apart, and are tied by what they hang on then.
    """
    ends = {contact.anchored: contact for contact in (one, other)}
    if len(ends) == 1:
        ends = {work.region(contact).hangs_on(contact): contact for contact in (one, other)}
    if len(ends) == 1:
        return None
    (a, first), (b, second) = sorted(ends.items())
    change = work.change
    return Link(*a, *b, "asserted", change.position, change.at, first.id, second.id)


def _are_tied(work: Work, one: Contact, other: Contact) -> bool:
    """Whether a link that stands was made between the two by hand."""
    return any(
        link.source == "asserted"
        and link.voided is None
        and {link.a_contact_id, link.b_contact_id} == {one.id, other.id}
        for link in work.sight.links(one.presented)
    )


def _require_limit(work: Work, settlement: Settlement, one: Contact, other: Contact) -> None:
    """Raise `IdentityTooLarge` unless what became one has room, if anything did."""
    if settlement.identities_gained >= 0:
        return
    limit = work.sight.identity_limit
    before, after = settlement.before, settlement.region
    would_be = _size(after, after.contacts[one.id].identity_id)
    if would_be > limit:
        sides = {one.identity_id, other.identity_id}
        members = [each for each in before.contacts.values() if each.identity_id in sides]
        primary = min(members, key=lambda each: each.age)
        size = _size(before, primary.identity_id)
        raise IdentityTooLarge(primary.id, size, would_be, limit)


def _size(region: Region, identity_id: int | None) -> int:
    """Distinct identifiers of an identity that are not blocked."""
    return len(
        {
            identifier
            for contact in region.contacts.values()
            if contact.identity_id == identity_id
            for identifier in contact.answers_for
        }
        - region.blocked
    )
