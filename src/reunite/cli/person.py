"""How a person is shown in a terminal: an identity, and what a request would do to it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from reunite.cli.printing import lines, plain, say
from reunite.identity import Identity
from reunite.inquiry import Foreseen


def show_person(identity: Identity, console: Console, **more: str) -> None:
    """Print an identity as a table, after further facts about it."""
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in more.items():
        table.add_row(name, plain(text))
    table.add_row("primary contact", str(identity.primary_contact_id))
    for name, values in (
        ("e-mails", lines(identity.emails)),
        ("phone numbers", lines(identity.phone_numbers)),
        ("secondary contacts", plain(", ".join(map(str, identity.secondary_contact_ids)))),
    ):
        table.add_row(name, values or "none")
    console.print(table)


def show_foreseen(foreseen: Foreseen, console: Console) -> None:
    """Print what a request would be answered with, and what it would write."""
    show_person(foreseen.contact, console, outcome=foreseen.outcome)
    writes = foreseen.writes
    for contact in writes.contacts:
        both = " and ".join(value for value in (contact.email, contact.phone_number) if value)
        say(console, f"It would make contact {contact.contact_id} of {both}.")
    for a, b in writes.links:
        say(console, f"It would link {a.value} and {b.value}.")
    if writes.demoted_contact_id is not None:
        say(console, f"Contact {writes.demoted_contact_id} would become secondary.")
    say(console, "It would write nothing." if writes.type is None else "Nothing was written.")
