"""Commands that use the store directly, without a server."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reunite.cli import options
from reunite.cli.opening import opened, settings_of
from reunite.cli.person import show_foreseen, show_person
from reunite.cli.printing import plain, print_json
from reunite.cli.refusal import explained
from reunite.http import wire
from reunite.identifier import present
from reunite.inquiry import Inquiry
from reunite.repositories import Store


def migrate(
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Create the store's schema or bring it up to date, for a role that may."""
    given = locals()
    with opened(given):
        print(f"{settings_of(given).store} is up to date")


def identify(
    email: Annotated[str | None, typer.Option(help="An e-mail.", show_default=False)] = None,
    phone: Annotated[str | None, typer.Option(help="A phone number.", show_default=False)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be answered and written.")
    ] = False,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Reconcile one request and print the whole person."""
    with opened(locals()) as store:
        presented = present(store.policy, email, phone)
        with explained(store, presented):
            if dry_run:
                foreseen = Inquiry(store).foresee(presented)
            else:
                person = store.identify(email=email, phone_number=phone)
    if json:
        print_json(foreseen if dry_run else wire.respond(person))
    elif dry_run:
        show_foreseen(foreseen, Console())
    else:
        show_person(person, Console(), outcome=person.outcome)


def workspace(
    identity_limit: Annotated[
        int | None,
        typer.Option(
            help="Set how many distinct identifiers an identity may have.", show_default=False
        ),
    ] = None,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show a workspace: its policy, its limit, what is in it."""
    settings = settings_of(locals())
    with opened(locals()) as repository:
        if identity_limit is not None:
            repository.set_identity_limit(identity_limit)
        facts = _facts(repository, settings.workspace)
    if json:
        print_json(facts)
    else:
        Console().print(_table(facts))


def _facts(repository: Store, name: str) -> dict[str, str | int | None]:
    totals = repository.totals()
    return {
        "workspace": name,
        "phoneRegion": repository.policy.phone_region,
        "ruleVersion": repository.policy.rule_version,
        "identityLimit": repository.identity_limit(),
        "contacts": totals.contacts,
        "identities": totals.identities,
    }


def _table(facts: dict[str, str | int | None]) -> Table:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in facts.items():
        table.add_row(name, "none" if value is None else plain(str(value)))
    return table
