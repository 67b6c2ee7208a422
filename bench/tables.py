"""The results as tables: Rich ones in a terminal, plain text elsewhere."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import rich.table
from rich.console import Console

from bench.goals import Goal, judge
from bench.lab import NO_STORE
from bench.latency import Paced
from bench.machine import Machine
from bench.measure import Row, ratio
from bench.results import Results
from bench.size import BATCH
from bench.workloads import WORKLOADS


class Table(NamedTuple):
    """A title, the columns' names, and rows of as many cells; numbers stand to the right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def show(results: Results) -> None:
    """Print all that was measured, the goals last."""
    print_tables(_tables(results))


def print_tables(tables: Iterable[Table]) -> None:
    """Print those that have rows."""
    console = Console() if sys.stdout.isatty() else None
    for table in tables:
        if not table.rows:
            continue
        if console is not None:
            console.print(_rich(table))
        else:
            print(_plain(table), end="\n\n")


def _tables(results: Results) -> Iterator[Table]:
    slow = results.plan.slow_fsync_ms
    plan = results.plan
    measured = f"{plan.rounds} rounds of {plan.seconds} s, the median"
    yield machine_table(results.machine, results.at, measured)
    yield _throughput("Throughput, requests/s", results.throughput)
    yield _throughput(f"Where an fsync takes {slow} ms longer", results.fsync)
    yield _latency(results.latency)
    yield _throughput("Single posts and arrays of 100 (/identify/batch)", results.batch)
    yield _throughput(
        "Stores of few and of many identities (0 connections: the store alone)", results.size
    )
    yield _large(results)
    yield _inquiry(results)
    yield _before(results)
    yield Table("Left out", ("part", "why"), list(results.left_out.items()))
    yield goals_table(judge(results))


def machine_table(machine: Machine, at: str, measured: str) -> Table:
    """What the figures are worth: where, when and how often it was measured."""
    facts = {
        "processor": f"{machine.processor}, {machine.cores} cores",
        "system": machine.system,
        "Python": machine.python,
        "SQLite": machine.sqlite,
        "PostgreSQL": machine.postgresql,
        "load before": f"{machine.load:.2f}",
        "fsync of 4 KiB": f"{machine.fsync_ms:.3f} ms",
        "measured": measured,
    }
    return Table(f"reunite {machine.reunite}, {at}", ("", ""), list(facts.items()))


def _throughput(title: str, rows: list[Row]) -> Table:
    bare: Row | None = None
    cells = []
    for row in rows:
        if row.server == NO_STORE:
            bare = row
        cells.append(
            (
                WORKLOADS[row.workload].says + (f" x {row.array}" if row.array > 1 else ""),
                str(row.connections),
                row.server,
                f"{row.rate:,.0f}",
                f"{ratio(row, bare):.2f}" if bare else "",
                f"{row.p50_ms:.2f}",
                f"{row.p99_ms:.2f}",
                f"{row.failed:,}" if row.failed else "",
            )
        )
    columns = ("workload", "conns", "server", "req/s", "of no store", "p50 ms", "p99 ms", "failed")
    return _without_empty(Table(title, columns, cells))


def _latency(rows: list[Paced]) -> Table:
    cells = [
        (
            WORKLOADS[row.workload].says,
            row.server,
            f"{row.rate:,.0f}",
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.2f}",
            f"{row.failed:,}" if row.failed else "",
        )
        for row in rows
    ]
    columns = ("workload", "server", "at req/s", "p50 ms", "p99 ms", "failed")
    title = "Latency, open loop, at half of the store's top rate"
    return _without_empty(Table(title, columns, cells))


def _large(results: Results) -> Table:
    cells = [
        (
            row.server,
            f"{row.kib:,.0f}",
            *(
                f"{milliseconds:,.2f}"
                for milliseconds in (
                    row.small_ms,
                    row.answer_ms,
                    row.merge_small_ms,
                    row.merge_equal_ms,
                )
            ),
        )
        for row in results.large
    ]
    columns = ("server", "KiB", "small answer", "answer", "merge with one", "merge of two such")
    return Table(
        f"An identity of {results.plan.identifiers:,} identifiers, over HTTP, ms", columns, cells
    )


def _inquiry(results: Results) -> Table:
    cells = [
        (
            row.server,
            *(
                f"{milliseconds:,.2f}"
                for milliseconds in (
                    row.identity_ms,
                    row.explain_ms,
                    row.apart_ms,
                    row.history_ms,
                    row.graph_ms,
                )
            ),
            str(row.steps),
        )
        for row in results.inquiry
    ]
    columns = ("server", "read", "explain", "nothing joins", "history", "graph", "steps")
    title = f"Looking into an identity of {results.plan.identifiers:,} identifiers, ms"
    return Table(title, columns, cells)


def _before(results: Results) -> Table:
    cells = []
    for row in results.before:
        low, high = row.spread
        cells.append(
            (
                WORKLOADS[row.workload].says,
                row.ask,
                row.server,
                f"{statistics.median(row.before_ms):.2f}",
                f"{statistics.median(row.now_ms):.2f}",
                f"{row.ratio:.3f}",
                f"{low:.2f} to {high:.2f}",
            )
        )
    columns = ("workload", "asked by", "server", "before", "now", "ratio", "half of the rounds")
    commit = results.before[0].commit[:7] if results.before else ""
    title = f"Batches of {BATCH} by the package of {commit} and by that of now, the store alone, ms"
    return Table(title, columns, cells)


def goals_table(goals: Iterable[Goal]) -> Table:
    """What was to be reached, and what was."""
    cells = [
        (
            goal.what,
            f"{goal.value:.2f}",
            f"{'at least' if goal.at_least else 'at most'} {goal.bound:g}",
            "met" if goal.is_met else "MISSED",
        )
        for goal in goals
    ]
    return Table("Goals", ("what", "ratio", "goal", ""), cells)


def _without_empty(table: Table) -> Table:
    """The table without the columns that say nothing."""
    kept = [place for place in range(len(table.columns)) if any(row[place] for row in table.rows)]
    return Table(
        table.title,
        [table.columns[place] for place in kept],
        [[row[place] for place in kept] for row in table.rows],
    )


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit()


def _rich(table: Table) -> rich.table.Table:
    shown = rich.table.Table(title=table.title, title_justify="left", title_style="bold")
    for column, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True):
        shown.add_column(column, justify="right" if all(map(_is_number, cells)) else "left")
    for row in table.rows:
        style = "red" if row[-1] == "MISSED" else None
        shown.add_row(*row, style=style)
    return shown


def _plain(table: Table) -> str:
    columns = list(zip(table.columns, *table.rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(map(_is_number, column[1:])) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (table.columns, *table.rows)
    ]
    return "\n".join([table.title, "-" * len(table.title), *lines])
