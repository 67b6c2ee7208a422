"""Merge: two contacts are asserted to be one person."""

from __future__ import annotations

from reunite.errors import IdentityTooLarge
from reunite.evidence import Link
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
    a, b = sorted((one, other), key=lambda contact: contact.anchored)
    tied = [
        link
        for link in work.sight.links({a.anchored})
        if link.source == "asserted" and link.voided is None
        if {link.a_contact_id, link.b_contact_id} == {a.id, b.id}
    ]
    if tied or a.anchored == b.anchored:
        return Plan(None, identities=tuple(identities(work.region(one))))
    work.change.set(
        Link(*a.anchored, *b.anchored, "asserted", work.change.position, work.change.at, a.id, b.id)
    )
    settlement = work.settle()
    work.require_constraints(settlement)
    _require_limit(work, settlement)
    return Plan("asserted", one.id, settlement)


def _require_limit(work: Work, settlement: Settlement) -> None:
    """Raise `IdentityTooLarge` unless the identity has room, or was one before."""
    limit = work.sight.identity_limit
    before = identities(settlement.before)
    if len(before) < 2:
        return
    sizes = [_size(settlement, identity_id) for identity_id in settlement.identity_ids]
    if max(sizes) > limit:
        older = before[0]
        raise IdentityTooLarge(older.primary_contact_id, older.size, max(sizes), limit)


def _size(settlement: Settlement, identity_id: int | None) -> int:
    """Distinct identifiers of an identity that are not blocked."""
    region = settlement.region
    return len(
        {
            identifier
            for contact in region.contacts.values()
            if contact.identity_id == identity_id
            for identifier in contact.answers_for
        }
        - region.blocked
    )
