"""What a store holds after the import, as users read it, against the truth."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import psycopg
from psycopg import sql

from demo.adopt.checks import Check
from demo.adopt.rows import email_key, phone_key
from demo.adopt.truth import Truth, read_numbers
from demo.contacts import WRONG_MERGES

_TREE = "select {} from {}contact_tree"

Tree = dict[int, int]
"""The id of each contact, and that of its primary."""


class Shown(NamedTuple):
    """A contact, its primary, and the keys of what it answers for."""

    id: int
    primary: int
    keys: list[str]


def read_tree(database: str) -> Tree:
    """All contacts of a store."""
    return dict(_rows(database, "id, coalesce(linked_id, id)"))


def read_shown(database: str) -> Iterator[Shown]:
    """All contacts of a store, with what they answer for."""
    columns = "id, coalesce(linked_id, id), email, phone_number"
    for id_, primary, email, phone in _rows(database, columns):
        keys = email_key(email or ""), phone_key(phone or "")
        yield Shown(id_, primary, [key for key in keys if key is not None])


def _rows(database: str, columns: str) -> Iterator[tuple[Any, ...]]:
    if database.startswith("sqlite:"):
        connection = apsw.Connection(
            database.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY
        )
        try:
            yield from connection.execute(_TREE.format(columns, ""))
        finally:
            connection.close()
    else:
        query = sql.SQL(_TREE).format(sql.SQL(columns), sql.SQL("reunite."))
        with psycopg.connect(database) as client, client.cursor("tree") as cursor:
            cursor.itersize = 50_000
            yield from cursor.execute(query)


def compare_tree(store: str, tree: Tree, truth: Truth) -> Iterator[Check]:
    """The same contacts, in the same groups, and the oldest of each its primary."""
    contacts = Check(f"{store}: contacts, against the rows that can be taken")
    for id_ in tree.keys() | truth.primary_of.keys():
        contacts.compare(f"contact {id_}", id_ in tree, id_ in truth.primary_of)
    yield contacts
    parts = Check(f"{store}: identities, against the components")
    found, due = _parts(tree), _parts(truth.primary_of)
    for part in found | due:
        parts.compare(f"{sorted(part)[:10]} are one identity", part in found, part in due)
    yield parts
    primaries = Check(f"{store}: primaries, against the oldest of each component")
    for id_, primary in tree.items():
        primaries.compare(f"the primary of contact {id_}", primary, truth.primary_of.get(id_))
    yield primaries


def compare_people(store: str, tree: Tree, folder: Path) -> Check:
    """Identities and people differ by the planted wrong merges, each of two people, and no more."""
    check = Check(f"{store}: identities, against the people and the planted wrong merges")
    person_of = read_numbers(folder / "people.csv", "person")
    people_of: dict[int, set[int]] = defaultdict(set)
    identities_of: dict[int, set[int]] = defaultdict(set)
    for id_, primary in tree.items():
        people_of[primary].add(person_of[id_])
        identities_of[person_of[id_]].add(primary)
    for person, identities in identities_of.items():
        check.compare(f"identities of person {person}", len(identities), 1)
    merged = {tuple(sorted(people)) for people in people_of.values() if len(people) > 1}
    with (folder / "wrong_merges.csv").open(encoding="utf-8", newline="") as file:
        planted = {(int(row["person"]), int(row["with_person"])) for row in csv.DictReader(file)}
    check.compare("number of wrong merges", len(merged), WRONG_MERGES)
    for people in merged | planted:
        check.compare(f"{people} are merged", people in merged, people in planted)
    return check


def _parts(primary_of: Tree) -> set[frozenset[int]]:
    members: dict[int, list[int]] = defaultdict(list)
    for id_, primary in primary_of.items():
        members[primary].append(id_)
    return {frozenset(part) for part in members.values()}
