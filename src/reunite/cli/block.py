"""`reunite block`: the identifiers that link no one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reunite.cli import options
from reunite.cli.decision import DryRun, Key, Who, Why, decide, identifier_of
from reunite.cli.opening import opened
from reunite.http import wire
from reunite.operations import Block, Unblock
from reunite.repositories import repository

block = typer.Typer(help="The identifiers that link no one.", no_args_is_help=True)


_Identifier = Annotated[
    str, typer.Argument(help="An e-mail or a phone number.", show_default=False)
]


@block.command("add")
def add(
    identifier: _Identifier,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Let an identifier link no one; see whom that splits with --dry-run."""
    decide(lambda policy: Block(identifier_of(policy, identifier)), locals())


@block.command("remove")
def remove(
    identifier: _Identifier,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Let a blocked identifier link again; see whom that joins with --dry-run."""
    decide(lambda policy: Unblock(identifier_of(policy, identifier)), locals())


@block.command("list")
def list_blocks(
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show what is blocked, and since when."""
    with opened(locals()) as store:
        blocks = store.blocks()
    if json:
        print(wire.encode([_facts(each) for each in blocks]).decode())
    else:
        Console().print(_table(blocks))


def _facts(each: repository.Block) -> dict[str, str]:
    return {"type": each.type, "value": each.key, "since": _time(each).isoformat()}


def _table(blocks: list[repository.Block]) -> Table:
    table = Table("type", "value", "blocked since (UTC)")
    for each in blocks:
        table.add_row(each.type, each.key, f"{_time(each):%Y-%m-%d %H:%M:%S}")
    return table


def _time(each: repository.Block) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=each.since)
