"""People and their rows in a Contact table, as racing code would have left them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

WRONG_MERGES = 50

JUNK_PHONES = ("0000000000", "9999999999", "1234567890")
JUNK_EMAILS = ("test@test.com", "noemail@noemail.com", "none@none.com")

_MOST_ROWS_OF_A_PERSON = 40


@dataclass
class Row:
    """A row as it was meant; ``email`` and ``phone`` are keys, of which the table has spellings.

    ``unusable`` has what stands there instead of values that a row lacks.
    """

    id: int
    email: str | None = None
    phone: str | None = None
    linked: int | None = None
    is_deleted: bool = False
    unusable: tuple[str, str] = ("", "")


@dataclass
class Person:
    """Someone, their identifiers and their rows."""

    number: int
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


class People:
    """Makes people one after the other, and the 50 that are wrongly joined among them."""

    def __init__(self, chance: random.Random, rows: int) -> None:
        self._chance = chance
        self._modulus = _prime_from(rows * 2)
        self._stride = self._modulus * 5 // 13 | 1
        self._ids = 0
        self._people = 0
        self._apart = rows // 4 // (WRONG_MERGES + 1)
        self._lender: tuple[Person, str] | None = None
        self.wrong_merges: list[tuple[int, int, str]] = []
        """The two people, and the identifier to blame."""

    def person(self, *, is_small: bool) -> Person:
        """The next person; small ones have one row."""
        person = Person(self._people)
        self._people += 1
        stem = f"{self._chance.choice(('ann', 'bo', 'cy', 'dee', 'eve'))}{person.number}"
        person.emails = [f"{stem}@mail.example", f"{stem}.work@firm{person.number % 97}.example"]
        person.phones = [f"91{7_000_000_000 + person.number * 2 + each}" for each in (0, 1)]
        self._add(person, email=person.emails[0], phone=person.phones[0])
        if is_small:
            return person
        role = person.number % self._apart if len(self.wrong_merges) < WRONG_MERGES else -1
        if role == 1:
            self._lend(person)
        elif role == 2:
            self._borrow(person)
        else:
            self._live(person)
        return person

    def _id(self) -> int:
        """An id that nobody has; they come in no order of age."""
        self._ids += 1
        return 1 + self._ids * self._stride % self._modulus

    def _add(self, person: Person, **values: Any) -> Row:
        row = Row(self._id(), **values)
        person.rows.append(row)
        return row

    def _lend(self, person: Person) -> None:
        """Someone whose phone or e-mail another gets, or who gives a junk one of their own."""
        kind = len(self.wrong_merges) % 3
        if kind == 0:
            blame = person.phones[0]
        elif kind == 1:
            blame = person.emails[0]
        else:
            blame = f"nobody{person.number}@junk.example"
            self._add(person, email=blame, phone=person.phones[0])
        self._lender = (person, blame)

    def _borrow(self, person: Person) -> None:
        if self._lender is None:
            raise AssertionError("who borrows comes next after who lends")
        lender, blame = self._lender
        if "@" in blame:
            self._add(person, email=blame, phone=person.phones[0])
        else:
            self._add(person, email=person.emails[0], phone=blame)
        self.wrong_merges.append((lender.number, person.number, blame))

    def _live(self, person: Person) -> None:
        """Years of contacts; all rows that can be taken stay joined by evidence."""
        ways = (self._repeat, self._repeat, self._drift, self._scatter, self._chain, self._haunt)
        self._chance.choice(ways)(person)
        if self._chance.random() < 0.1:
            self._spoil(person)
        if self._chance.random() < 0.01:
            for _ in range(self._chance.randrange(5, _MOST_ROWS_OF_A_PERSON - 12)):
                self._repeat(person)

    def _repeat(self, person: Person) -> None:
        """The same again by a race: a second primary, or a secondary of any other row."""
        row = self._add(
            person,
            email=person.emails[0] if self._chance.random() < 0.7 else None,
            phone=person.phones[0],
        )
        if self._chance.random() < 0.5:
            row.linked = self._chance.choice(person.rows).id

    def _drift(self, person: Person) -> None:
        """One identifier after the other: no two rows have the same, but each joins the last."""
        self._add(person, email=person.emails[1], phone=person.phones[0])
        self._add(person, email=person.emails[1], phone=person.phones[1])
        if self._chance.random() < 0.3:
            self._add(person, email=person.emails[0], phone=None, linked=person.rows[-1].id)
        if self._chance.random() < 0.2:
            junk = self._chance.choice(JUNK_EMAILS)
            self._add(person, email=junk, phone=person.phones[1])

    def _scatter(self, person: Person) -> None:
        """Junk beside what is good, and values that are none."""
        self._add(person, email=person.emails[0], phone=self._chance.choice(JUNK_PHONES))
        if self._chance.random() < 0.5:
            self._add(person, email=person.emails[0], unusable=("", "n/a"))
        if self._chance.random() < 0.5:
            self._add(person, phone=person.phones[0], unusable=("unknown", ""))

    def _chain(self, person: Person) -> None:
        """Rows that linkedIds alone join: a chain, or a cycle."""
        second = self._add(person, email=person.emails[1], linked=person.rows[0].id)
        third = self._add(person, phone=person.phones[1], linked=second.id)
        if self._chance.random() < 0.3:
            person.rows[0].linked = third.id

    def _haunt(self, person: Person) -> None:
        """Rows that name one which is missing, deleted or unusable, and are joined through it."""
        kind = self._chance.randrange(3)
        if kind == 0:
            ghost = self._id()
        else:
            row = self._add(person, email=person.emails[0], phone=person.phones[1])
            ghost = row.id
            if kind == 1:
                row.is_deleted = True
            else:
                row.email = row.phone = None
                row.unusable = ("not given", "-")
        person.rows[0].linked = ghost
        self._add(person, email=person.emails[1], linked=ghost)

    def _spoil(self, person: Person) -> None:
        """A row more that is not taken: soft-deleted, without any value, or with junk alone."""
        kind = self._chance.randrange(3)
        if kind == 0:
            self._add(person, email=person.emails[1], phone=person.phones[1], is_deleted=True)
        elif kind == 1:
            self._add(person, unusable=self._chance.choice((("", ""), ("@", "?"))))
        else:
            self._add(person, email=JUNK_EMAILS[0], phone=JUNK_PHONES[0])


def people_of(people: People, rows: int) -> Iterator[Person]:
    """People with exactly so many rows."""
    made = 0
    while made < rows:
        person = people.person(is_small=rows - made <= _MOST_ROWS_OF_A_PERSON)
        made += len(person.rows)
        yield person


def _prime_from(number: int) -> int:
    while any(number % each == 0 for each in range(2, int(number**0.5) + 1)):
        number += 1
    return number
