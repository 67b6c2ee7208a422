"""What PostgreSQL's errors mean here, in one place.

No message of ours carries the server's detail or context lines: they quote values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from reunite.errors import (
    OutcomeUnknown,
    ReuniteError,
    SchemaMismatch,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UnsuitableStore,
)

_MEANINGS: dict[str, type[ReuniteError]] = {
    "RU001": UnsuitableStore,  # not read committed: a pooler imposes another isolation
    "RU002": SchemaMismatch,  # the workspace was removed while this program served it
    "25006": StoreUnavailable,  # read-only: a standby, or one about to be promoted
    "3F000": SchemaMismatch,  # no such schema
    "40001": StoreUnavailable,  # serialization failure
    "40P01": StoreUnavailable,  # deadlock
    "42501": SchemaMismatch,  # no privilege
    "42883": SchemaMismatch,  # no such function
    "42P01": SchemaMismatch,  # no such table
    "53100": StoreFull,
    "55P03": StoreUnavailable,  # lock_timeout
    "57014": StoreUnavailable,  # statement_timeout
}
_INSUFFICIENT_RESOURCES = "53"


def unreachable(error: psycopg.Error) -> StoreUnavailable:
    """No connection could be made: surely nothing was written."""
    return StoreUnavailable(f"PostgreSQL cannot be reached: {_said(error)}")


def is_loss(error: psycopg.Error) -> bool:
    """Whether the connection is gone, and with it the outcome of the statement under way."""
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return True
    return error.diag.severity_nonlocalized in ("FATAL", "PANIC")


def lost(error: psycopg.Error) -> OutcomeUnknown:
    """The connection went while a statement that writes was under way."""
    return OutcomeUnknown(f"the connection to PostgreSQL was lost: {_said(error)}")


def meaning(error: psycopg.Error) -> ReuniteError:
    """The server refused the statement, and lives: surely nothing was written."""
    sqlstate = error.sqlstate or ""
    kind = _MEANINGS.get(sqlstate, StoreError)
    if kind is StoreError and sqlstate.startswith(_INSUFFICIENT_RESOURCES):
        kind = StoreUnavailable
    return kind(f"PostgreSQL: {_said(error)} ({sqlstate or type(error).__name__})")


@contextmanager
def translated() -> Iterator[None]:
    """Raise this package's errors in place of the driver's, where a lost connection loses nothing.

    So it is at start, for whoever only looks, and in a transaction until it is committed.
    """
    try:
        yield
    except psycopg.Error as error:
        raise (unreachable(error) if is_loss(error) else meaning(error)) from None


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip() or type(error).__name__
