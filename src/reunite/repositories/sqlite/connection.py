"""Connections to a SQLite file: how they are set, and what their errors mean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from reunite.errors import OutcomeUnknown, StoreError, StoreFull, StoreUnavailable, UnsuitableStore

SAFE_SQLITE = (3, 51, 3)
"""Before it, two connections that write or checkpoint at once could corrupt a file
(https://sqlite.org/wal.html#walresetbug)."""


def connect(path: str, *, busy_timeout: float) -> apsw.Connection:
    """Open a file in WAL mode, every commit flushed; it is created if it does not exist.

    Args:
        path: of the file; its folder must exist.
        busy_timeout: seconds to wait for another process's write.

    Raises `StoreUnavailable` or `UnsuitableStore`.
    """
    version = apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < SAFE_SQLITE:
        raise UnsuitableStore(
            f"this SQLite is {version}, which can corrupt a file that two connections write; "
            "3.51.3 or newer is needed: pip install --upgrade apsw"
        )
    with translated(path):
        connection = apsw.Connection(path)
        connection.set_busy_timeout(round(busy_timeout * 1000))
        _use_wal(connection, path, busy_timeout)
        connection.pragma("synchronous", "full")
        connection.pragma("cache_size", -64 * 1024)
        connection.pragma("wal_autocheckpoint", 4000)
        connection.pragma("temp_store", "memory")
    return connection


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

    A failed flush during the commit leaves the outcome open: its frames may be found in the file
    after a crash. Everything before it is surely undone.
    """
    try:
        yield
    except apsw.FullError as error:
        raise StoreFull(f"{path}: no space left on its disk") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreUnavailable(f"{path}: another process is writing ({error})") from error
    except apsw.IOError as error:
        if committing:
            raise OutcomeUnknown(f"{path}: {error}") from error
        raise StoreUnavailable(f"{path}: {error}") from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise StoreUnavailable(
            f"{path}: cannot be opened for writing ({error}); its folder must exist and be writable"
        ) from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise UnsuitableStore(f"{path}: is not a sound SQLite database ({error})") from error
    except apsw.Error as error:
        raise StoreError(f"{path}: {error}") from error


@contextmanager
def transaction(connection: apsw.Connection, path: str, *, write: bool) -> Iterator[None]:
    """One transaction: a write takes the file's lock first, a read sees one snapshot."""
    with translated(path):
        connection.execute("begin immediate" if write else "begin")
    try:
        with translated(path):
            yield
        with translated(path, committing=True):
            connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
