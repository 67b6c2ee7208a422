"""`reunite import`: adopt what people already have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from reunite.cli import options
from reunite.cli.extra import require_bulk
from reunite.cli.opening import settings_of
from reunite.cli.printing import note, print_json
from reunite.cli.report import show
from reunite.errors import InvalidSetting

if TYPE_CHECKING:
    from reunite.bulk.importing import Store


def import_(
    *,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE…",
            help="Files (CSV, TSV, NDJSON, Parquet; .gz, .zst; globs; - is standard input) "
            "or a database: postgresql://… or sqlite:///…",
            show_default=False,
        ),
    ] = None,
    table: Annotated[str | None, typer.Option(help="The table of a database.")] = None,
    query: Annotated[str | None, typer.Option(help="Or a query instead of a table.")] = None,
    file_format: Annotated[
        str | None,
        typer.Option("--format", help="csv, tsv, ndjson or parquet; else the file's name tells."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="A column's name: email=Mail."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell, and write nothing.")] = False,
    block: Annotated[
        Path | None, typer.Option(help="A file of identifiers that link no one from now on.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to list what was not taken, as CSV.")
    ] = None,
    renumber: Annotated[
        Path | None, typer.Option(help="Give new ids, and write the map of old to new here.")
    ] = None,
    allow_oversized: Annotated[
        bool, typer.Option("--allow-oversized", help="Take identities past the limit.")
    ] = False,
    full: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="All of a workspace, from `reunite export --full`, into an empty one.",
        ),
    ] = None,
    memory: options.Memory = "1GB",
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Adopt existing contacts from files and tables, whole or not at all."""
    require_bulk()
    from reunite.bulk.importing import Import, Store, plan_only, run_import
    from reunite.bulk.progress import Progress
    from reunite.bulk.reading import sources_of

    settings = settings_of(locals())
    store = Store(settings.database, settings.workspace, settings.phone_region)
    if full is not None:
        given = (sources, table, query, file_format, mapping, block, rejects, renumber)
        if any(given) or dry_run or allow_oversized:
            raise InvalidSetting(
                "--full DIR carries everything as it is; nothing else goes with it"
            )
        _import_full(store, full, options.bytes_of(memory), json=json)
        return
    order = Import(
        sources=sources_of(sources or [], format=file_format, table=table, query=query),
        mapping=_mapping(mapping or []),
        block=block,
        rejects=rejects,
        renumber=renumber,
        allow_oversized=allow_oversized,
        memory=options.bytes_of(memory),
    )
    try:
        outcome = (plan_only if dry_run else run_import)(store, order, Progress())
    except KeyboardInterrupt as interrupt:
        for told in getattr(interrupt, "__notes__", ()):
            note(f"reunite: {told}")
        raise
    if json:
        print_json(outcome)
    else:
        show(outcome, Console(), is_dry=dry_run)


def _import_full(store: Store, folder: Path, memory: int, *, json: bool) -> None:
    from reunite.bulk.engine import Engine
    from reunite.bulk.exporting.full import read_full, write_full
    from reunite.bulk.progress import Progress

    progress = Progress()
    with Engine(memory) as engine:
        with store.snapshot() as snapshot:
            manifest = read_full(engine, snapshot, folder, progress)
        with store.loading() as loading:
            write_full(engine, loading, manifest, progress)
            loading.commit()
    if json:
        print_json(manifest)
    else:
        print(f"{manifest.contacts:,} contacts, {manifest.identities:,} identities")
        print(f"digest of the partition  {manifest.digests.partition}")
        print(f"digest of the contacts   {manifest.digests.contacts}")


def _mapping(given: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for each in given:
        ours, equals, theirs = each.partition("=")
        if not equals:
            raise InvalidSetting(f"--map takes OURS=THEIRS, as in email=Mail, not {each!r}")
        mapping[ours.strip()] = theirs.strip()
    return mapping
