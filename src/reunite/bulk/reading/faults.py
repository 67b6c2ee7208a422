"""What was not taken of the sources: told by the first few, by counts, or whole as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reunite.bulk.engine import Engine
from reunite.bulk.output import written_file
from reunite.errors import ImportStopped
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.reading", "faults.sql")

EXAMPLES = 20


@dataclass(frozen=True)
class Fault:
    """A value that was not taken, or a row (column ``""``); ``line`` is where the row begins.

    ``refused`` tells whether the whole row was not taken.
    """

    source: str
    line: int
    column: str
    value: str | None
    reason: str
    refused: bool


@dataclass(frozen=True)
class FaultCount:
    """How often values of a column were not taken for the same reason."""

    column: str
    reason: str
    count: int


def make_faults(engine: Engine) -> None:
    """Make the table ``fault`` of what the tables of normalising.sql say."""
    engine.connection.execute(QUERIES["make_fault"])


def fault_counts(engine: Engine) -> list[FaultCount]:
    """The faults by column and reason, the most frequent first."""
    return [
        FaultCount(*row) for row in engine.connection.execute(QUERIES["fault_counts"]).fetchall()
    ]


def first_faults(engine: Engine) -> list[Fault]:
    """The first faults, as the sources have them."""
    found = engine.connection.execute(QUERIES["examples"], {"count": EXAMPLES}).fetchall()
    return [Fault(*row) for row in found]


def where_are(engine: Engine, records: Sequence[int]) -> list[tuple[str, int]]:
    """The source and line of each of these records, which are ascending."""
    found = engine.connection.execute(QUERIES["where_records_are"], {"records": list(records)})
    return [(str(source), int(line)) for source, line in found.fetchall()]


def write_rejects(engine: Engine, path: Path) -> None:
    """Write all faults to a CSV file: source, line, column, value, reason.

    Raises `ImportStopped` where it cannot be written.
    """
    with written_file(path, engine.folder / "rejects", ImportStopped) as written:
        engine.connection.execute(
            'copy (select source, line, col as "column", value, reason from fault order by rowid)'
            " to $path (format csv, header)",
            {"path": str(written)},
        )
