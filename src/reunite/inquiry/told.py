"""What answers are made of: identifiers as they are spelt, times, and what took evidence back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from reunite.evidence import Contact, Entry, Identifier
from reunite.reconcile import Microseconds
from reunite.repositories.transaction import Sight

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Imported contacts may be dated outside of what a datetime can be.
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

Position = Annotated[int, msgspec.Meta(description="A row of the journal.", ge=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Spelt(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier, or what stands in for one."""

    type: Annotated[
        str,
        msgspec.Meta(
            description="`email`, `phone`, or `row`: one that imported rows named, and that was "
            "not taken itself; its value is the import's position and the row's id."
        ),
    ]
    value: Annotated[str, msgspec.Meta(description="As the oldest contact spells it.")]


class TakenBack(msgspec.Struct, frozen=True, rename="camel"):
    """What took something back: an operation of the journal."""

    position: Position
    type: Annotated[str, msgspec.Meta(description="Such as `unlinked`, `blocked` or `undone`.")]
    at: Moment
    who: str | None
    why: str | None


class Spelling:
    """How identifiers are spelt: a phone as the oldest contact has it."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self._phones: dict[str, str] = {}
        for contact in sorted(contacts, key=lambda one: one.age):
            if contact.phone is not None:
                self._phones.setdefault(contact.presented[-1].key, contact.phone)

    def spell(self, identifier: Identifier) -> Spelt:
        """An identifier as it is shown."""
        type_, key = identifier
        return Spelt(type_, self._phones.get(key, key) if type_ == "phone" else key)


class Journal:
    """Rows of the journal that an answer speaks of, read at once."""

    def __init__(self, sight: Sight, positions: Collection[int]) -> None:
        self._entries: Mapping[int, Entry] = {
            entry.position: entry for entry in sight.entries(positions)
        }

    def entry(self, position: int) -> Entry:
        """One of them."""
        return self._entries[position]

    def taken_back(self, position: int | None) -> TakenBack | None:
        """The operation that took something back, if one did."""
        if position is None:
            return None
        entry = self._entries[position]
        return TakenBack(position, entry.type, moment(entry.at), entry.who, entry.why)


def moment(microseconds: Microseconds) -> datetime:
    """A time of the store, in UTC."""
    return _EPOCH + timedelta(microseconds=min(max(microseconds, _EARLIEST), _LATEST))
