"""`reunite export`: what a store holds, as files."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reunite import repositories
from reunite.cli import options
from reunite.cli.extra import require_bulk
from reunite.cli.opening import seen, settings_of
from reunite.cli.printing import note
from reunite.errors import ExportStopped, InvalidSetting
from reunite.settings import Settings
from reunite.url import file_of

if TYPE_CHECKING:
    from reunite.bulk.engine import Engine


class Format(StrEnum):
    """How a file is written."""

    csv = "csv"
    ndjson = "ndjson"
    parquet = "parquet"


class What(StrEnum):
    """What an export tells."""

    contacts = "contacts"
    identities = "identities"


def export(
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="How to write it; csv at first.", show_default=False),
    ] = None,
    what: Annotated[
        What | None,
        typer.Option(
            help="A row for each contact, as at first, or for each person.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; else standard output.", show_default=False),
    ] = None,
    full: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Everything, evidence and journal too, for `reunite import --full`.",
            show_default=False,
        ),
    ] = None,
    memory: options.Memory = "256MB",
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Write contacts or persons to a file, or all of a workspace to a folder."""
    require_bulk()
    from reunite.bulk.engine import Engine

    if full is not None and any(given is not None for given in (file_format, what, output)):
        raise InvalidSetting("--full DIR carries everything as it is; nothing else goes with it")
    if file_format is Format.parquet and output is None and full is None:
        raise InvalidSetting("Parquet is no text for a terminal or a pipe; give --output FILE")
    if output is None and full is None and sys.stdout is None:
        raise ExportStopped("standard output is closed: give --output FILE")
    if output is not None:
        _require_apart_from_store(output, settings_of(locals()))
    with (
        Engine(options.bytes_of(memory)) as engine,
        seen(locals()) as snapshot,
    ):
        if full is not None:
            _export_full(engine, snapshot, full)
        else:
            _export(engine, snapshot, what or What.contacts, file_format or Format.csv, output)


def _require_apart_from_store(output: Path, settings: Settings) -> None:
    from reunite.bulk.output import require_apart

    require_apart(output, [("the store", file_of(settings.database))], ExportStopped)


def _export_full(engine: Engine, snapshot: repositories.Snapshot, folder: Path) -> None:
    from reunite.bulk.exporting.full import export_full
    from reunite.bulk.progress import Progress

    manifest = export_full(engine, snapshot, folder, Progress())
    note(
        f"{folder}: {manifest.contacts:,} contacts of {manifest.identities:,} identities, digest"
        f" of the partition {manifest.digests.partition}",
    )


def _export(
    engine: Engine,
    snapshot: repositories.Snapshot,
    what: What,
    file_format: Format,
    output: Path | None,
) -> None:
    from reunite.bulk.exporting.exporting import export as export_it
    from reunite.bulk.output import written_file
    from reunite.bulk.progress import Progress

    spool = engine.folder / "export"
    if output is not None:
        with written_file(output, spool) as path:
            export_it(engine, snapshot, what.value, file_format.value, path, Progress())
    else:
        export_it(engine, snapshot, what.value, file_format.value, spool, Progress())
        with spool.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    note(
        f"These are {what.value} alone, without the evidence that joins them and the journal;"
        " --full DIR carries everything.",
    )
