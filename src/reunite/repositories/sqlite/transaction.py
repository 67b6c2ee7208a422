"""A workspace of a SQLite file, looked into at one moment and changed under its lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import apsw
import msgspec

from reunite.errors import StoreUnavailable
from reunite.identifier import Policy
from reunite.repositories import queries
from reunite.repositories.session import Session
from reunite.repositories.sight import SessionSight, SessionTransaction
from reunite.repositories.sqlite.connection import connect, transaction, translated
from reunite.repositories.sqlite.schema import PACKAGE
from reunite.repositories.transaction import Sight, Transaction

QUERIES = queries.load(PACKAGE, "transaction.sql")


class SqliteSession(Session):
    """A transaction of a connection, about one workspace.

    Attributes:
        changes: rows written.
    """

    def __init__(self, connection: apsw.Connection, path: str, workspace: int) -> None:
        super().__init__()
        self._connection = connection
        self._path = path
        self._workspace = workspace
        self._changes_before = connection.total_changes()

    @property
    def changes(self) -> int:
        return self._connection.total_changes() - self._changes_before

    def _listed(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, object]:
        return {"rows": msgspec.json.encode(rows).decode()} if columns else {}

    def _run(self, query: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with translated(self._path):
            found: list[tuple[Any, ...]] = self._connection.execute(
                QUERIES[query], {"workspace": self._workspace, **parameters}
            ).fetchall()
        return found


class SqliteTransactions:
    """The sights and transactions of one workspace.

    Sights have a connection of their own, made when the first of them is; transactions use the
    writer's.

    Args:
        clock: microseconds since 1970, UTC.
        committed: called with the number of rows that a transaction wrote.
        patience: seconds to wait for another process's write, or for another thread's sight.
    """

    def __init__(
        self,
        path: str,
        workspace: int,
        policy: Policy,
        *,
        writer: apsw.Connection,
        clock: Callable[[], int],
        committed: Callable[[int], object],
        patience: float,
    ) -> None:
        self._path = path
        self._workspace = workspace
        self._policy = policy
        self._writer = writer
        self._clock = clock
        self._committed = committed
        self._patience = patience
        self._turn = threading.Lock()
        self._viewer: apsw.Connection | None = None
        self._is_closed = False

    @contextmanager
    def sight(self) -> Iterator[Sight]:
        """See the workspace as it is now."""
        if not self._turn.acquire(timeout=self._patience):
            raise StoreUnavailable(f"{self._path}: others are looking into it all the time")
        try:
            connection = self._view()
            with transaction(connection, self._path, write=False), self._of(connection) as session:
                yield SessionSight(session, self._policy, self._state(session))
        finally:
            self._turn.release()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Take the file's lock."""
        with transaction(self._writer, self._path, write=True), self._of(self._writer) as session:
            work = SessionTransaction(session, self._policy, self._state(session))
            yield work
            work.complete()
        self._committed(session.changes)

    def close(self) -> None:
        """Let the sight under way end and close the connection; closing twice is fine."""
        self._is_closed = True
        has_turn = self._turn.acquire(timeout=self._patience)
        if self._viewer is not None:
            self._viewer.close()
        if has_turn:
            self._turn.release()

    def _view(self) -> apsw.Connection:
        if self._is_closed:
            raise StoreUnavailable(f"{self._path}: this store is closed")
        if self._viewer is None:
            self._viewer = connect(self._path, busy_timeout=self._patience)
        return self._viewer

    @contextmanager
    def _of(self, connection: apsw.Connection) -> Iterator[SqliteSession]:
        session = SqliteSession(connection, self._path, self._workspace)
        try:
            yield session
        finally:
            session.end()

    def _state(self, session: SqliteSession) -> tuple[Any, ...]:
        ((*state,),) = session.ask("state")
        return *state, self._clock()
