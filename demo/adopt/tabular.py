"""Tables in a terminal, plain columns in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.adopt.checks import Check

_PIPE_WIDTH = 140
"""Characters of a line where there is no terminal to ask."""

_LONGEST = 500
"""Characters that are shown of what differs; --json has all."""


def table_of(*columns: str) -> Table:
    """Make a table; columns whose name ends in # hold numbers."""
    table = Table(box=box.ROUNDED)
    for column in columns:
        table.add_column(
            column.removesuffix("#"), justify="right" if column.endswith("#") else "left"
        )
    return table


def checks_table(checks: Iterable[Check]) -> Table:
    """What was compared, how often, and how often it differed."""
    table = table_of("compared", "times#", "differ#", "")
    for check in checks:
        verdict = "OK" if check.is_ok else "not OK"
        table.add_row(check.what, f"{check.compared:,}", f"{check.wrong:,}", verdict)
    return table


def fit(console: Console) -> None:
    """Let lines be long in a pipe."""
    if not console.is_terminal:
        console.width = _PIPE_WIDTH


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Print tables, without their boxes in a pipe."""
    for table in tables:
        if not console.is_terminal:
            table.box = None
        console.print(table)


def print_differences(checks: Sequence[Check], console: Console) -> None:
    """Print what the first things that differed are."""
    for check in checks:
        for example in check.examples:
            console.print(Text(f"{check.what}: {example[:_LONGEST]}"), soft_wrap=True)


def print_verdict(*, is_ok: bool, console: Console) -> None:
    """Print the last line of a report."""
    console.print("OK: everything is as it must be." if is_ok else "Not OK.", highlight=False)
