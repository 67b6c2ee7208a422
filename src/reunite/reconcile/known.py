"""What the store holds of what a batch presents, and what can be answered from it alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reunite.errors import ConstraintViolation
from reunite.identifier import Presented, phone_key
from reunite.identity import Identified
from reunite.reconcile.members import (
    Anchor,
    Blocks,
    Contact,
    Email,
    Members,
    PhoneKey,
    Side,
    age,
)


class Constraint(NamedTuple):
    """Two identifiers, each a type and a key, that must never be of one identity; a before b."""

    position: int
    a: tuple[Anchor, str]
    b: tuple[Anchor, str]

    def is_between(self, one: Side, other: Side) -> bool:
        """Whether each of the two sides has an end of it."""
        return (_has(one, self.a) and _has(other, self.b)) or (
            _has(one, self.b) and _has(other, self.a)
        )


def _has(side: Side, end: tuple[Anchor, str]) -> bool:
    type_, key = end
    return key in side[type_ == "phone"]


class Known:
    """What the store holds of the identifiers that a batch presents, and of their identities.

    Args:
        contacts: all contacts of these identities, in any order.
        emails, phones: for each known key, the id of the contact that holds it.
        imported: those of these holders that no request brought.
        links: pairs that a standing presented link holds, or the contact that first held what is
            blocked of the pair.
        blocks: None where the workspace has none. What is blocked is not among the known keys.
        constraints: those that stand between what is among all this, in any order.
    """

    __slots__ = ("_constraints", "blocks", "emails", "identities", "imported", "links", "phones")

    def __init__(
        self,
        contacts: Iterable[Contact],
        emails: dict[Email, int],
        phones: dict[PhoneKey, int],
        imported: set[int],
        links: set[tuple[Email, PhoneKey]],
        blocks: Blocks | None = None,
        constraints: Iterable[Constraint] = (),
    ) -> None:
        by_id: dict[int, Contact] = {}
        by_identity: dict[int, list[Contact]] = {}
        for contact in contacts:
            by_id[contact.id] = contact
            by_identity.setdefault(contact.identity_id, []).append(contact)
        self.emails = {key: by_id[holder] for key, holder in emails.items()}
        self.phones = {key: by_id[holder] for key, holder in phones.items()}
        attributes = {} if blocks is None else blocks.attributes
        self.identities = {
            identity_id: Members(
                identity_id,
                members if len(members) == 1 else sorted(members, key=age),
                blocks,
                attributes.get(identity_id, ()),
            )
            for identity_id, members in by_identity.items()
        }
        self.imported = imported
        self.links = links
        self.blocks = blocks
        self._constraints = sorted(
            constraint
            for constraint in constraints
            if blocks is None or not (blocks.has(*constraint.a) or blocks.has(*constraint.b))
        )

    def keeps_apart(self, one: Side, other: Side) -> ConstraintViolation | None:
        """The refusal by the first constraint that stands between the two sides, if any does."""
        for constraint in self._constraints:
            if constraint.is_between(one, other):
                return ConstraintViolation(constraint.a, constraint.b, constraint.position)
        return None

    def pair_is_seen(self, email: Contact, phone: Contact, pair: tuple[Email, PhoneKey]) -> bool:
        """Whether live evidence holds the pair: a holder that a request brought, or a link."""
        return (
            (email.email == phone.email and phone.id not in self.imported)
            or (
                email.phone is not None
                and phone_key(email.phone) == pair[1]
                and email.id not in self.imported
            )
            or pair in self.links
        )

    def attribute_is_seen(self, holder: Contact, pair: tuple[Email, PhoneKey]) -> bool:
        """The same of a pair of which only one has a holder, because the other is blocked."""
        return pair in self.links or (
            holder.email == pair[0]
            and holder.phone is not None
            and phone_key(holder.phone) == pair[1]
            and holder.id not in self.imported
        )


def recognise(known: Known, requests: Sequence[Presented]) -> list[Identified | None]:
    """Answer the requests that change nothing; None for those that have to be reconciled."""
    return [_recognise(known, request) for request in requests]


def _recognise(known: Known, request: Presented) -> Identified | None:
    email, phone = request.email, request.phone
    by_email = None if email is None else known.emails.get(email)
    key = None if phone is None else phone_key(phone)
    by_phone = None if key is None else known.phones.get(key)
    if email is None or key is None:
        holder = by_email or by_phone
        return None if holder is None else known.identities[holder.identity_id].answer("known")
    if by_email is None or by_phone is None:
        return _recognise_attribute(known, by_email or by_phone, (email, key))
    if by_email.identity_id != by_phone.identity_id:
        return None
    if not known.pair_is_seen(by_email, by_phone, (email, key)):
        return None
    return known.identities[by_email.identity_id].answer("known")


def _recognise_attribute(
    known: Known, holder: Contact | None, pair: tuple[Email, PhoneKey]
) -> Identified | None:
    if holder is None or known.blocks is None or not known.blocks.hold(*pair):
        return None
    if not known.attribute_is_seen(holder, pair):
        return None
    return known.identities[holder.identity_id].answer("known")
