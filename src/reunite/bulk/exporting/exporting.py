"""Contacts or identities as a file, for people and for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import duckdb

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.tables import STEP, bring_table, bring_tree
from reunite.bulk.progress import Progress
from reunite.errors import ExportStopped
from reunite.repositories import queries
from reunite.repositories.bulk import Snapshot

QUERIES = queries.load("reunite.bulk.exporting", "exporting.sql")

Format: TypeAlias = Literal["csv", "ndjson", "parquet"]
What: TypeAlias = Literal["contacts", "identities"]

_OPTIONS = {"csv": "format csv, header true", "ndjson": "format json", "parquet": "format parquet"}


def export(
    engine: Engine, snapshot: Snapshot, what: What, format_: Format, path: Path, progress: Progress
) -> int:
    """Write all contacts by id, or all identities by their primaries' ids, and return how many.

    Raises `ExportStopped` where the file cannot be written, `StoreError` where the store fails.
    """
    bring_table(engine, snapshot, "contact", progress)
    bring_tree(engine, snapshot, progress)
    if what == "identities":
        _gather_identities(engine, snapshot, progress)
    query = "identities_as_text" if (what, format_) == ("identities", "csv") else what
    engine.connection.execute(QUERIES["times" if format_ == "parquet" else "times_as_text"])
    with progress.phase(f"writing {what}"):
        try:
            ((rows,),) = engine.connection.execute(
                f"copy ({QUERIES[query]}\n) to $path ({_OPTIONS[format_]})", {"path": str(path)}
            ).fetchall()
        except duckdb.IOException as error:
            raise ExportStopped(f"{path} could not be written: {error}") from None
    return int(rows)


def _gather_identities(engine: Engine, snapshot: Snapshot, progress: Progress) -> None:
    bring_table(engine, snapshot, "identifier", progress)
    bring_table(engine, snapshot, "link", progress, standing=True)
    for query in ("make_member", "make_attribute", "make_exported"):
        engine.connection.execute(QUERIES[query])
    rows = engine.count("member")
    with progress.phase("gathering identities", rows) as advance:
        low = 0
        while low < rows:
            high = _end_of(engine, min(low + STEP // 2, rows) - 1)
            engine.connection.execute(QUERIES["export_identities"], {"low": low, "high": high})
            advance(high - low)
            low = high


def _end_of(engine: Engine, row: int) -> int:
    ((high,),) = engine.connection.execute(QUERIES["end_of"], {"row": row}).fetchall()
    return int(high)
