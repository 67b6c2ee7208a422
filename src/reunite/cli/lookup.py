"""`reunite lookup`: whose identifiers are."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from reunite.cli import options
from reunite.cli.opening import found
from reunite.cli.person import show_person
from reunite.cli.printing import print_json
from reunite.errors import Unknown
from reunite.http import wire
from reunite.identifier import present
from reunite.inquiry import Inquiry


def lookup(
    email: Annotated[str | None, typer.Option(help="An e-mail.", show_default=False)] = None,
    phone: Annotated[str | None, typer.Option(help="A phone number.", show_default=False)] = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show whom identifiers belong to: one person, or two; nothing is written."""
    with found(locals()) as store:
        people = Inquiry(store).lookup(present(store.policy, email, phone))
    if not people:
        raise Unknown("nobody has what was presented")
    if json:
        print_json(wire.LookupResponse(list(map(wire.contact_of, people))))
        return
    for identity in people:
        show_person(identity, Console())
