"""What an import means, as naively as can be: the reference for `reunite import`.

Rows are in normal form already; identities are sets of contact ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oracle import Node, components, nodes_of


@dataclass(frozen=True)
class Row:
    """One contact of the past; ``linked`` is its linkedId."""

    id: int
    created_at: int
    email: str | None
    phone: str | None
    linked: int | None = None
    deleted: bool = False

    @property
    def nodes(self) -> list[Node]:
        return nodes_of(self.email, self.phone)

    @property
    def age(self) -> tuple[int, int]:
        return self.created_at, self.id


def taken(rows: Iterable[Row], blocked: frozenset[Node] = frozenset()) -> list[Row]:
    """The rows that become contacts, the oldest first."""
    return sorted(
        (row for row in rows if not row.deleted and not blocked.issuperset(row.nodes)),
        key=lambda row: row.age,
    )


def counted(rows: Sequence[Row], blocked: frozenset[Node] = frozenset()) -> list[list[Node]]:
    """The linkedIds that are evidence, between rows or from a row to a silent node."""
    there = {row.id: row for row in taken(rows, blocked)}
    by_identifiers = components([("contact", str(row.id)), *row.nodes] for row in there.values())
    evidence = []
    for row in there.values():
        here = ("contact", str(row.id))
        if row.linked is None:
            continue
        named = ("contact", str(row.linked))
        if row.linked not in there:
            evidence.append([here, ("silent", str(row.linked))])
        elif by_identifiers[here] != by_identifiers[named]:
            evidence.append([here, named])
    return evidence


def evidence(rows: Sequence[Row], blocked: frozenset[Node] = frozenset()) -> list[list[Node]]:
    """All evidence of an import."""
    contacts = [
        [("contact", str(row.id)), *(node for node in row.nodes if node not in blocked)]
        for row in taken(rows, blocked)
    ]
    return contacts + counted(rows, blocked)


def identities(all_evidence: Iterable[Iterable[Node]]) -> set[frozenset[int]]:
    """The contacts of each component that has any."""
    return {
        group
        for component in components(all_evidence).values()
        if (group := frozenset(int(key) for type_, key in component if type_ == "contact"))
    }
