"""An operation at work: what it sees, what it changes, and what follows."""

from __future__ import annotations

from collections.abc import Iterable

from reunite.errors import ConstraintViolation, Unknown
from reunite.evidence import Constraint, Contact, Holder, Identifier, Link, Region
from reunite.inquiry.region import blocked_of, identifiers_of, identity_ids_of, region_of
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
        before = region_of(self.sight, self._touched())
        identifiers = identifiers_of((*before.contacts.values(), *self.change.contacts.values()))
        identifiers |= {block.identifier for block in self.change.blocks.values()}
        identifiers |= before.blocked
        identifiers |= {end for link in self.change.links.values() for end in ends_of(link)}
        last_contact_id = max((self.sight.head.last_contact_id, *self.change.contacts))
        holders = self.sight.holders(identifiers)
        elsewhere = self._answering_elsewhere(before, holders)
        return Settlement(
            before, self.change, holders, last_contact_id, elsewhere, self.sight.policy
        )

    def _answering_elsewhere(
        self, before: Region, holders: Iterable[Holder]
    ) -> dict[Identifier, Contact]:
        """Who else answers for what is blocked and held by a contact that may not do so any more.

        What is not blocked is only answered for within one identity.
        """
        blocking = {block.identifier for block in self.change.blocks.values()}
        at_stake = {
            holder.identifier
            for holder in holders
            if holder.contact_id in self.change.contacts
            and (holder.blocked_by is not None or holder.identifier in blocking)
        }
        contacts = self.sight.presenting(at_stake) if at_stake else []
        return {
            identifier: contact
            for contact in sorted(contacts, key=lambda one: one.age, reverse=True)
            if contact.identity_id is not None and contact.id not in before.contacts
            for identifier in at_stake.intersection(contact.answers_for)
        }

    def _touched(self) -> set[int]:
        """The identities that the change is about, and those that links tie to them from now on."""
        unblocked = {
            block.identifier for block in self.change.blocks.values() if block.voided is not None
        }
        contacts = [*self.change.contacts.values(), *self._return(unblocked)]
        identifiers = identifiers_of(contacts)
        identifiers |= {block.identifier for block in self.change.blocks.values()}
        for constraint in self.change.constraints.values():
            identifiers |= {constraint.a, constraint.b}
        blocked = blocked_of(self.sight, identifiers)
        moving = identifiers_of(one for one in contacts if one.anchored in blocked)
        links = [*self.change.links.values(), *self.sight.links(moving | unblocked)]
        links += self.sight.links(
            {end for link in links for end in (link.a, link.b) if end.type == "row"}
        )
        tied = {id_ for link in links for id_ in (link.a_contact_id, link.b_contact_id)} - {0}
        identifiers |= {end for link in links for end in ends_of(link)}
        concerned = {*contacts, *self.sight.contacts(tied)}
        named = {one.identity_id for one in concerned if one.identity_id is not None}
        return named | set(identity_ids_of(self.sight, identifiers).values())

    def _return(self, unblocked: set[Identifier]) -> list[Contact]:
        """What is not blocked any more links again: all contacts that presented it."""
        if not unblocked:
            return []
        contacts = self.sight.presenting(unblocked)
        ends = {end for link in self.sight.links(unblocked) for end in ends_of(link)}
        self.change.returning = dict.fromkeys(ends & unblocked)
        for contact in sorted(contacts, key=lambda one: one.age, reverse=True):
            for identifier in unblocked.intersection(contact.presented):
                self.change.returning[identifier] = contact
        return contacts

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
