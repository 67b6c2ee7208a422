"""All of a workspace in a folder, and back: a CSV file for each table, and a manifest over them.

The folder carries evidence, decisions and journal, so that a store made of it goes on as the first
one would have. Its files are what `Snapshot.csv` gives; `manifest.json` has their checksums.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import duckdb
import msgspec

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.digest import Digests, digests_of
from reunite.bulk.evidence.identities import identities_of
from reunite.bulk.evidence.tables import counted, load_csv, number_identifiers, total_of
from reunite.bulk.output import whole_folder
from reunite.bulk.progress import Progress, Watched
from reunite.errors import ImportStopped
from reunite.reconcile import Head
from reunite.repositories.bulk import KEYS, TABLES, Loading, Snapshot

FORMAT = 2
MANIFEST = "manifest.json"


class File(msgspec.Struct, frozen=True):
    """A file of the folder."""

    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What a folder has and where it may go."""

    format: int
    reunite: str
    phone_region: str | None
    rule_version: int
    identity_limit: int
    contacts: int
    identities: int
    digests: Digests
    files: dict[str, File]


def export_full(engine: Engine, snapshot: Snapshot, folder: Path, progress: Progress) -> Manifest:
    """Write a folder that carries all of a workspace; it appears whole or not at all.

    Raises `ExportStopped` where the folder is there already and not empty, or cannot be written,
    `StoreError` where the store fails.
    """
    with whole_folder(folder) as beside:
        files = {}
        for table in TABLES:
            path = beside / f"{table}.csv"
            with (
                path.open("wb") as out,
                progress.phase(f"writing {path.name}", total_of(snapshot, table)) as advance,
            ):
                out.writelines(counted(snapshot.csv(table), advance))
            load_csv(engine, table, TABLES[table], str(path))
            files[table] = _file(path, engine.count(table))
        with progress.phase("digesting"):
            digests = _digests(engine)
        manifest = Manifest(
            FORMAT,
            version("reunite"),
            snapshot.policy.phone_region,
            snapshot.policy.rule_version,
            snapshot.identity_limit,
            snapshot.head.contacts,
            snapshot.head.identities,
            digests,
            files,
        )
        text = msgspec.json.format(msgspec.json.encode(manifest))
        (beside / MANIFEST).write_bytes(text + b"\n")
    return manifest


def read_full(engine: Engine, store: Snapshot, folder: Path, progress: Progress) -> Manifest:
    """Read what `export_full` wrote into tables of the engine, to be written by `write_full`.

    Raises `ImportStopped` where the folder is not whole, or not for this workspace.
    """
    manifest = read_manifest(folder)
    _require_fit(manifest, store)
    for table, file in manifest.files.items():
        with progress.phase(f"reading {table}.csv"):
            _load(engine, table, folder / f"{table}.csv", file)
    with progress.phase("digesting"):
        if _digests(engine) != manifest.digests:
            raise ImportStopped(
                f"{folder}: the files are not those that {MANIFEST} was made of: their digests"
                " differ; export anew"
            )
    return manifest


def write_full(engine: Engine, store: Loading, manifest: Manifest, progress: Progress) -> None:
    """Write what was read into an empty workspace; it is left to be committed.

    Raises `ImportStopped` where it is not empty any more; nothing is written then.
    """
    _require_fit(manifest, store)
    for table, columns in TABLES.items():
        # They were numbered for the digests.
        source = "node" if table == "identifier" else table
        names = ", ".join(f'"{column}"' for column in columns)
        rows = engine.rows(
            f"select {names} from {source} order by {', '.join(KEYS[table])}", columns
        )
        with progress.phase(f"writing {table}s", manifest.files[table].rows) as advance:
            store.write(table, Watched(rows, advance))
    store.set_identity_limit(manifest.identity_limit)


def read_manifest(folder: Path) -> Manifest:
    """What a folder says of itself. Raises `ImportStopped` where it is no such folder."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ImportStopped(
            f"{folder} has no {MANIFEST}: give a folder made by reunite export --full"
        ) from None
    except OSError as error:
        raise ImportStopped(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise ImportStopped(f"{path} is no manifest of an export: {error}") from None
    if manifest.format != FORMAT or manifest.files.keys() != TABLES.keys():
        # An old format is read by its own versions only.
        newer = ", or a newer one" if manifest.format > FORMAT else ""
        raise ImportStopped(
            f"{path} is of format {manifest.format}, made by reunite {manifest.reunite}; this one"
            f" reads format {FORMAT}: use that version{newer}"
        )
    return manifest


def _require_fit(manifest: Manifest, store: Snapshot) -> None:
    if store.head != Head():
        raise ImportStopped(
            "a full export goes into an empty workspace, and this one has a journal already: give"
            " another --workspace, or another store"
        )
    policy = store.policy
    made_with = (manifest.phone_region, manifest.rule_version)
    if made_with != (policy.phone_region, policy.rule_version):
        raise ImportStopped(
            f"it was exported with phone region {manifest.phone_region or 'none'} and rule version"
            f" {manifest.rule_version}, this workspace has {policy.phone_region or 'none'} and"
            f" {policy.rule_version}: give --phone-region {manifest.phone_region or 'none'}"
        )


def _load(engine: Engine, table: str, path: Path, file: File) -> None:
    """Make a table of a file, which has to be as the manifest says."""
    try:
        found = _file(path, file.rows)
        if found == file:
            load_csv(engine, table, TABLES[table], str(path))
    except FileNotFoundError:
        raise ImportStopped(f"{path} is missing: copy the whole folder") from None
    except (OSError, duckdb.Error) as error:
        raise ImportStopped(f"{path} cannot be read: {error}") from None
    if found != file or engine.count(table) != file.rows:
        raise ImportStopped(
            f"{path} is not as it was exported ({found.bytes} bytes, {file.bytes} then; another"
            " checksum): copy the folder again"
        )


def _file(path: Path, rows: int) -> File:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return File(rows, path.stat().st_size, digest)


def _digests(engine: Engine) -> Digests:
    number_identifiers(engine)
    return digests_of(identities_of(engine))
