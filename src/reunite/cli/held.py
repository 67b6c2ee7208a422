"""`reunite held`: requests that a constraint or the limit kept from joining."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reunite.cli import options
from reunite.cli.decision import DryRun, Key, Who, Why, decide, everything
from reunite.cli.opening import found
from reunite.cli.printing import plain, print_json
from reunite.evidence import Held
from reunite.http import decided
from reunite.operations import Allow, Dismiss, Operations

held = typer.Typer(
    help="Requests that a constraint or the limit kept from joining.", no_args_is_help=True
)

_Id = Annotated[int, typer.Argument(help="A held request.", show_default=False)]


@held.command("allow")
def allow(
    held_id: _Id,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Do what a held request asked; constraints in its way are lifted."""
    decide(lambda _: Allow(held_id), locals())


@held.command("dismiss")
def dismiss(
    held_id: _Id,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Let a held request wait no longer."""
    decide(lambda _: Dismiss(held_id), locals())


@held.command("list")
def list_held(
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show the held requests that wait."""
    with found(locals()) as store:
        rows = everything(Operations(store).held, lambda one: one.id)
    if json:
        print_json([decided.held_request(one) for one in rows])
    else:
        Console().print(_table(rows))


def _table(rows: list[Held]) -> Table:
    table = Table("id", "e-mail", "phone", "held by", "times")
    for one in rows:
        by = f"constraint {one.constraint_position}" if one.constraint_position else "the limit"
        table.add_row(str(one.id), plain(one.email), plain(one.phone), by, str(one.requests))
    return table
