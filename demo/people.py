"""The people that came out, and which of them to show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.records import Record


@dataclass(frozen=True)
class Person:
    """An identity as answered in the end, and the records that got it as their answer."""

    contact: Mapping[str, Any]
    records: list[Record]

    @property
    def contacts(self) -> list[int]:
        """Ids, the primary's first."""
        return [self.contact["primaryContactId"], *self.contact["secondaryContactIds"]]

    @property
    def identifiers(self) -> int:
        """How many distinct ones."""
        return len(self.contact["emails"]) + len(self.contact["phoneNumbers"])


def choose(people: Sequence[Person], mergers: Collection[Record]) -> dict[str, Person]:
    """Choose a few, by what makes each worth showing; fewer where there are not so many.

    ``mergers`` are the records that brought two identities together.
    """
    together = sorted(
        (person for person in people if len(person.contacts) > 1),
        key=lambda person: person.identifiers,
    )
    merged = [person for person in together if any(r in mergers for r in person.records)]
    shown: dict[str, Person] = {}
    if together:
        shown["the largest"] = together[-1]
        shown["a typical one"] = together[len(together) // 2]
    if merged:
        shown["two made one by a later record"] = merged[len(merged) // 2]
    return shown
