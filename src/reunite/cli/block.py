"""`reunite block`: the identifiers that link no one."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import typer
from rich.console import Console
from rich.table import Table

from reunite import repositories
from reunite.cli import options
from reunite.http import wire
from reunite.repositories.repository import Block
from reunite.settings import Settings

block = typer.Typer(help="The identifiers that link no one.", no_args_is_help=True)


@block.callback()
def _group() -> None:
    # A group of one command would otherwise be that command.
    pass


@block.command("list")
def list_blocks(
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show what is blocked, and since when."""
    settings = Settings.read(
        os.environ, database=database, workspace=workspace, phone_region=phone_region
    )
    with repositories.open(
        settings.database, workspace=settings.workspace, phone_region=settings.phone_region
    ) as repository:
        blocks = repository.blocks()
    if json:
        print(wire.encode([_facts(each) for each in blocks]).decode())
    else:
        Console().print(_table(blocks))


def _facts(each: Block) -> dict[str, str]:
    return {"type": each.type, "value": each.key, "since": _time(each).isoformat()}


def _table(blocks: list[Block]) -> Table:
    table = Table("type", "value", "blocked since (UTC)")
    for each in blocks:
        table.add_row(each.type, each.key, f"{_time(each):%Y-%m-%d %H:%M:%S}")
    return table


def _time(each: Block) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=each.since)
