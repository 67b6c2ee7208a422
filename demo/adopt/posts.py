"""What is posted on top of an import, in random order; each post bears the name of its kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from demo.adopt.rows import Row
from demo.records import Record

Presented = tuple[str | None, str | None]
"""An e-mail and a phone, as they are spelt."""


class Posts:
    """Makes posts about people of a table.

    Args:
        people: rows of each.
        blocked: the identifiers that join no one, by their keys, as they are spelt.
    """

    def __init__(
        self, people: Sequence[Sequence[Row]], blocked: dict[str, str], chance: random.Random
    ) -> None:
        self._people = people
        self._blocked = blocked
        self._chance = chance
        self._new = 0
        self._ways: dict[str, tuple[int, Callable[[Sequence[Row]], Presented]]] = {
            "one identifier": (35, self._one_of),
            "a row again": (10, self._again),
            "something new of someone": (20, self._extend),
            "someone new": (10, lambda _: (self._new_email(), self._new_phone())),
            "two people are one": (10, self._merge),
            "blocked alone": (5, lambda _: self._with_blocked(None, None)),
            "blocked beside": (5, lambda rows: self._with_blocked(*self._one_of(rows))),
            "new with blocked": (5, lambda _: self._with_blocked(self._new_email(), None)),
        }
        """By kind: of a hundred posts how many are of it, and how one is made."""

    def take(self, number: int) -> list[Record]:
        """So many posts; everyone is asked for at least once where there are enough of them."""
        posts = [self._post("one identifier", rows) for rows in self._people[:number]]
        weights = [weight for weight, _ in self._ways.values()]
        for kind in self._chance.choices(list(self._ways), weights, k=number - len(posts)):
            posts.append(self._post(kind, self._chance.choice(self._people)))
        self._chance.shuffle(posts)
        return posts

    def _post(self, kind: str, rows: Sequence[Row]) -> Record:
        return Record(kind, *self._ways[kind][1](rows))

    def _again(self, rows: Sequence[Row]) -> Presented:
        row = self._chance.choice(rows)
        return row.email and row.spelt_email, row.phone and row.spelt_phone

    def _extend(self, rows: Sequence[Row]) -> Presented:
        email, phone = self._one_of(rows)
        return email or self._new_email(), phone or self._new_phone()

    def _one_of(self, rows: Sequence[Row]) -> Presented:
        """An identifier of a person which is not blocked."""
        emails, phones = self._free(rows)
        spelt = self._chance.choice(emails + phones)
        return (spelt, None) if spelt in emails else (None, spelt)

    def _merge(self, rows: Sequence[Row]) -> Presented:
        """An e-mail of one person and a phone of another, new ones where they have none."""
        emails, _ = self._free(rows)
        _, phones = self._free(self._chance.choice(self._people))
        return (
            self._chance.choice(emails or [self._new_email()]),
            self._chance.choice(phones or [self._new_phone()]),
        )

    def _free(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        blocked = self._blocked
        return (
            [row.spelt_email for row in rows if row.email and row.email not in blocked],
            [row.spelt_phone for row in rows if row.phone and row.phone not in blocked],
        )

    def _with_blocked(self, email: str | None, phone: str | None) -> Presented:
        """A blocked identifier in a place that is free."""
        fits = [
            spelt for spelt in self._blocked.values() if (email if "@" in spelt else phone) is None
        ]
        spelt = self._chance.choice(fits)
        return (spelt, phone) if "@" in spelt else (email, spelt)

    def _new_email(self) -> str:
        self._new += 1
        return f"New{self._new}@adopt.example"

    def _new_phone(self) -> str:
        self._new += 1
        return f"+49 30 {self._new:08d}"
