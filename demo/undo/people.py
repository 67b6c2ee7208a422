"""What the stores hold in the end, against the people who were behind the table."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo.adopt.checks import Check
from demo.adopt.partition import Shown
from demo.adopt.rows import read_rows
from demo.adopt.truth import read_numbers

Pair = tuple[int, int]
"""Two people, the smaller number first."""


@dataclass
class Planted:
    """The people of a table, and which of them it wrongly joins.

    Attributes:
        person_of: who was behind each row that can be taken, by its id.
        presented: the keys on each of these rows.
        owners: who presented each key, but for whom it was lent to.
        wrong_merges: who was joined with whom.
    """

    person_of: dict[int, int]
    presented: dict[int, list[str]] = field(default_factory=dict)
    owners: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    wrong_merges: set[Pair] = field(default_factory=set)


def read_planted(folder: Path) -> Planted:
    """Read a table's folder."""
    planted = Planted(read_numbers(folder / "people.csv", "person"))
    for row in read_rows(folder / "contacts.csv"):
        person = planted.person_of.get(row.id)
        if person is not None:
            planted.presented[row.id] = row.keys
            for key in row.keys:
                planted.owners[key].add(person)
    with (folder / "wrong_merges.csv").open(encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file):
            one, other = int(each["person"]), int(each["with_person"])
            planted.wrong_merges.add((min(one, other), max(one, other)))
            planted.owners[each["identifier"]].discard(other)
    return planted


def compare_people(
    store: str, shown: Iterable[Shown], planted: Planted, blocked: Collection[str]
) -> Iterator[Check]:
    """Identities are people: the same contacts, and the same identifiers that are not blocked.

    A contact of which a value was taken back is with whom the other one belongs to.
    """
    contacts = Check(f"{store}: contacts of each identity, against the people")
    identifiers = Check(f"{store}: whose each identifier is, against the people")
    found: defaultdict[int, set[int]] = defaultdict(set)
    due: defaultdict[int, set[int]] = defaultdict(set)
    for each in shown:
        free = [key for key in each.keys if key not in blocked]
        person = planted.person_of.get(each.id)
        if person is None or planted.presented[each.id] != each.keys:
            person = min(planted.owners[free[0]])
        found[each.primary].add(each.id)
        due[person].add(each.id)
        for key in free:
            identifiers.compare(f"{key} of contact {each.id}", planted.owners[key], {person})
    parts = {frozenset(ids) for ids in found.values()}
    people = {frozenset(ids) for ids in due.values()}
    for part in parts | people:
        contacts.compare(f"{sorted(part)[:10]} are one", part in parts, part in people)
    rows = Check(f"{store}: contacts, of all rows that can be taken")
    ids = set().union(*found.values())
    for id_ in planted.person_of:
        rows.compare(f"contact {id_} is there", id_ in ids, True)
    yield from (rows, contacts, identifiers)


def people_joined(planted: Planted, emails: Iterable[tuple[str, str]]) -> set[Pair]:
    """The pairs of people whom pairs of e-mails are of, as far as they are of one each."""
    owner = _owner_of(planted.owners)
    pairs = (sorted((owner.get(one, -1), owner.get(other, -1))) for one, other in emails)
    return {(one, other) for one, other in pairs}


def _owner_of(owners: Mapping[str, set[int]]) -> dict[str, int]:
    return {key: next(iter(people)) for key, people in owners.items() if len(people) == 1}
