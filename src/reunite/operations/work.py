"""An operation at work: what it sees, what it changes, and what follows."""

from __future__ import annotations

from reunite.errors import ConstraintViolation, Unknown
from reunite.evidence import Constraint, Contact, Identifier, Link, Region
from reunite.inquiry.region import identifiers_of, identity_ids_of, region_of
from reunite.operations.change import Change
from reunite.operations.settling import Settlement
from reunite.repositories.transaction import Sight


class Work:
    """One operation in a sight of the workspace; it writes nothing itself.

    Attributes:
        sight: the workspace, under its lock unless it is only tried.
        change: what the operation does to evidence.
    """

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.change = Change(sight.head.position + 1, sight.at)

    def contact(self, contact_id: int) -> Contact:
        """The contact of an id, for a retired one the holder of its anchor.

        Raises `Unknown`.
        """
        found = self.sight.contacts({contact_id})
        if not found:
            raise Unknown(f"no contact has the id {contact_id}")
        if found[0].identity_id is not None:
            return found[0]
        (holder,) = self.sight.holders({found[0].anchored})
        (contact,) = self.sight.contacts({holder.contact_id or 0})
        return contact

    def region(self, contact: Contact) -> Region:
        """The identity of a contact."""
        return region_of(self.sight, {contact.identity_id or 0})

    def identifier(self, named: Identifier | int) -> Identifier:
        """An identifier, or what the contact of an id hangs on. Raises `Unknown`."""
        if isinstance(named, Identifier):
            return named
        contact = self.contact(named)
        return self.region(contact).hangs_on(contact)

    def settle(self) -> Settlement:
        """What follows from the change."""
        returning = self._return()
        before = region_of(self.sight, self._touched() | returning)
        identifiers = identifiers_of((*before.contacts.values(), *self.change.contacts.values()))
        identifiers |= {block.identifier for block in self.change.blocks.values()}
        identifiers |= before.blocked
        identifiers |= {end for link in self.change.links.values() for end in ends_of(link)}
        last_contact_id = max((self.sight.head.last_contact_id, *self.change.contacts))
        return Settlement(before, self.change, self.sight.holders(identifiers), last_contact_id)

    def _touched(self) -> set[int]:
        """The identities that the change is about."""
        contacts = self.change.contacts.values()
        identifiers = identifiers_of(contacts)
        identifiers |= {block.identifier for block in self.change.blocks.values()}
        for constraint in self.change.constraints.values():
            identifiers |= {constraint.a, constraint.b}
        tied: set[int] = set()
        for link in self.change.links.values():
            identifiers |= ends_of(link)
            tied |= {link.a_contact_id, link.b_contact_id}
        of = {*contacts, *self.sight.contacts(tied - {0})}
        named = {one.identity_id for one in of if one.identity_id is not None}
        return named | set(identity_ids_of(self.sight, identifiers).values())

    def _return(self) -> set[int]:
        """What is not blocked any more links again: the identities of all that presented it."""
        unblocked = {
            block.identifier for block in self.change.blocks.values() if block.voided is not None
        }
        if not unblocked:
            return set()
        contacts = self.sight.presenting(unblocked)
        links = self.sight.links(unblocked)
        ends = {end for link in links for end in ends_of(link)}
        self.change.returning = dict.fromkeys(ends & unblocked)
        for contact in sorted(contacts, key=lambda one: one.age, reverse=True):
            for identifier in contact.presented:
                if identifier in unblocked:
                    self.change.returning[identifier] = contact
        found = {one.identity_id for one in contacts if one.identity_id is not None}
        return found | set(identity_ids_of(self.sight, ends).values())

    def violated(self, settlement: Settlement) -> list[Constraint]:
        """The standing constraints whose two ends would be of one identity, by position."""
        identifiers = identifiers_of(settlement.region.contacts.values())
        changed = self.change.constraints
        standing = [changed.get(one.name, one) for one in self.sight.constraints(identifiers)]
        return sorted(
            {
                one
                for one in (*standing, *changed.values())
                if one.voided is None and settlement.components.join(one.a, one.b)
            },
            key=lambda one: (one.position, one),
        )

    def require_constraints(self, settlement: Settlement) -> None:
        """Raise `ConstraintViolation` for the earliest constraint that is in the way."""
        for constraint in self.violated(settlement):
            raise ConstraintViolation(constraint.a, constraint.b, constraint.position)


def ends_of(link: Link) -> set[Identifier]:
    """The identifiers that a link ties, without rows that were only named."""
    return {end for end in (link.a, link.b) if end.type != "row"}
