"""Reading sources: from files and tables to rows in normal form, and to what was wrong with them.

gathering    rows as text, from every kind of source
normalising  what each row says, in normal form
faults       what was not taken
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reunite.bulk.engine import Engine
from reunite.bulk.progress import Progress
from reunite.bulk.reading.faults import QUERIES as FAULTS
from reunite.bulk.reading.faults import (
    Fault,
    FaultCount,
    fault_counts,
    first_faults,
    make_faults,
    where_are,
)
from reunite.bulk.reading.gathering import begin, gather
from reunite.bulk.reading.normalising import QUERIES, normalise
from reunite.bulk.reading.source import Source
from reunite.errors import ImportStopped
from reunite.identifier import Policy
from reunite.reconcile import Microseconds

__all__ = ["Fault", "FaultCount", "ReadSource", "Reading", "read", "with_refused"]


@dataclass(frozen=True)
class ReadSource:
    """A source, its rows, our columns by its names for them, and columns that were left alone."""

    name: str
    rows: int
    mapping: dict[str, str]
    ignored: list[str]


@dataclass(frozen=True)
class Reading:
    """What was read: rows are taken, soft-deleted or refused; ``examples`` are the first faults."""

    sources: list[ReadSource]
    rows: int
    taken: int
    deleted: int
    refused: int
    faults: list[FaultCount]
    examples: list[Fault]


def read(
    engine: Engine,
    sources: Sequence[Source],
    *,
    mapping: Mapping[str, str],
    policy: Policy,
    renumber: bool,
    at: Microseconds,
    progress: Progress,
) -> Reading:
    """Read sources into tables of the engine.

    Args:
        engine: gets ``taken``, ``left_out`` and ``fault``.
        sources: files and tables, from `source.sources_of`.
        mapping: our names of columns to the sources', where they are not recognised.
        policy: how phones are compared.
        renumber: whether ids are given anew.
        at: the time of the import.
        progress: told of each source.

    Raises `ImportStopped` for sources that cannot be read, lack a column, or whose ids cannot be
    kept.
    """
    begin(engine)
    found = []
    for number, source in enumerate(sources):
        with progress.phase(f"reading {source.name}") as advance:
            gathered = gather(
                engine, source, number, mapping, needs_id=not renumber, advance=advance
            )
        found.append(ReadSource(source.name, *gathered))
    with progress.phase("normalising") as advance:
        normalise(engine, policy, at, renumber=renumber)
        make_faults(engine)
        rows, taken, deleted, refused, ids = _only(engine.connection.execute(QUERIES["counts"]))
        advance(rows)
    if not renumber:
        _require_ids(engine, rows, ids)
    engine.connection.execute(FAULTS["keep_places"])
    engine.connection.execute("drop table raw")
    faults, examples = fault_counts(engine), first_faults(engine)
    return Reading(found, rows, taken, deleted, refused, faults, examples)


def with_refused(engine: Engine, reading: Reading, refused: int) -> Reading:
    """The same where so many rows that were taken turned out to be refused, with their faults."""
    return replace(
        reading,
        taken=reading.taken - refused,
        refused=reading.refused + refused,
        faults=fault_counts(engine),
        examples=first_faults(engine),
    )


def _require_ids(engine: Engine, rows: int, ids: int) -> None:
    if rows and not ids:
        raise ImportStopped(
            "no row has an id that can be kept (a whole number from 1 to 4503599627370496); "
            "--renumber gives new ones"
        )
    duplicates = engine.connection.execute(QUERIES["duplicates"]).fetchmany(5)
    if duplicates:
        told = [
            f"{id_} ({_place(engine, first)} and {_place(engine, last)})"
            for id_, _, first, last in duplicates
        ]
        raise ImportStopped(
            f"several rows have the same id: {', '.join(told)}; --renumber gives new ones to all"
        )


def _place(engine: Engine, record: int) -> str:
    ((source, line),) = where_are(engine, [record])
    return f"{source} line {line}"


def _only(result: Any) -> tuple[int, ...]:
    row: tuple[int, ...] = result.fetchone()
    return row
