"""A SQLite file that does not exist yet: built beside its place, then moved there whole.

While ``reunite.db`` is built there are ``reunite.db.importing`` and, held by whoever builds,
``reunite.db.importing.lock``. What a killed import leaves is held by no one; the next one removes
it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from reunite.errors import OutcomeUnknown, StoreError, StoreFull, StoreUnavailable
from reunite.repositories.sqlite.connection import translated

PAUSE = 0.05
"""Seconds between two looks at what another process holds."""


@contextmanager
def claimed(path: Path, patience: float) -> Iterator[Path | None]:
    """The path to build a file at that does not exist, claimed for this process; None if it does.

    Waits while another builds it, at most ``patience`` seconds. Raises `StoreUnavailable` after
    that, or where the folder cannot be written.
    """
    building = path.with_name(path.name + ".importing")
    lock = path.with_name(path.name + ".importing.lock")
    with _file_errors(path):
        _remove_leftovers(path, building, lock)
        held = None if path.exists() else _hold(lock, time.monotonic() + patience)
    if held is None:
        yield None
        return
    try:
        with _file_errors(path):
            building.unlink(missing_ok=True)
            exists = path.exists()
            if not exists:
                _require_no_log(path)
        yield None if exists else building
    finally:
        for leftover in (building, lock):
            leftover.unlink(missing_ok=True)
        os.close(held)


@contextmanager
def connected(building: Path) -> Iterator[apsw.Connection]:
    """A connection to a new file, fast because the file is thrown away unless it is finished."""
    with translated(str(building)):
        connection = apsw.Connection(str(building))
    try:
        with translated(str(building)):
            connection.pragma("journal_mode", "off")
            connection.pragma("synchronous", "off")
            connection.pragma("locking_mode", "exclusive")
            connection.pragma("cache_size", -64 * 1024)
        yield connection
    finally:
        connection.close()


def publish(connection: apsw.Connection, building: Path, path: Path) -> None:
    """Commit, finish the file and give it its place, which must still be free.

    Raises `StoreError` where it is not; then what is there is as it was.
    """
    with translated(str(path)):
        connection.execute("commit")
        connection.pragma("journal_mode", "wal")
        connection.close()
    with _file_errors(path):
        _flush(building)
        try:
            os.link(building, path)
        except FileExistsError:
            raise StoreError(
                f"{path} appeared while its data was made ready; it is as it was, and nothing was "
                "imported: run the import again to add to it"
            ) from None
    try:
        building.unlink()
        _flush(path.parent)
    except OSError as error:
        raise OutcomeUnknown(f"{path} may be gone after a power failure: {error}") from error


def _remove_leftovers(path: Path, building: Path, lock: Path) -> None:
    """Remove what a killed import left beside a file that has appeared since."""
    if path.exists() and (building.exists() or lock.exists()):
        held = _try_to_hold(lock)
        if held is not None:
            building.unlink(missing_ok=True)
            lock.unlink()
            os.close(held)


def _hold(lock: Path, deadline: float) -> int:
    while (held := _try_to_hold(lock)) is None:
        if time.monotonic() > deadline:
            raise StoreUnavailable(f"another import has been at work, holding {lock}, all the time")
        time.sleep(PAUSE)
    return held


def _try_to_hold(lock: Path) -> int | None:
    """A descriptor that holds the lock as long as it is open; None while another process has it."""
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it last has removed it: then another may hold one of the same name.
        if os.path.samestat(os.fstat(held), lock.stat()):
            return held
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(held)
    return None


def _require_no_log(path: Path) -> None:
    """A log beside a file is a part of it: SQLite would play it into another of the same name."""
    for log in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-journal")):
        if log.exists():
            raise StoreError(
                f"{log} is there without {path}: put the file back that it belongs to, or move the "
                "log away"
            )


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"{path}: no space left on its disk") from error
        raise StoreUnavailable(
            f"{path} cannot be made ({error.strerror}): it must be in a folder that exists and "
            "that this program may write"
        ) from error
