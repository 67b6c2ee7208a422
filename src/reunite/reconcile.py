"""The rule, pure: what the store knows and a batch of requests -> answers and what to write.

No I/O, no clock, no store: `sqlite` brings the knowledge and writes the changes. PostgreSQL has
the same rule in PL/pgSQL (`postgresql/functions.sql`); the tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from reunite.errors import BlockedIdentifier, IdentityTooLarge, Refusal
from reunite.identifier import Presented, phone_key
from reunite.identity import Identified, Outcome

Email: TypeAlias = str
PhoneKey: TypeAlias = str
Microseconds: TypeAlias = int
Anchor: TypeAlias = Literal["email", "phone"]
"""The value that a contact hangs on: the one that was new when it was made; of two the e-mail."""


class Contact(NamedTuple):
    """A numbered row: what one request presented."""

    id: int
    identity_id: int
    created_at: Microseconds
    email: str | None
    phone: str | None


def age(contact: Contact) -> tuple[Microseconds, int]:
    """What contacts are ordered by; after an import the order by id is another."""
    return contact.created_at, contact.id


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Where a workspace stands: the last row of its journal."""

    position: int = 0
    at: Microseconds = 0
    contacts: int = 0
    identities: int = 0
    last_contact_id: int = 0


class Entry(NamedTuple):
    """One row of the journal: an accepted request that changed something."""

    position: int
    type: Literal["created", "extended", "merged", "linked"]
    contact_id: int
    with_contact_id: int | None
    primary_id: int
    demoted_id: int | None
    contacts: int
    identities: int
    last_contact_id: int


class Attribute(NamedTuple):
    """A blocked identifier that a link holds, and the position of the link: what it is shown by."""

    position: int
    type: Anchor
    key: str


class Blocks(NamedTuple):
    """What is blocked of all that a batch presents and its identities hold.

    ``attributes`` has by identity what links hold beyond its contacts.
    """

    emails: set[Email]
    phones: set[PhoneKey]
    attributes: dict[int, list[Attribute]]

    def hold(self, email: Email | None, phone: PhoneKey | None) -> bool:
        """Whether one of the two is blocked."""
        return email in self.emails or phone in self.phones

    def among(self, emails: Iterable[Email], phones: Iterable[PhoneKey]) -> int:
        """How many of these are blocked."""
        return len(self.emails.intersection(emails)) + len(self.phones.intersection(phones))


class Members:
    """An identity while a batch works on it: its contacts by age, and its distinct identifiers.

    ``spellings`` has each of these by its key, in order of first appearance, once it was asked for:
    most identities have one contact and are never asked. ``blocks`` is None where the workspace
    has none.
    """

    __slots__ = ("_answer", "_blocks", "_spellings", "attributes", "contacts", "identity_id")

    def __init__(
        self,
        identity_id: int,
        contacts: list[Contact],
        blocks: Blocks | None = None,
        attributes: Sequence[Attribute] = (),
    ) -> None:
        self.identity_id = identity_id
        self.contacts = contacts
        self.attributes = attributes
        self._blocks = blocks
        self._spellings: tuple[dict[Email, str], dict[PhoneKey, str]] | None = None
        self._answer: Identified | None = None

    @property
    def primary(self) -> Contact:
        return self.contacts[0]

    @property
    def size(self) -> int:
        """How many distinct identifiers it has that are not blocked."""
        emails, phones = self.spellings
        blocked = 0 if self._blocks is None else self._blocks.among(emails, phones)
        return len(emails) + len(phones) - blocked

    @property
    def spellings(self) -> tuple[dict[Email, str], dict[PhoneKey, str]]:
        if self._spellings is None:
            self._spellings = {}, {}
            for contact in self.contacts:
                self._spell(contact)
        return self._spellings

    def append(self, contact: Contact) -> None:
        """Add a contact that is younger than all others.

        A new one always is: no time of a batch is before the journal's last, which is not before
        any contact it brought, imported ones included; and no id is above its last_contact_id.
        """
        self.contacts.append(contact)
        self._spell(contact)
        self._answer = None

    def attach(self, attribute: Attribute) -> None:
        """Add what a new link holds."""
        self.attributes = [*self.attributes, attribute]
        self._answer = None

    def answer(self, outcome: Outcome) -> Identified:
        """The identity as it stands now; built once per state and outcome in a row."""
        if self._answer is None or self._answer.outcome != outcome:
            self._answer = self._identified(outcome)
        return self._answer

    def _identified(self, outcome: Outcome) -> Identified:
        if len(self.contacts) == 1 and not self.attributes:
            (only,) = self.contacts
            emails = () if only.email is None else (only.email,)
            phones = () if only.phone is None else (only.phone,)
            return Identified(only.id, emails, phones, (), outcome)
        spelt_emails, spelt_phones = self.spellings
        if self.attributes:
            spelt_emails, spelt_phones = self._with_attributes(spelt_emails, spelt_phones)
        return Identified(
            self.primary.id,
            tuple(spelt_emails),
            tuple(spelt_phones.values()),
            tuple([contact.id for contact in self.contacts[1:]]),
            outcome,
        )

    def _with_attributes(
        self, emails: dict[Email, str], phones: dict[PhoneKey, str]
    ) -> tuple[dict[Email, str], dict[PhoneKey, str]]:
        both = dict(emails), dict(phones)
        for _, type_, key in self.attributes:
            both[type_ == "phone"].setdefault(key, key)
        return both

    def _spell(self, contact: Contact) -> None:
        emails, phones = self.spellings
        if contact.email is not None:
            emails.setdefault(contact.email, contact.email)
        if contact.phone is not None:
            phones.setdefault(phone_key(contact.phone), contact.phone)


class Known:
    """What the store holds of the identifiers that a batch presents, and of their identities.

    Args:
        contacts: all contacts of these identities, in any order.
        emails, phones: for each known key, the id of the contact that holds it.
        imported: those of these holders that no request brought.
        links: pairs that a standing presented link holds.
        blocks: None where the workspace has none. What is blocked is not among the known keys.
    """

    __slots__ = ("blocks", "emails", "identities", "imported", "links", "phones")

    def __init__(
        self,
        contacts: Iterable[Contact],
        emails: dict[Email, int],
        phones: dict[PhoneKey, int],
        imported: set[int],
        links: set[tuple[Email, PhoneKey]],
        blocks: Blocks | None = None,
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


class Changes(msgspec.Struct):
    """What a batch writes, each list in the order in which it has to be written."""

    repointed: list[tuple[int, int]] = []
    """(from, to): stored contacts of one identity now belong to the other."""
    contacts: list[tuple[Contact, Anchor, int]] = []
    """New contacts, what each hangs on, and the journal position that made it."""
    emails: list[tuple[Email, int]] = []
    phones: list[tuple[PhoneKey, int]] = []
    """New identifiers, and the id of the contact that holds each."""
    links: list[tuple[Email, PhoneKey, int]] = []
    """Pairs now seen, and the journal position that saw each."""
    entries: list[Entry] = []


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
            self._changes.contacts = [
                (contact._replace(identity_id=self._identity_id(contact)), anchor, position)
                for contact, anchor, position in self._changes.contacts
            ]
        return self._changes

    def _reconcile_blocked(
        self, blocks: Blocks, holder: Contact | None, request: Presented, phone: PhoneKey | None
    ) -> Identified | BlockedIdentifier:
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
    ) -> Identified:
        contact = self._contact(request, self._last_contact_id + 1)
        members = Members(contact.identity_id, [contact], self._known.blocks)
        self._known.identities[contact.identity_id] = members
        self._identities += 1
        self._add(contact, email, phone)
        self._log("created", contact.id, None, contact.id)
        return members.answer("created")

    def _extend(
        self, holder: Contact, request: Presented, email: Email, phone: PhoneKey
    ) -> Identified | IdentityTooLarge:
        members = self._members(holder)
        if members.size + 1 > self._limit:
            return IdentityTooLarge(members.primary.id, members.size, members.size + 1, self._limit)
        contact = self._contact(request, members.identity_id)
        members.append(contact)
        self._add(contact, email, phone)
        self._log("extended", contact.id, holder.id, members.primary.id)
        return members.answer("extended")

    def _pair(
        self, by_email: Contact, by_phone: Contact, pair: tuple[Email, PhoneKey]
    ) -> Identified | IdentityTooLarge:
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
    ) -> Identified | IdentityTooLarge:
        older, younger = (one, other) if age(one.primary) < age(other.primary) else (other, one)
        size = older.size + younger.size
        if size > self._limit:
            return IdentityTooLarge(older.primary.id, older.size, size, self._limit)
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
        self._changes.repointed.append((smaller.identity_id, larger.identity_id))
        self._identities -= 1
        self._link(pair)
        self._log("merged", by_email.id, by_phone.id, merged.primary.id, demoted)
        return merged.answer("merged")

    def _identity_id(self, contact: Contact) -> int:
        identity_id = contact.identity_id
        while identity_id in self._merged_into:
            identity_id = self._merged_into[identity_id]
        return identity_id

    def _members(self, contact: Contact) -> Members:
        return self._known.identities[self._identity_id(contact)]

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
