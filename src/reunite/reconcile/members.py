"""Contacts, and an identity while a batch works on it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from reunite.identifier import phone_key
from reunite.identity import Identified, Outcome

Email: TypeAlias = str
PhoneKey: TypeAlias = str
Microseconds: TypeAlias = int
Anchor: TypeAlias = Literal["email", "phone"]
"""The value that a contact hangs on: the one that was new when it was made; of two the e-mail."""


class Contact(NamedTuple):
    """A numbered row: what one request presented, of a voided one no more than its anchor."""

    id: int
    identity_id: int
    created_at: Microseconds
    email: str | None
    phone: str | None


def age(contact: Contact) -> tuple[Microseconds, int]:
    """What contacts are ordered by; after an import the order by id is another."""
    return contact.created_at, contact.id


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

    def has(self, type_: Anchor, key: str) -> bool:
        """Whether an identifier is blocked."""
        return key in (self.emails if type_ == "email" else self.phones)

    def among(self, emails: Iterable[Email], phones: Iterable[PhoneKey]) -> int:
        """How many of these are blocked."""
        return len(self.emails.intersection(emails)) + len(self.phones.intersection(phones))


Side: TypeAlias = tuple[Container[Email], Container[PhoneKey]]
"""One side of what a request would join: the keys of an identity, or of what is new."""


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
