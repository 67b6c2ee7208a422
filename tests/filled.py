"""Rows for whole tables, as tests write them down; and whole tables as one reads them back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from reunite import repositories
from reunite.bulk.engine import Engine, QueryRows
from reunite.repositories.bulk import TABLES, Loading, Snapshot

Row = tuple[Any, ...]
Tables = dict[str, list[tuple[str | None, ...]]]

_NUMBERS = frozenset(
    {"id", "identity_id", "into", "created_at", "position", "at", "blocked_by", "contacts"}
    | {"identities", "last_contact_id", "primary_id", "demoted_id", "with_contact_id", "last_at"}
    | {"contact_id", "a_contact_id", "b_contact_id", "target_position", "voided", "requests"}
    | {"constraint_position"}
)


def rows(engine: Engine, columns: Sequence[str], *values: Row) -> QueryRows:
    """These rows, in this order, out of a table of the engine."""
    types = ["bigint" if name in _NUMBERS else "varchar" for name in columns]
    table = f"filled_{engine.count('duckdb_tables()')}"
    engine.fill(table, {f"c{place}": type_ for place, type_ in enumerate(types)}, [values])
    named = ", ".join(f'c{place} as "{name}"' for place, name in enumerate(columns))
    return engine.rows(f"select {named} from {table}", columns)


def contacts(engine: Engine, *values: Row) -> QueryRows:
    return rows(engine, [name for name in TABLES["contact"] if name != "voided"], *values)


def person(id_: int, position: int = 1) -> Row:
    """A contact of an identity of its own, dated by its id."""
    email, phone = f"{id_}@example.com", f"+{id_}"
    return id_, id_, id_, email, phone, position, "imported", "email"


def load_people(engine: Engine, loading: Loading, ids: range) -> None:
    """Write an import of strangers, journal and all; it is left to be committed."""
    position = loading.head.position + 1
    identifiers = [("email", f"{id_}@example.com", id_, None) for id_ in ids]
    identifiers += [("phone", f"{id_}", id_, None) for id_ in ids]
    loading.write("contact", contacts(engine, *(person(id_, position) for id_ in ids)))
    loading.write("identifier", rows(engine, TABLES["identifier"], *sorted(identifiers)))
    loading.write("journal", imported(engine, loading, len(ids), len(ids), ids[-1]))


def imported(
    engine: Engine, loading: Loading, contacts: int, identities: int, last_contact_id: int
) -> QueryRows:
    """The journal's row of an import that brought so many."""
    head = loading.head
    totals = head.contacts + contacts, head.identities + identities
    entry = head.position + 1, "imported", loading.at, None, None, None, None, *totals
    last = max(last_contact_id, head.last_contact_id)
    return rows(engine, TABLES["journal"], (*entry, last, None, None))


def table(snapshot: Snapshot, name: str) -> list[tuple[str | None, ...]]:
    """The rows of a table in order of its columns, null as None."""
    return sorted(_parsed(snapshot.csv(name)), key=repr)


def tree(snapshot: Snapshot) -> list[tuple[str | None, ...]]:
    return list(_parsed(snapshot.tree_csv()))


def everything(url: str, workspace: str) -> Tables:
    """All that a workspace holds, read in one snapshot; nothing where it is not made."""
    with repositories.snapshot(url, workspace=workspace, or_empty=True) as snapshot:
        tables = {name: table(snapshot, name) for name in TABLES}
        flags = snapshot.has_blocks, snapshot.has_constraints
        state = str(snapshot.identity_limit), *map(str, flags)
    return {**tables, "workspace": [state]}


def _parsed(blocks: Iterator[bytes]) -> Iterator[tuple[str | None, ...]]:
    lines = io.StringIO(b"".join(blocks).decode(), newline="")
    for record in csv.reader(lines):
        yield tuple(None if field == "" else field for field in record)
