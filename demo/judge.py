"""Hears every answer of both stores and finds what is wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.connection import Reply
from demo.people import Person
from demo.records import Record
from demo.unionfind import UnionFind, keys_of


class Wrong(Exception):
    """An answer that differs from what it must be."""


@dataclass
class Judge:
    """Compares the answers to records that are posted in order.

    Attributes:
        records: what is posted; an index is into these.
        outcomes: how many answers had which outcome.
        mergers: the records that brought two identities together.
    """

    records: Sequence[Record]
    outcomes: Counter[str] = field(default_factory=Counter)
    mergers: set[Record] = field(default_factory=set)
    _truth: UnionFind = field(default_factory=UnionFind)
    _people: dict[int, Person] = field(default_factory=dict)

    def hear(self, index: int, replies: Mapping[str, Reply]) -> None:
        """Take the stores' answers to a record in the order of posting; raises `Wrong`."""
        self._check(index, replies)
        outcome = next(iter(replies.values())).outcome
        self.outcomes[outcome] += 1
        if outcome == "merged":
            self.mergers.add(self.records[index])

    def hear_again(self, index: int, replies: Mapping[str, Reply]) -> None:
        """Take the answers to a record that both stores have answered before; raises `Wrong`."""
        contact = self._check(index, replies)
        outcome = next(iter(replies.values())).outcome
        if outcome != "known":
            raise Wrong(f"record {index}, posted again, was not known but {outcome}")
        person = self._people.setdefault(contact["primaryContactId"], Person(contact, []))
        if person.contact != contact:
            raise Wrong(f"record {index} and an earlier one got two answers for one person")
        person.records.append(self.records[index])

    def people(self) -> list[Person]:
        """Return everybody, when all was heard again, the oldest first; raises `Wrong`."""
        people = [self._people[primary] for primary in sorted(self._people)]
        if len(people) != self._truth.sets:
            raise Wrong(f"{len(people)} people, but the union-find has {self._truth.sets}")
        contacts = sorted(number for person in people for number in person.contacts)
        made = self.outcomes["created"] + self.outcomes["extended"]
        if contacts != list(range(1, made + 1)):
            raise Wrong(f"the contacts of all people are not those from 1 to {made}, each once")
        return people

    @property
    def identifiers(self) -> int:
        """How many distinct identifiers were presented."""
        return self._truth.identifiers

    def _check(self, index: int, replies: Mapping[str, Reply]) -> Mapping[str, Any]:
        """Hold the answers to a record against each other and against the union-find."""
        if len(set(replies.values())) > 1:
            raise Wrong(f"record {index} was answered {dict(replies)}")
        reply = next(iter(replies.values()))
        if reply.status != 200:
            raise Wrong(f"record {index} was answered {reply.status}: {reply.body.decode()}")
        contact: Mapping[str, Any] = json.loads(reply.body)["contact"]
        emails, phones = contact["emails"], contact["phoneNumbers"]
        answered = keys_of(emails, phones)
        record = self.records[index]
        expected = self._truth.unite(keys_of([record.email], [record.phone]))
        if answered != expected or len(answered) != len(emails) + len(phones):
            raise Wrong(
                f"record {index} was answered {emails}, {phones}; "
                f"the union-find has {sorted(expected)}"
            )
        return contact
