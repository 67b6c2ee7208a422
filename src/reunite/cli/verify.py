"""`reunite verify`: whether a store holds together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reunite.cli import options
from reunite.cli.extra import require_bulk
from reunite.cli.opening import seen
from reunite.cli.printing import print_json, say

if TYPE_CHECKING:
    from reunite.bulk.verifying import Verification


def verify(
    json: options.Json = False,
    memory: options.Memory = "256MB",
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Work out a workspace anew from its evidence, and say where the store differs."""
    require_bulk()
    from reunite.bulk.engine import Engine
    from reunite.bulk.progress import Progress
    from reunite.bulk.verifying import verify as verify_it

    with (
        Engine(options.bytes_of(memory)) as engine,
        seen(locals()) as snapshot,
    ):
        verification = verify_it(engine, snapshot, Progress())
    if json:
        print_json(verification)
    else:
        _show(verification, Console())
    if not verification.is_sound:
        raise typer.Exit(1)


def _show(verification: Verification, console: Console) -> None:
    counts = verification.counts
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in {
        "contacts": counts.contacts,
        "retired": counts.retired,
        "identities": counts.identities,
        "identifiers": counts.identifiers,
        "blocked": counts.blocked,
        "links": counts.links,
        "voided": counts.voided,
        "constraints": counts.constraints,
        "held": counts.held,
        "positions": counts.positions,
        "largest identity": counts.largest_identity,
        "past the limit": counts.past_limit,
    }.items():
        table.add_row(name, f"{value:,}")
    console.print(table)
    # Not in the table, where a narrow terminal would break them.
    for name in ("partition", "contacts"):
        digest = getattr(verification.digests, name)
        console.print(f"digest of the {name}: {digest}", highlight=False, soft_wrap=True)
    if verification.is_sound:
        console.print("sound: everything holds")
    for finding in verification.findings:
        console.print(Text(f"{finding.rule.replace('_', ' ')}: {finding.total:,}", style="bold"))
        for case in finding.cases:
            say(console, f"  {case}")
        if finding.total > len(finding.cases):
            console.print(f"  … and {finding.total - len(finding.cases):,} more")
