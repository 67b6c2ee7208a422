"""The person as answered: an identity, and what a request did to it."""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["created", "extended", "merged", "known"]


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """All that standing evidence connects, read through its contacts in age order.

    Age is the order by (created_at, id). E-mails and phones come in order of first appearance and
    none twice (by key), so that the primary's come first; a phone is spelt as the oldest contact
    has it. Behind them come blocked ones that were only ever presented with what was known already.
    """

    primary_contact_id: int
    emails: tuple[str, ...]
    phone_numbers: tuple[str, ...]
    secondary_contact_ids: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many distinct identifiers it shows, blocked ones included."""
        return len(self.emails) + len(self.phone_numbers)


class Identified(Identity, frozen=True):
    """The identity right after a request, and what the request did.

    ``outcome`` is ``created`` (a new identity), ``extended`` (a new contact joined one),
    ``merged`` (two or more became one) or ``known`` (no contact made).
    """

    outcome: Outcome
