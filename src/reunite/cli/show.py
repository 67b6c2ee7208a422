"""`reunite show`: an identity, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from reunite.cli import options
from reunite.cli.opening import found
from reunite.cli.person import show_person
from reunite.cli.printing import print_json, say
from reunite.http import wire
from reunite.inquiry import Event, History, Inquiry, Item
from reunite.inquiry.inquiry import EVENTS, MOST_EVENTS


class _Shown(msgspec.Struct):
    """What `--json` prints."""

    contact: wire.Contact
    history: History


def show(
    contact_id: Annotated[
        int,
        typer.Argument(help="Any contact of the identity, primary or not.", show_default=False),
    ],
    after: Annotated[int, typer.Option(min=0, help="Show the history after this position.")] = 0,
    limit: Annotated[
        int, typer.Option(min=1, max=MOST_EVENTS, help="Events of the history at most.")
    ] = EVENTS,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show an identity with its history: every contact, link, merge and split."""
    with found(locals()) as store:
        inquiry = Inquiry(store)
        identity = inquiry.identity(contact_id)
        history = inquiry.history(contact_id, after=after, limit=limit)
    if json:
        print_json(_Shown(wire.contact_of(identity), history))
        return
    console = Console()
    show_person(identity, console)
    _show(history, console)


def _show(history: History, console: Console) -> None:
    for event in history.events:
        for line in _lines(event):
            say(console, line)
    if history.next is not None:
        say(console, f"There is more: --after {history.next}")


def _lines(event: Event) -> Iterator[str]:
    by = "" if event.who is None else f" by {event.who}"
    why = "" if event.why is None else f": {event.why}"
    undid = "" if event.undid is None else f" position {event.undid}"
    demoted = event.demoted_contact_id
    merged = "" if demoted is None else f" (contact {demoted} became secondary)"
    head = f"{event.position:>6}  {event.at:%Y-%m-%d %H:%M:%S}  {event.type}{undid}"
    yield f"{head}{merged}{by}{why}"
    if event.voided is not None:
        yield f"{'':8}undone at position {event.voided.position}"
    for item in event.brought:
        yield f"{'':8}{_said(item)}{_end(item)}"
    for item in event.ended:
        yield f"{'':8}took back {_said(item)}"


def _said(item: Item) -> str:
    values = " and ".join(one.value for one in item.identifiers)
    source = "" if item.source in (None, "presented") else f" ({item.source})"
    contacts = " and ".join(map(str, item.contact_ids))
    if item.what == "contact":
        return f"contact {contacts}: {values}{source}"
    tying = f" of contacts {contacts}" if contacts else ""
    return f"{item.what}{tying}: {values}{source}"


def _end(item: Item) -> str:
    voided = item.voided
    return "" if voided is None else f", taken back at position {voided.position} ({voided.type})"
