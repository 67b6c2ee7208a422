"""The tables of a snapshot, brought into an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.engine import Engine
from reunite.bulk.literal import literal
from reunite.bulk.progress import Progress
from reunite.repositories.bulk import TABLES, Snapshot

TREE = (
    "id",
    "phone_number",
    "email",
    "linked_id",
    "link_precedence",
    "created_at",
    "updated_at",
)
"""The columns of ``contact_tree``, as `Snapshot.tree_csv` gives them."""

STEP = 250_000
"""Rows that are looked at at a time."""

_TEXTS = frozenset(
    {"email", "phone", "phone_number", "source", "anchor", "type", "key", "a_type", "a_key"}
    | {"b_type", "b_key", "source_id", "linked_id", "link_precedence", "target", "reason"}
    | {"who", "why"}
)

_FREE = frozenset({"source_id", "linked_id", "who", "why"})
"""The columns that may have any text, of several lines as well."""

Column: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


def bring_table(
    engine: Engine, snapshot: Snapshot, table: str, progress: Progress, *, standing: bool = False
) -> None:
    """Make a table of the engine of a whole table of the store, in the order it comes in.

    ``standing`` leaves out what is voided, as in `Snapshot.csv`.
    """
    blocks = snapshot.csv(table, standing=standing)
    _bring(engine, table, TABLES[table], blocks, total_of(snapshot, table), progress)


def bring_tree(engine: Engine, snapshot: Snapshot, progress: Progress) -> None:
    """Make the table ``tree`` of the view ``contact_tree``, by id."""
    _bring(engine, "tree", TREE, snapshot.tree_csv(), snapshot.head.contacts, progress)


def load_csv(engine: Engine, table: str, columns: Sequence[str], path: str) -> None:
    """Make a table of CSV as a snapshot writes it. Raises `duckdb.Error` where it is none."""
    # A row of an import may have said anything as its linkedId, the view has numbers.
    texts = _TEXTS - {"linked_id"} if table == "tree" else _TEXTS
    types = {name: "VARCHAR" if name in texts else "BIGINT" for name in columns}
    # Readers side by side guess where a line begins, and free text may look like anything.
    parallel = not _FREE.intersection(texts, columns)
    engine.connection.execute(
        f"create or replace table {table} as select * from read_csv({literal(Path(path))},"
        f" columns = {types}, header = false, auto_detect = false, delim = ',', quote = '\"',"
        " escape = '\"', new_line = '\\n', nullstr = '', allow_quoted_nulls = false,"
        f" parallel = {parallel}, hive_partitioning = false)"
    )


def number_identifiers(engine: Engine) -> None:
    """Make ``node`` of ``identifier``: rows are numbered by type and key in byte order."""
    engine.connection.execute(
        "create or replace table node as"
        " select type, key, contact_id, blocked_by from identifier order by type, key"
    )
    engine.connection.execute("drop table identifier")


def holders_of(engine: Engine) -> Iterator[tuple[Column, Flags]]:
    """Who holds each identifier, by contact id (0 is nobody), and whether it is blocked."""
    yield from slices(engine, "node", "coalesce(contact_id, 0), blocked_by is not null")


def column_of(engine: Engine, table: str, expression: str) -> Any:
    """An expression over all rows of a table that is never null, as one array."""
    column, low = np.empty(0, dtype=np.int64), 0
    for (some,) in slices(engine, table, expression):
        if not low:
            column = np.empty(engine.count(table), dtype=some.dtype)
        column[low : low + len(some)] = some
        low += len(some)
    return column


def ids_of(engine: Engine) -> Column:
    """The ids of all contacts, ascending, in half of the memory where they are small enough."""
    ((last,),) = engine.connection.execute("select coalesce(max(id), 0) from contact").fetchall()
    is_small = last <= np.iinfo(np.int32).max
    ids: Column = column_of(engine, "contact", "id::integer" if is_small else "id")
    return ids


def places_of(wanted: Column, ids: Column) -> Column:
    """Where each wanted id stands among those (ascending); -1 where it is not there."""
    if not len(ids):
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(ids, wanted.astype(ids.dtype)), len(ids) - 1)
    return np.where(ids[places] == wanted, places, -1)


def slices(
    engine: Engine, table: str, columns: str, low: int = 0, high: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """Columns of a table, `STEP` rows at a time, in the order of its rows.

    Args:
        columns: expressions that are never null, separated by commas.
        low, high: the rows to look at, from 0; else all.
    """
    end = engine.count(table) if high is None else high
    for start in range(low, end, STEP):
        found = engine.connection.execute(
            f"select {columns} from {table} where rowid >= $low and rowid < $high",
            {"low": start, "high": min(start + STEP, end)},
        ).fetchnumpy()
        yield tuple(found.values())


def _bring(
    engine: Engine,
    table: str,
    columns: Sequence[str],
    blocks: Iterable[bytes],
    total: int | None,
    progress: Progress,
) -> None:
    with progress.phase(f"reading {table}", total) as advance:
        path = engine.spool(f"{table}.csv", counted(blocks, advance))
        load_csv(engine, table, columns, str(path))
    path.unlink()


def counted(blocks: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    """The same blocks of CSV, of which the lines are counted."""
    for block in blocks:
        yield block
        advance(block.count(b"\n"))


def total_of(snapshot: Snapshot, table: str) -> int | None:
    """How many rows a table has, where the journal says so."""
    return {"contact": snapshot.head.contacts, "journal": snapshot.head.position}.get(table)
