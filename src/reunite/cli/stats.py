"""`reunite stats`: what is in a store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table

from reunite.cli import options
from reunite.cli.extra import require_bulk
from reunite.cli.opening import seen
from reunite.cli.printing import lines, plain, print_json

if TYPE_CHECKING:
    from reunite.bulk.exporting.statistics import Statistics

_LONGEST = 48
"""Characters of an identifier that are shown."""

_BAR = 40

_MOST = 10_000
"""Of a list that may be asked for: what is told of each takes time and memory."""


def stats(
    top: Annotated[
        int,
        typer.Option(
            min=1,
            max=_MOST,
            help="How many are listed of each: identities, doubtful ones, identifiers.",
        ),
    ] = 10,
    json: options.Json = False,
    memory: options.Memory = "256MB",
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Count a workspace: sizes, the largest, the busiest, and identities that are doubtful."""
    require_bulk()
    from reunite.bulk.engine import Engine
    from reunite.bulk.exporting.statistics import statistics_of
    from reunite.bulk.progress import Progress

    with (
        Engine(options.bytes_of(memory)) as engine,
        seen(locals()) as snapshot,
    ):
        statistics = statistics_of(engine, snapshot, Progress(), limit=top)
    if json:
        print_json(statistics)
    else:
        _show(statistics, Console())


def _show(statistics: Statistics, console: Console) -> None:
    console.print(
        f"{statistics.contacts:,} contacts of {statistics.identities:,} identities;"
        f" {statistics.emails:,} e-mails and {statistics.phones:,} phones, of which"
        f" {statistics.blocked:,} blocked; {statistics.links:,} links",
        highlight=False,
        soft_wrap=True,
    )
    if statistics.contacts:
        _show_sizes(statistics, console)
        _show_largest(statistics, console)
        _show_busiest(statistics, console)
        _show_doubtful(statistics, console)


def _show_sizes(statistics: Statistics, console: Console) -> None:
    most = max(step.identities for step in statistics.sizes)
    _print(
        console,
        f"Sizes in identifiers; the limit is {statistics.identity_limit:,}",
        ("identifiers", "identities", "", "contacts"),
        (
            (
                f"{step.from_:,}" if step.from_ == step.to else f"{step.from_:,} to {step.to:,}",
                f"{step.identities:,}",
                Bar(most, 0, step.identities, width=_BAR),
                f"{step.contacts:,}",
            )
            for step in statistics.sizes
        ),
    )


def _show_largest(statistics: Statistics, console: Console) -> None:
    _print(
        console,
        "The largest identities",
        ("primary contact", "identifiers", "contacts", "who"),
        (
            (
                str(each.primary_contact_id),
                f"{each.identifiers:,}",
                f"{each.contacts:,}",
                _cut(each.example),
            )
            for each in statistics.largest
        ),
    )


def _show_busiest(statistics: Statistics, console: Console) -> None:
    _print(
        console,
        "The busiest identifiers",
        ("contacts", "together with", "type", "identifier"),
        (
            (
                f"{each.contacts:,}",
                f"{each.others:,} {'e-mails' if each.type == 'phone' else 'phones'}",
                each.type,
                _cut(each.value) + (" (blocked)" if each.blocked else ""),
            )
            for each in statistics.busiest
        ),
    )


def _show_doubtful(statistics: Statistics, console: Console) -> None:
    _print(
        console,
        "Doubtful identities: names with nothing in common;"
        f" {statistics.number_of_doubtful:,} in all",
        ("primary contact", "identifiers", "names", "such as", "glued by"),
        (
            (
                str(each.primary_contact_id),
                f"{each.identifiers:,}",
                f"{each.names:,}",
                lines(map(_cut, each.examples)),
                "no single one" if each.glue is None else _cut(each.glue.value),
            )
            for each in statistics.doubtful
        ),
    )


def _print(
    console: Console,
    title: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[str | RenderableType, ...]],
) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in row))
    if table.row_count:
        console.print(table)


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
