"""The results as tables."""

from __future__ import annotations

from collections.abc import Iterator

from bench.importing.goals import judge
from bench.importing.results import Results, Row
from bench.tables import Table, goals_table, machine_table, print_tables


def show(results: Results) -> None:
    """Print all that was measured, the goals last."""
    print_tables(_tables(results))


def _tables(results: Results) -> Iterator[Table]:
    measured = f"rounds: {results.plan.rounds}; the median, of memory the most"
    yield machine_table(results.machine, results.at, measured)
    yield _costs("Into an empty store", results.empty)
    yield _phases(results.empty)
    yield _costs("By identify_many in batches of 1,000, and imported", results.identify)
    yield _costs("Ten times the rows (one round)", results.large)
    yield _costs("Into a store of few contacts and of many", results.size)
    yield _whole(results.whole)
    yield Table("Left out", ("part", "why"), list(results.left_out.items()))
    yield goals_table(judge(results))


def _costs(title: str, rows: list[Row]) -> Table:
    cells = [
        (
            row.what,
            row.by,
            f"{row.before:,}",
            f"{row.rows:,}",
            f"{row.seconds:.2f}",
            f"{row.cpu_seconds:.2f}",
            f"{row.rate:,.0f}",
            f"{row.peak_mb:,.0f}",
            f"{row.locked_seconds:.2f}",
        )
        for row in rows
    ]
    columns = ("", "by", "into", "rows", "s", "CPU s", "rows/s", "peak MB", "s locked")
    return Table(title, columns, cells)


def _whole(rows: list[Row]) -> Table:
    cells = [
        (
            row.what,
            row.by,
            f"{row.rows:,}",
            f"{row.seconds:.2f}",
            f"{row.cpu_seconds:.2f}",
            f"{row.rate:,.0f}",
            f"{row.peak_mb:,.0f}",
        )
        for row in rows
    ]
    columns = ("", "done", "contacts", "s", "CPU s", "contacts/s", "peak MB")
    return Table("All of a store of live requests (one round)", columns, cells)


def _phases(rows: list[Row]) -> Table:
    """Where the time went, in each one's last round."""
    took = [row.runs[-1].phases for row in rows]
    names = dict.fromkeys(name for phases in took for name in phases)
    cells = [
        (name, *(f"{phases[name]:.2f}" if name in phases else "" for phases in took))
        for name in names
    ]
    return Table("Where the time went, last round, s", ("phase", *(r.what for r in rows)), cells)
