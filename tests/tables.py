"""A workspace of a store, read whole, whichever store it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apsw
import psycopg

from oracle import Node, components, nodes_of

SQLITE = "sqlite:///"
COLUMNS = {
    "contact": "id, identity_id, created_at, email, phone, position, source, anchor",
    "identifier": "type, key, contact_id, blocked_by",
    "link": "a_type, a_key, b_type, b_key, source, position, a_contact_id, b_contact_id",
    "journal": "position, type, at, contact_id, with_contact_id, primary_id, demoted_id,"
    " contacts, identities, last_contact_id",
    "provenance": "contact_id, position, source_id, linked_id",
    "tombstone": "contact_id, position",
    "demotion": "contact_id, position",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """One workspace as it stands; contacts by age, the journal by position."""

    contacts: list[Row]
    identifiers: list[Row]
    links: list[Row]
    journal: list[Row]
    provenance: list[Row]
    tombstones: list[Row]
    demotions: list[Row]
    has_blocks: bool

    @classmethod
    def read(cls, database: str, workspace: str = "default") -> Tables:
        """Read a workspace of a store named as the service names it, in one snapshot."""
        rows = _read_sqlite if database.startswith(SQLITE) else _read_postgresql
        tables, has_blocks = rows(database, workspace)
        return cls(
            sorted(tables["contact"], key=age),
            tables["identifier"],
            tables["link"],
            sorted(tables["journal"], key=lambda row: int(row["position"])),
            tables["provenance"],
            tables["tombstone"],
            tables["demotion"],
            has_blocks,
        )

    def partition(self) -> set[frozenset[int]]:
        """Return the identities, as the store has them, as sets of contact ids."""
        groups: dict[int, set[int]] = {}
        for contact in self.contacts:
            groups.setdefault(contact["identity_id"], set()).add(contact["id"])
        return {frozenset(group) for group in groups.values()}

    def blocked(self) -> set[Node]:
        """Return the identifiers that are blocked."""
        return {(row["type"], row["key"]) for row in self.identifiers if row["blocked_by"]}

    def holders(self) -> dict[Node, int]:
        """Map each identifier that is not blocked to the contact that holds it."""
        return {
            (row["type"], row["key"]): row["contact_id"]
            for row in self.identifiers
            if not row["blocked_by"]
        }

    def evidence(self) -> list[list[Node]]:
        """List what stands together, contacts first; what is blocked is no evidence."""
        blocked = self.blocked()
        together = [nodes_of(row["email"], row["phone"]) for row in self.contacts]
        together += [ends(link) for link in self.links]
        return [[node for node in nodes if node not in blocked] for nodes in together]

    def groups(self) -> set[frozenset[int]]:
        """Return the identities, as the evidence has them, as sets of contact ids."""
        evidence = self.evidence()
        connected = components(evidence)
        groups: dict[frozenset[Node], set[int]] = {}
        for contact, nodes in zip(self.contacts, evidence, strict=False):
            groups.setdefault(connected[nodes[0]], set()).add(contact["id"])
        return {frozenset(group) for group in groups.values()}

    def until(self, position: int) -> Tables:
        """Return the evidence that stood right after a position."""
        return replace(
            self,
            contacts=[row for row in self.contacts if row["position"] <= position],
            links=[row for row in self.links if row["position"] <= position],
        )


def ends(link: Row) -> list[Node]:
    """Name the two identifiers of a link."""
    return [(link["a_type"], link["a_key"]), (link["b_type"], link["b_key"])]


def _select(table: str, schema: str, mark: str) -> str:
    return (
        f"select {COLUMNS[table]} from {schema}{table}"
        f" where workspace = (select id from {schema}workspace where name = {mark})"
    )


def _read_sqlite(database: str, workspace: str) -> tuple[dict[str, list[Row]], bool]:
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
        blocks = connection.execute(_HAS_BLOCKS.format("", "?"), (workspace,)).get
    connection.close()
    return tables, bool(blocks)


def _read_postgresql(database: str, workspace: str) -> tuple[dict[str, list[Row]], bool]:
    names = {table: columns.split(", ") for table, columns in COLUMNS.items()}
    with psycopg.connect(database) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        tables = {
            table: [
                dict(zip(names[table], row, strict=True))
                for row in connection.execute(
                    _select(table, "reunite.", "%s").encode(), (workspace,)
                )
            ]
            for table in COLUMNS
        }
        blocks = connection.execute(
            _HAS_BLOCKS.format("reunite.", "%s").encode(), (workspace,)
        ).fetchone()
    return tables, blocks == (True,)


_HAS_BLOCKS = "select has_blocks from {}workspace where name = {}"


def age(contact: Row) -> tuple[Any, int]:
    """What contacts are ordered by."""
    return contact["created_at"], contact["id"]
