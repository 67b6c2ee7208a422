"""What a batch writes, and where it leaves the workspace."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from reunite.errors import ConstraintViolation, IdentityTooLarge
from reunite.reconcile.members import Anchor, Contact, Email, Microseconds, PhoneKey


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


class Changes(msgspec.Struct):
    """What a batch writes."""

    repointed: dict[int, int] = msgspec.field(default_factory=dict)
    """By identity, the other one that all its stored contacts belong to at the end of the batch."""
    contacts: list[tuple[Contact, Anchor, int]] = []
    """New contacts, what each hangs on, and the journal position that made it."""
    emails: list[tuple[Email, int]] = []
    phones: list[tuple[PhoneKey, int]] = []
    """New identifiers, and the id of the contact that holds each."""
    links: list[tuple[Email, PhoneKey, int]] = []
    """Pairs now seen, and the journal position that saw each."""
    entries: list[Entry] = []
    refusals: list[ConstraintViolation | IdentityTooLarge] = []
    """Answers to requests that are to be held."""
