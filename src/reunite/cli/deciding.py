"""`reunite unlink`, `merge` and `undo`: what ties identities together is made and taken back."""

from __future__ import annotations

from typing import Annotated

import typer

from reunite.cli import options
from reunite.cli.decision import DryRun, Key, Who, Why, decide, identifier_of
from reunite.identifier import Policy
from reunite.operations import Asked, Merge, Undo, Unlink

_Contact = Annotated[int, typer.Argument(help="Any contact of the identity.", show_default=False)]


def unlink(
    contact: _Contact,
    identifiers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Two that were wrongly joined, or one that ties who is not one, such as a phone "
            "that somebody else has now.",
            show_default=False,
        ),
    ] = None,
    position: Annotated[
        int | None, typer.Option(help="A row of the journal instead.", show_default=False)
    ] = None,
    constrain: Annotated[
        bool, typer.Option(help="Keep apart from now on what is unlinked.")
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Though other evidence still joins the two.")
    ] = False,
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Take back what ties an identity together; see it first with --dry-run."""
    named = identifiers or []
    if len(named) > 2:
        raise typer.BadParameter("name one identifier, or two")

    def asked(policy: Policy) -> Asked:
        read = [identifier_of(policy, text) for text in named]
        return Unlink(
            contact,
            (read[0], read[1]) if len(read) == 2 else None,
            read[0] if len(read) == 1 else None,
            position,
            constrain,
            force,
        )

    decide(asked, locals())


def merge(
    contact: _Contact,
    other: Annotated[
        int, typer.Argument(help="Any contact of the other identity.", show_default=False)
    ],
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Say that two contacts are one person."""
    decide(lambda _: Merge(contact, other), locals())


def undo(
    position: Annotated[int, typer.Argument(help="A row of the journal.", show_default=False)],
    who: Who = None,
    why: Why = None,
    dry_run: DryRun = False,
    key: Key = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Take back all that a row of the journal brought and ended, an undo included."""
    decide(lambda _: Undo(position), locals())
