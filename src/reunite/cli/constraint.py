"""`reunite constraint`: who must never be one person."""

from __future__ import annotations

import typer
from rich.console import Console

from reunite.cli import options
from reunite.cli.decision import (
    DryRun,
    Key,
    Who,
    Why,
    decide,
    everything,
    show_constraints,
)
from reunite.cli.opening import found
from reunite.cli.printing import print_json
from reunite.http import decided
from reunite.inquiry.asked import read
from reunite.operations import Constrain, Operations, Unconstrain

constraint = typer.Typer(help="Who must never be one person.", no_args_is_help=True)


@constraint.command("add")
def add(
    a: options.Named,
    b: options.Named,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Keep two apart from now on; a contact stands for what it hangs on."""
    decide(lambda policy: Constrain(read(policy, a), read(policy, b)), locals())


@constraint.command("remove")
def remove(
    a: options.Named,
    b: options.Named,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Let two become one person again."""
    decide(lambda policy: Unconstrain(read(policy, a), read(policy, b)), locals())


@constraint.command("list")
def list_constraints(
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show the constraints that stand."""
    with found(locals()) as store:
        rows = everything(Operations(store).constraints, lambda one: one.position)
    if json:
        print_json([decided.kept(one) for one in rows])
    else:
        show_constraints(rows, Console())
