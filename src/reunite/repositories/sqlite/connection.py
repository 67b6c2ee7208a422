"""Connections to a SQLite file: how they are set, and what their errors mean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from reunite.errors import (
    OutcomeUnknown,
    ReuniteError,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UnsuitableStore,
)

SAFE_SQLITE = (3, 51, 3)
"""Before it, two connections that write or checkpoint at once could corrupt a file
(https://sqlite.org/wal.html#walresetbug)."""

LOG_BYTES = 128 << 20
"""A log that long is begun anew; until then `Checkpointer` moves it into the file."""

APPLICATION_ID = 0x7265756E
"""Marks a file as reunite's ("reun"); the first migration sets it."""


def connect(path: str, *, busy_timeout: float) -> apsw.Connection:
    """Open a file in WAL mode, every commit flushed; it is created if it does not exist.

    Args:
        path: of the file; its folder must exist.
        busy_timeout: seconds to wait for another process's write.

    Raises `StoreUnavailable`, `StoreFull` or `UnsuitableStore`.
    """
    version = apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < SAFE_SQLITE:
        raise UnsuitableStore(
            f"this SQLite is {version}, which can corrupt a file that two connections write; "
            "3.51.3 or newer is needed: pip install --upgrade apsw"
        )
    with translated(path):
        connection = apsw.Connection(path)
        with closed_on_error(connection):
            connection.set_busy_timeout(round(busy_timeout * 1000))
            _require_own(connection, path)
            _use_wal(connection, path, busy_timeout)
            # Else this SQLite, which keeps samples of keys, plans anew for each value bound.
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            connection.pragma("synchronous", "full")
            connection.pragma("cache_size", -64 * 1024)
            pages = LOG_BYTES // connection.pragma("page_size")
            connection.pragma("wal_autocheckpoint", pages)
            connection.pragma("temp_store", "memory")
    return connection


@contextmanager
def closed_on_error(connection: apsw.Connection) -> Iterator[None]:
    """Close a connection that did not come to be used: a refused file must not stay open."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _require_own(connection: apsw.Connection, path: str) -> None:
    """Refuse a file before anything in it is changed: WAL mode would stay with it."""
    if connection.readonly("main"):
        raise StoreUnavailable(f"{path} is read-only; this program must be allowed to write it")
    # In this order: whoever makes the first table sets the id in the same transaction.
    has_schema = connection.pragma("schema_version") != 0
    if has_schema and connection.pragma("application_id") != APPLICATION_ID:
        raise UnsuitableStore(
            f"{path} is a SQLite database of something else; name a file of reunite's own"
        )


def _use_wal(connection: apsw.Connection, path: str, busy_timeout: float) -> None:
    """Switch to WAL; SQLite does not wait by itself where two processes switch at once."""
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            mode = connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise UnsuitableStore(f"{path}: SQLite's WAL mode is not available here ({mode})")
        return


@contextmanager
def translated(path: str, *, committing: bool = False) -> Iterator[None]:
    """Turn SQLite's errors into the package's.

    A commit that was never begun, for which the disk had no room, or that a constraint refuses, is
    surely undone. Any other error of a commit leaves its outcome open: its frames are in the file
    when the flush fails, or what comes after it, and whoever recovers the file after a crash finds
    them.
    """
    try:
        yield
    except apsw.FullError as error:
        raise StoreFull(f"{path}: no space left on its disk") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreUnavailable(f"{path}: another process is writing ({error})") from error
    except apsw.Error as error:
        if committing and not isinstance(error, apsw.ConstraintError):
            raise OutcomeUnknown(f"{path}: {error}") from error
        raise _meaning(path, error) from error


def _meaning(path: str, error: apsw.Error) -> ReuniteError:
    """What an error says about the store, where surely nothing was written."""
    match error:
        case apsw.IOError() | apsw.NoMemError() | apsw.ProtocolError():
            return StoreUnavailable(f"{path}: {error}")
        case apsw.CorruptError():
            # It is also what SQLite makes of a disk that fails to read.
            return StoreUnavailable(f"{path} is damaged, or its disk cannot be read ({error})")
        case apsw.CantOpenError() | apsw.ReadOnlyError() | apsw.PermissionsError():
            return StoreUnavailable(
                f"{path} cannot be opened for writing ({error}): "
                "it must be a file in a folder that exists, and both must be writable"
            )
        case apsw.NotADBError():
            return UnsuitableStore(
                f"{path} is not a SQLite database ({error}); name a file of reunite's own"
            )
        case _:
            return StoreError(f"{path}: {error}")


@contextmanager
def transaction(connection: apsw.Connection, path: str, *, write: bool) -> Iterator[None]:
    """One transaction: a write takes the file's lock first, a read sees one snapshot."""
    try:
        with translated(path):
            connection.execute("begin immediate" if write else "begin")
            yield
        with translated(path, committing=write):
            connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            with translated(path):
                connection.execute("rollback")
        raise
