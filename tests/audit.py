"""Does a store hold together? All that its tables promise each other, checked from their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import psycopg

from oracle import Node, components, nodes_of

SQLITE, POSTGRESQL = "sqlite:///", "postgresql://"
COLUMNS = {
    "contact": "id, identity_id, created_at, email, phone, position",
    "identifier": "type, key, contact_id",
    "link": "a_type, a_key, b_type, b_key, position",
    "journal": "position, type, at, contact_id, with_contact_id, primary_id, demoted_id,"
    " contacts, identities, last_contact_id",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """One workspace as it stands; contacts by age, the journal by position."""

    contacts: list[Row]
    identifiers: list[Row]
    links: list[Row]
    journal: list[Row]

    @classmethod
    def read(cls, database: str, workspace: str = "default") -> Tables:
        """Read a workspace of a store named as the service names it, in one snapshot."""
        rows = _read_sqlite if database.startswith(SQLITE) else _read_postgresql
        tables = rows(database, workspace)
        return cls(
            sorted(tables["contact"], key=_age),
            tables["identifier"],
            tables["link"],
            sorted(tables["journal"], key=lambda row: int(row["position"])),
        )

    def partition(self) -> set[frozenset[int]]:
        """Return the identities, as the store has them, as sets of contact ids."""
        groups: dict[int, set[int]] = {}
        for contact in self.contacts:
            groups.setdefault(contact["identity_id"], set()).add(contact["id"])
        return {frozenset(group) for group in groups.values()}

    def evidence(self) -> list[list[Node]]:
        """List what was presented together, contacts first."""
        links = [
            [(link["a_type"], link["a_key"]), (link["b_type"], link["b_key"])]
            for link in self.links
        ]
        return [nodes_of(row["email"], row["phone"]) for row in self.contacts] + links


def _select(table: str, schema: str, mark: str) -> str:
    return (
        f"select {COLUMNS[table]} from {schema}{table}"
        f" where workspace = (select id from {schema}workspace where name = {mark})"
    )


def _read_sqlite(database: str, workspace: str) -> dict[str, list[Row]]:
    path = Path(database.removeprefix(SQLITE))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    names = {table: columns.split(", ") for table, columns in COLUMNS.items()}
    with connection:
        tables = {
            table: [
                dict(zip(names[table], row, strict=True))
                for row in connection.execute(_select(table, "", "?"), (workspace,))
            ]
            for table in COLUMNS
        }
    connection.close()
    return tables


def _read_postgresql(database: str, workspace: str) -> dict[str, list[Row]]:
    names = {table: columns.split(", ") for table, columns in COLUMNS.items()}
    with psycopg.connect(database) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return {
            table: [
                dict(zip(names[table], row, strict=True))
                for row in connection.execute(
                    _select(table, "reunite.", "%s").encode(), (workspace,)
                )
            ]
            for table in COLUMNS
        }


def _age(contact: Row) -> tuple[Any, int]:
    return contact["created_at"], contact["id"]


def faults(tables: Tables) -> list[str]:
    """List everything that does not hold together; empty for a sound store."""
    return [
        *_faults_of_identifiers(tables),
        *_faults_of_identities(tables),
        *_faults_of_positions(tables),
        *_faults_of_replay(tables),
    ]


def _faults_of_identifiers(tables: Tables) -> Iterator[str]:
    """Every value of a contact is known, by a contact that holds it, and nothing else is."""
    holders = {(row["type"], row["key"]): row["contact_id"] for row in tables.identifiers}
    oldest: dict[Node, int] = {}
    for contact in tables.contacts:
        for node in nodes_of(contact["email"], contact["phone"]):
            oldest.setdefault(node, contact["id"])
    for node in oldest.keys() | holders.keys():
        if oldest.get(node) != holders.get(node):
            yield (
                f"{node} was presented first by contact {oldest.get(node)},"
                f" identifier says {holders.get(node)}"
            )


def _faults_of_identities(tables: Tables) -> Iterator[str]:
    """Identities are the connected components of the evidence."""
    connected = components(tables.evidence())
    groups: dict[frozenset[Node], set[int]] = {}
    for contact in tables.contacts:
        component = connected[nodes_of(contact["email"], contact["phone"])[0]]
        groups.setdefault(component, set()).add(contact["id"])
    by_evidence = {frozenset(group) for group in groups.values()}
    for group in by_evidence ^ tables.partition():
        who = "the evidence" if group in by_evidence else "identity_id"
        yield f"only {who} puts the contacts {sorted(group)} together"
    holders = {(row["type"], row["key"]) for row in tables.identifiers}
    for link in tables.links:
        if not {(link["a_type"], link["a_key"]), (link["b_type"], link["b_key"])} <= holders:
            yield f"the link at position {link['position']} names what nobody presented"


def _faults_of_positions(tables: Tables) -> Iterator[str]:
    """Positions and ids have no gaps; each contact and link has the one row that made it."""
    positions = [row["position"] for row in tables.journal]
    if positions != list(range(1, len(positions) + 1)):
        yield f"the journal's positions have gaps: {positions}"
    ids = sorted(row["id"] for row in tables.contacts)
    if ids != list(range(1, len(ids) + 1)):
        yield f"the contacts' ids have gaps: {ids}"
    made = {
        row["position"]: row["contact_id"]
        for row in tables.journal
        if row["type"] in ("created", "extended")
    }
    if made != {row["position"]: row["id"] for row in tables.contacts}:
        yield "contacts and the journal disagree on which position made which contact"
    linking = {row["position"] for row in tables.journal if row["type"] in ("merged", "linked")}
    linked = Counter(row["position"] for row in tables.links)
    if linked.keys() != linking or any(count > 1 for count in linked.values()):
        yield "links and the journal disagree on which position left which link"


class _Replay:
    """The journal applied row by row, on nothing but contact ids and their ages."""

    def __init__(self, age: dict[int, Any]) -> None:
        self.age = age
        self.home: dict[int, set[int]] = {}
        self.identities = 0
        self.last_id = 0

    def apply(self, row: Row) -> Iterator[str]:
        """Apply one row and say what is odd about it."""
        one, other = row["contact_id"], row["with_contact_id"]
        groups = [self.home[each] for each in (one, other) if each in self.home]
        primaries = {min(group, key=self.age.__getitem__) for group in groups}
        distinct = len({id(group) for group in groups})
        if (distinct, one in self.home) != _BEFORE[row["type"]]:
            yield f"contacts {one} and {other} were in {distinct} identities before"
        joined = self._join([*groups, {one}])
        self.identities += 1 - distinct if distinct != 1 else 0
        self.last_id = max(self.last_id, one)
        primary = min(joined, key=self.age.__getitem__)
        if row["primary_id"] != primary:
            yield f"the primary is {primary}, it says {row['primary_id']}"
        demoted = primaries - {primary}
        if row["type"] == "merged" and {row["demoted_id"]} != demoted:
            yield f"{demoted} was demoted, it says {row['demoted_id']}"

    def _join(self, groups: list[set[int]]) -> set[int]:
        largest = max(groups, key=len)
        for group in groups:
            if not group <= largest or not group <= self.home.keys():
                largest |= group
                self.home.update(dict.fromkeys(group, largest))
        return largest

    def totals(self) -> tuple[int, int, int]:
        return len(self.home), self.identities, self.last_id


_BEFORE = {
    "created": (0, False),
    "extended": (1, False),
    "merged": (2, True),
    "linked": (1, True),
}
"""In how many identities a row's contacts were before it, and whether the first was in one."""


def _faults_of_replay(tables: Tables) -> Iterator[str]:
    """The journal, replayed, gives the same identities, and its totals are right throughout."""
    replay = _Replay({row["id"]: _age(row) for row in tables.contacts})
    last_at = None
    for row in tables.journal:
        here = f"journal {row['position']} ({row['type']})"
        other = row["with_contact_id"]
        if row["contact_id"] not in replay.age or (other and other not in replay.home):
            yield f"{here} names contacts that do not exist, or not yet"
            return
        yield from (f"{here}: {fault}" for fault in replay.apply(row))
        if last_at is not None and row["at"] < last_at:
            yield f"{here} is dated before the one in front of it"
        last_at = row["at"]
        kept = row["contacts"], row["identities"], row["last_contact_id"]
        if kept != replay.totals():
            yield f"{here} keeps the totals {kept}, they are {replay.totals()}"
    replayed = {frozenset(group) for group in replay.home.values()}
    for group in replayed ^ tables.partition():
        who = "the journal" if group in replayed else "identity_id"
        yield f"only {who} puts the contacts {sorted(group)} together"
