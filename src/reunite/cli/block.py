"""`reunite block`: the identifiers that link no one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reunite.cli import options
from reunite.cli.decision import DryRun, Key, Who, Why, decide, identifier_of
from reunite.cli.opening import found
from reunite.cli.printing import plain, print_json
from reunite.http import decided
from reunite.inquiry.told import moment
from reunite.operations import Block, Operations, StandingBlock, Unblock

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
    with found(locals()) as store:
        rows = Operations(store).blocks()
    if json:
        print_json([decided.blocked(one) for one in rows])
    else:
        Console().print(_table(rows))


def _table(rows: list[StandingBlock]) -> Table:
    table = Table("position", "identifier", "blocked since (UTC)")
    for one in rows:
        since = moment(one.since)
        table.add_row(str(one.position), plain(one.identifier.key), f"{since:%Y-%m-%d %H:%M:%S}")
    return table
