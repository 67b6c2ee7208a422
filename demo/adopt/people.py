"""Who is who while more is posted: the rule once more, plainly, over some people alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from demo.adopt.rows import IMPORTED, Row

_POSTED = IMPORTED + 1
"""When all is posted that comes after the import; ids say what came first."""


class Contact(NamedTuple):
    """A contact; by age where sorted."""

    created_at: int
    id: int
    email: str | None
    phone: str | None


class Answer(NamedTuple):
    """What must be answered, identifiers as keys; no outcome where it is refused."""

    outcome: str | None
    primary: int | None = None
    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    secondaries: Sequence[int] = ()


@dataclass
class Person:
    """Contacts, and the blocked identifiers that were posted beside theirs, in that order."""

    contacts: list[Contact]
    blocked: list[tuple[int, str | None, str | None]] = field(default_factory=list)

    def answer(self, outcome: str) -> Answer:
        """All that is known of them, in the order in which it first appeared."""
        ordered = sorted(self.contacts)
        shown = [(each.email, each.phone) for each in ordered]
        shown += [(email, phone) for _, email, phone in sorted(self.blocked)]
        return Answer(
            outcome,
            ordered[0].id,
            list(dict.fromkeys(email for email, _ in shown if email is not None)),
            list(dict.fromkeys(phone for _, phone in shown if phone is not None)),
            [each.id for each in ordered[1:]],
        )


class People:
    """Some people of a table, and all who are posted.

    Args:
        people: rows of each.
        blocked: keys that join no one.
        last_id: above it new contacts are numbered.
    """

    def __init__(
        self, people: Iterable[Sequence[Row]], blocked: Collection[str], last_id: int
    ) -> None:
        self._blocked = blocked
        self._last_id = last_id
        self._posts = 0
        self._person_of: dict[str, Person] = {}
        for rows in people:
            person = Person([Contact(row.created_at, row.id, row.email, row.phone) for row in rows])
            for row in rows:
                self._know(person, row.keys)

    def identify(self, email: str | None, phone: str | None) -> Answer:
        """What a post must be answered; it is remembered."""
        self._posts += 1
        free = [key for key in (email, phone) if key is not None and key not in self._blocked]
        if not free:
            return Answer(None)
        known = [self._person_of[key] for key in free if key in self._person_of]
        if not known:
            person = Person([self._contact(email, phone)])
            self._know(person, free)
            return person.answer("created")
        first, last = known[0], known[-1]
        if first is not last:
            return self._merge(first, last).answer("merged")
        if len(known) < len(free):
            first.contacts.append(self._contact(email, phone))
            self._know(first, free)
            return first.answer("extended")
        if email is not None and phone is not None and len(free) == 1:
            is_email = email in self._blocked
            beside = (email, None) if is_email else (None, phone)
            first.blocked.append((self._posts, *beside))
        return first.answer("known")

    def _merge(self, one: Person, other: Person) -> Person:
        one.contacts += other.contacts
        one.blocked += other.blocked
        for each in other.contacts:
            self._know(one, [key for key in each[2:] if key is not None])
        return one

    def _know(self, person: Person, keys: Iterable[str]) -> None:
        self._person_of.update((key, person) for key in keys if key not in self._blocked)

    def _contact(self, email: str | None, phone: str | None) -> Contact:
        self._last_id += 1
        return Contact(_POSTED, self._last_id, email, phone)
