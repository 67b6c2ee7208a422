"""An import from end to end: read, join, plan, write; nothing is locked before the last two."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import msgspec

from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.importing.joining import join_rows
from reunite.bulk.importing.planning import Plan, look_up, plan_import
from reunite.bulk.importing.report import Effect, effect_of
from reunite.bulk.importing.writing import write
from reunite.bulk.output import is_stream, place_of, require_apart
from reunite.bulk.progress import Progress
from reunite.bulk.reading import (
    Reading,
    Source,
    read,
    read_blocks,
    with_refused,
    write_rejects,
)
from reunite.errors import ImportStopped, OutcomeUnknown, ReuniteError
from reunite.identifier import Policy
from reunite.reconcile import Microseconds
from reunite.repositories import Loading, Snapshot
from reunite.url import file_of


@dataclass(frozen=True)
class Store:
    """Where to: a workspace of a store by URL, as `repositories.open` has it."""

    url: str
    workspace: str = "default"
    phone_region: str | None = None

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See it as it is now; with nothing in it where it is yet to be made."""
        return repositories.snapshot(
            self.url, workspace=self.workspace, phone_region=self.phone_region, or_empty=True
        )

    def loading(self) -> AbstractContextManager[Loading]:
        """Hold its lock, to write it whole or not at all."""
        return repositories.loading(
            self.url, workspace=self.workspace, phone_region=self.phone_region
        )


@dataclass(frozen=True)
class Import:
    """What to import and how.

    Attributes:
        sources: files and tables.
        mapping: our names of columns to the source's, where they are not recognised.
        block: a file of identifiers to block.
        rejects: where to list what was not taken.
        renumber: where to write the map of old ids to new ones; None to keep ids.
        allow_oversized: take identities past the limit.
        memory: bytes that may be held before it is spilled to disk.
    """

    sources: Sequence[Source]
    mapping: Mapping[str, str] = field(default_factory=dict)
    block: Path | None = None
    rejects: Path | None = None
    renumber: Path | None = None
    allow_oversized: bool = False
    memory: int = 1 << 30


class Outcome(msgspec.Struct, frozen=True, rename="camel"):
    """What an import read and did, and how long that took (seconds)."""

    reading: Reading
    effect: Effect
    seconds: float
    locked_seconds: float
    """How long requests may have waited."""


def plan_only(store: Store, order: Import, progress: Progress) -> Outcome:
    """Tell what an import would do; nothing is written, nothing is locked.

    Raises `ImportStopped` where the import would be stopped.
    """
    began = time.monotonic()
    with Engine(order.memory) as engine:
        reading, at = _prepare(engine, store, order, progress)
        with store.snapshot() as snapshot, progress.phase("comparing with the store"):
            plan = _plan(engine, snapshot, order, at)
            effect = effect_of(plan)
        told = with_refused(engine, reading, effect.refused_as_blocked)
    return Outcome(told, effect, time.monotonic() - began, 0.0)


def run_import(store: Store, order: Import, progress: Progress) -> Outcome:
    """Import, whole or not at all.

    Raises `ImportStopped` where the source or the store forbids it.
    """
    began = time.monotonic()
    with Engine(order.memory) as engine:
        reading, at = _prepare(engine, store, order, progress)
        with store.loading() as loading:
            locked = time.monotonic()
            with progress.phase("comparing with the store"):
                plan = _plan(engine, loading, order, at)
            if plan.changes_something:
                write(plan, loading, progress)
                with _map_of_ids(plan, order.renumber):
                    loading.commit()
            locked_seconds = time.monotonic() - locked
        with progress.phase("reporting"):
            effect = effect_of(plan)
        told = with_refused(engine, reading, effect.refused_as_blocked)
    return Outcome(told, effect, time.monotonic() - began, locked_seconds)


def _prepare(
    engine: Engine, store: Store, order: Import, progress: Progress
) -> tuple[Reading, Microseconds]:
    """Read, normalise and join; and when that was, by the store's clock."""
    _require_places(store, order)
    with store.snapshot() as snapshot:
        at, policy = snapshot.at, snapshot.policy
    reading = read(
        engine,
        order.sources,
        mapping=order.mapping,
        policy=policy,
        renumber=order.renumber is not None,
        at=at,
        progress=progress,
    )
    _note_blocks(engine, order.block, policy)
    with progress.phase("joining"):
        join_rows(engine, renumber=order.renumber is not None)
    with store.snapshot() as snapshot:
        if snapshot.has_blocks:
            look_up(engine, snapshot, renumber=order.renumber is not None)
    if order.rejects is not None:
        write_rejects(engine, order.rejects)
    return reading, at


def _require_places(store: Store, order: Import) -> None:
    """Find out before the work whether files can be written, and over nothing that is read."""
    others = [
        ("the store", file_of(store.url)),
        ("the file of --block", order.block),
        *((f"the source {source.name}", source.file) for source in order.sources),
    ]
    for option, path in (("--renumber", order.renumber), ("--rejects", order.rejects)):
        if path is not None:
            place_of(path, ImportStopped)
            require_apart(path, others, ImportStopped)
            others.append((f"the file of {option}", path))
    if order.renumber is not None and is_stream(order.renumber):
        raise ImportStopped(
            f"{order.renumber}: is no file: nothing else knows which new id was which old one, so"
            " name a file, where the map of them stays"
        )


def _note_blocks(engine: Engine, path: Path | None, policy: Policy) -> None:
    blocks = [] if path is None else read_blocks(path, policy)
    for table in ("block", "blocked"):
        engine.fill(table, {"type": "varchar", "key": "varchar"}, [blocks])


def _plan(engine: Engine, store: Snapshot, order: Import, at: Microseconds) -> Plan:
    renumber = order.renumber is not None
    is_joined_anew = look_up(engine, store, renumber=renumber)
    if is_joined_anew and order.rejects is not None:
        write_rejects(engine, order.rejects)
    return plan_import(engine, store, at, renumber=renumber, allow_oversized=order.allow_oversized)


@contextmanager
def _map_of_ids(plan: Plan, path: Path | None) -> Iterator[None]:
    """Put the map of old ids to new ones in place once what it tells of is committed.

    Where that is not known, as after an interrupt, it stays beside its place, and the error or a
    note on it names it.
    """
    if path is None:
        yield
        return
    place = place_of(path, ImportStopped)
    beside = place.with_name(f".{place.name}.part")
    try:
        plan.engine.connection.execute(
            "copy (select source_id as old, id as new from aged order by id) to $path (header)",
            {"path": str(beside)},
        )
    except duckdb.IOException as error:
        raise ImportStopped(f"{path}: cannot be written: {error}") from None
    kept = (
        f"see by reunite stats whether the rows are there: if so, {beside} is the map of their ids,"
        f" to be renamed {place.name}; if not, import again"
    )
    try:
        yield
    except OutcomeUnknown as error:
        raise OutcomeUnknown(f"{error}; {kept}") from None
    except ReuniteError:
        beside.unlink()
        raise
    except BaseException as error:
        error.add_note(kept)
        raise
    beside.replace(place)
