"""The rule: one request after the other, over what the store knows."""

from __future__ import annotations

from typing import Literal, TypeVar

from reunite.errors import BlockedIdentifier, ConstraintViolation, IdentityTooLarge, Refusal
from reunite.identifier import Presented, phone_key
from reunite.identity import Identified
from reunite.reconcile.changes import Changes, Entry, Head
from reunite.reconcile.known import Known
from reunite.reconcile.members import (
    Anchor,
    Attribute,
    Blocks,
    Contact,
    Email,
    Members,
    Microseconds,
    PhoneKey,
    Side,
    age,
)

Held = TypeVar("Held", ConstraintViolation, IdentityTooLarge)


class Reconciliation:
    """Applies the rule to requests one after the other, over what the store knows.

    Args:
        known: what the store holds of all that the requests present; it is worked on.
        head: where the workspace stands.
        at: the time of the batch, never before ``head.at``.
        limit: distinct identifiers an identity may have.
    """

    def __init__(self, known: Known, head: Head, at: Microseconds, limit: int) -> None:
        self._known = known
        self._at = at
        self._limit = limit
        self._position = head.position
        self._contacts = head.contacts
        self._identities = head.identities
        self._last_contact_id = head.last_contact_id
        self._merged_into: dict[int, int] = {}
        self._changes = Changes()

    def reconcile(self, request: Presented) -> Identified | Refusal:
        """Answer one request with the identity right after it, or refuse it and change nothing."""
        email = request.email
        phone = None if request.phone is None else phone_key(request.phone)
        by_email = None if email is None else self._known.emails.get(email)
        by_phone = None if phone is None else self._known.phones.get(phone)
        if (
            email is not None
            and phone is not None
            and by_email is not None
            and by_phone is not None
        ):
            return self._pair(by_email, by_phone, (email, phone))
        holder = by_email or by_phone
        blocks = self._known.blocks
        if blocks is not None and blocks.hold(email, phone):
            return self._reconcile_blocked(blocks, holder, request, phone)
        if holder is None:
            return self._create(request, email, phone)
        if email is None or phone is None:
            return self._members(holder).answer("known")
        return self._extend(holder, request, email, phone)

    def changes(self) -> Changes:
        """What all requests together write; new contacts in the identity they ended up in."""
        if self._merged_into:
            self._changes.repointed = {
                identity_id: self._merged(identity_id) for identity_id in self._merged_into
            }
            self._changes.contacts = [
                (contact._replace(identity_id=self._merged(contact.identity_id)), anchor, position)
                for contact, anchor, position in self._changes.contacts
            ]
        return self._changes

    def _reconcile_blocked(
        self, blocks: Blocks, holder: Contact | None, request: Presented, phone: PhoneKey | None
    ) -> Identified | BlockedIdentifier | ConstraintViolation:
        """What is blocked goes with what is not, as an attribute; alone it is refused."""
        email = request.email
        if email is None or phone is None:
            return BlockedIdentifier(["phoneNumber" if email is None else "email"])
        free_email = None if email in blocks.emails else email
        free_phone = None if phone in blocks.phones else phone
        if free_email is None and free_phone is None:
            return BlockedIdentifier(["email", "phoneNumber"])
        if holder is None:
            return self._create(request, free_email, free_phone)
        return self._attach(holder, (email, phone), "email" if free_email is None else "phone")

    def _attach(self, holder: Contact, pair: tuple[Email, PhoneKey], blocked: Anchor) -> Identified:
        members = self._members(holder)
        if not self._known.attribute_is_seen(holder, pair):
            self._link(pair)
            self._log("linked", holder.id, holder.id, members.primary.id)
            key = pair[0] if blocked == "email" else pair[1]
            members.attach(Attribute(self._position, blocked, key))
        return members.answer("known")

    def _create(
        self, request: Presented, email: Email | None, phone: PhoneKey | None
    ) -> Identified | ConstraintViolation:
        if email is not None and phone is not None:
            kept_apart = self._known.keeps_apart(((email,), ()), ((), (phone,)))
            if kept_apart is not None:
                return self._refuse(kept_apart)
        contact = self._contact(request, self._last_contact_id + 1)
        members = Members(contact.identity_id, [contact], self._known.blocks)
        self._known.identities[contact.identity_id] = members
        self._identities += 1
        self._add(contact, email, phone)
        self._log("created", contact.id, None, contact.id)
        return members.answer("created")

    def _extend(
        self, holder: Contact, request: Presented, email: Email, phone: PhoneKey
    ) -> Identified | IdentityTooLarge | ConstraintViolation:
        members = self._members(holder)
        email_is_new = email not in self._known.emails
        new: Side = ((email,), ()) if email_is_new else ((), (phone,))
        kept_apart = self._known.keeps_apart(members.spellings, new)
        if kept_apart is not None:
            return self._refuse(kept_apart)
        if members.size + 1 > self._limit:
            return self._refuse(
                IdentityTooLarge(members.primary.id, members.size, members.size + 1, self._limit)
            )
        contact = self._contact(request, members.identity_id)
        members.append(contact)
        self._add(contact, email, phone)
        self._log("extended", contact.id, holder.id, members.primary.id)
        return members.answer("extended")

    def _pair(
        self, by_email: Contact, by_phone: Contact, pair: tuple[Email, PhoneKey]
    ) -> Identified | IdentityTooLarge | ConstraintViolation:
        one, other = self._members(by_email), self._members(by_phone)
        if one is not other:
            return self._merge(one, other, by_email, by_phone, pair)
        if not self._known.pair_is_seen(by_email, by_phone, pair):
            self._link(pair)
            self._log("linked", by_email.id, by_phone.id, one.primary.id)
        return one.answer("known")

    def _merge(
        self,
        one: Members,
        other: Members,
        by_email: Contact,
        by_phone: Contact,
        pair: tuple[Email, PhoneKey],
    ) -> Identified | IdentityTooLarge | ConstraintViolation:
        kept_apart = self._known.keeps_apart(one.spellings, other.spellings)
        if kept_apart is not None:
            return self._refuse(kept_apart)
        older, younger = (one, other) if age(one.primary) < age(other.primary) else (other, one)
        size = older.size + younger.size
        if size > self._limit:
            return self._refuse(IdentityTooLarge(older.primary.id, older.size, size, self._limit))
        demoted = younger.primary.id
        larger, smaller = (
            (older, younger) if len(older.contacts) >= len(younger.contacts) else (younger, older)
        )
        merged = Members(
            larger.identity_id,
            sorted(older.contacts + younger.contacts, key=age),
            self._known.blocks,
            sorted([*older.attributes, *younger.attributes]),
        )
        self._known.identities[larger.identity_id] = merged
        self._merged_into[smaller.identity_id] = larger.identity_id
        self._identities -= 1
        self._link(pair)
        self._log("merged", by_email.id, by_phone.id, merged.primary.id, demoted)
        return merged.answer("merged")

    def _refuse(self, refusal: Held) -> Held:
        self._changes.refusals.append(refusal)
        return refusal

    def _merged(self, identity_id: int) -> int:
        """The identity that one ended up in."""
        while identity_id in self._merged_into:
            identity_id = self._merged_into[identity_id]
        return identity_id

    def _members(self, contact: Contact) -> Members:
        return self._known.identities[self._merged(contact.identity_id)]

    def _contact(self, request: Presented, identity_id: int) -> Contact:
        self._last_contact_id += 1
        self._contacts += 1
        return Contact(self._last_contact_id, identity_id, self._at, request.email, request.phone)

    def _add(self, contact: Contact, email: Email | None, phone: PhoneKey | None) -> None:
        """Write a new contact, and those of its identifiers (unless blocked) that nobody held."""
        email_is_new = email is not None and email not in self._known.emails
        anchor: Anchor = "email" if email_is_new else "phone"
        self._changes.contacts.append((contact, anchor, self._position + 1))
        if email is not None and email_is_new:
            self._known.emails[email] = contact
            self._changes.emails.append((email, contact.id))
        if phone is not None and phone not in self._known.phones:
            self._known.phones[phone] = contact
            self._changes.phones.append((phone, contact.id))

    def _link(self, pair: tuple[Email, PhoneKey]) -> None:
        self._known.links.add(pair)
        self._changes.links.append((*pair, self._position + 1))

    def _log(
        self,
        type_: Literal["created", "extended", "merged", "linked"],
        contact_id: int,
        with_contact_id: int | None,
        primary_id: int,
        demoted_id: int | None = None,
    ) -> None:
        self._position += 1
        self._changes.entries.append(
            Entry(
                self._position,
                type_,
                contact_id,
                with_contact_id,
                primary_id,
                demoted_id,
                self._contacts,
                self._identities,
                self._last_contact_id,
            )
        )
