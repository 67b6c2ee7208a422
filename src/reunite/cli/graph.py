"""`reunite graph`: the picture of an identity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reunite.bulk.output import require_apart
from reunite.cli import options
from reunite.cli.opening import found, settings_of
from reunite.cli.page import page, summary
from reunite.cli.printing import print_json, say
from reunite.errors import ExportStopped, InvalidSetting
from reunite.inquiry import Inquiry
from reunite.inquiry.graph import MOST_NODES, NODES
from reunite.url import file_of


def graph(
    contact_id: Annotated[
        int,
        typer.Argument(help="Any contact of the identity, primary or not.", show_default=False),
    ],
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the page to this file.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MOST_NODES, help="Nodes at most; the oldest come first.")
    ] = NODES,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Draw an identity and its evidence: one page that needs no network and no server."""
    if html is None and not json:
        raise InvalidSetting("say where the page is to go, --html FILE, or --json for the data")
    if html is not None:
        store_file = file_of(settings_of(locals()).database)
        require_apart(html, [("the store", store_file)], ExportStopped)
    with found(locals()) as store:
        drawn = Inquiry(store).graph(contact_id, limit=limit)
    if html is not None:
        _write(html, page(drawn))
    if json:
        print_json(drawn)
    else:
        say(Console(), f"{html}: {summary(drawn)}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportStopped(f"{path} cannot be written: {error.strerror}") from None
