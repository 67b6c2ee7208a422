"""A workspace of a SQLite file under its lock, to be written whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

import apsw

from reunite.errors import StoreError
from reunite.identifier import Policy
from reunite.repositories.bulk import Loading, Rows
from reunite.repositories.repository import require_limit
from reunite.repositories.sqlite import building, schema
from reunite.repositories.sqlite.connection import connect, translated
from reunite.repositories.sqlite.repository import now
from reunite.repositories.sqlite.snapshot import QUERIES, SqliteSnapshot, find_workspace
from reunite.repositories.sqlite.transaction import QUERIES as TRANSACTION_QUERIES

ROWS = 50
"""Rows that one statement inserts; more gain nothing."""

_log = logging.getLogger("reunite.sqlite")


@contextmanager
def open_loading(
    path: str, *, workspace: str, policy: Policy, patience: float
) -> Iterator[SqliteLoading]:
    """A workspace of a file, made with it where there is none.

    Args:
        path: of the file; its folder must exist.
        patience: seconds to wait while others write.

    Raises `StoreRefused` for a store that it must not work on, `StoreUnavailable` for one that
    does not answer or stays locked.
    """
    # Its log lies beside the file itself, not beside a link to it.
    file = Path(path).resolve()
    with building.claimed(file, patience) as beside:
        if beside is not None:
            with _new_file(beside, file, workspace, policy) as loading:
                yield loading
            return
    with _existing_file(str(file), workspace, policy, patience) as loading:
        yield loading


@contextmanager
def _existing_file(
    path: str, workspace: str, policy: Policy, patience: float
) -> Iterator[SqliteLoading]:
    with closing(connect(path, busy_timeout=patience)) as connection:
        if not schema.applied(connection):
            schema.migrate(connection, path, now())
        schema.require_current(connection, path)
        with _locked(connection, path):
            yield SqliteLoading(
                connection, path, workspace, policy, lambda: _commit(connection, path)
            )


@contextmanager
def _new_file(beside: Path, file: Path, workspace: str, policy: Policy) -> Iterator[SqliteLoading]:
    path = str(file)
    with building.connected(beside) as connection:
        schema.migrate(connection, path, now())
        with _locked(connection, path):
            yield SqliteLoading(
                connection,
                path,
                workspace,
                policy,
                lambda: building.publish(connection, beside, file),
            )


@contextmanager
def _locked(connection: apsw.Connection, path: str) -> Iterator[None]:
    """A transaction that takes the file's lock first; closing the connection undoes it."""
    with translated(path):
        # An index may be larger than memory; it is sorted in a file.
        connection.pragma("temp_store", "file")
        connection.execute("begin immediate")
    yield


def _commit(connection: apsw.Connection, path: str) -> None:
    with translated(path, committing=True):
        connection.execute("commit")
    _checkpoint(connection, path)


def _checkpoint(connection: apsw.Connection, path: str) -> None:
    """Bring the log into the file and empty it, as far as nobody has to wait for it."""
    try:
        connection.set_busy_timeout(0)
        # The first moves it all beside readers and writers, so that little is left for the second,
        # for which writers wait.
        connection.execute("pragma wal_checkpoint(passive)")
        connection.execute("pragma wal_checkpoint(truncate)")
    except apsw.Error as error:
        # Nothing is lost: the log keeps it all, and whoever writes next tries again.
        _log.warning("checkpoint failed", extra={"reason": str(error), "path": path})


class SqliteLoading(SqliteSnapshot, Loading):
    """What one transaction sees and writes, whose lock is held already.

    Args:
        commit: makes durable what was written.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: str,
        workspace: str,
        policy: Policy,
        commit: Callable[[], None],
    ) -> None:
        with translated(path):
            workspace_id = find_workspace(connection, workspace, policy)
            if workspace_id is None:
                schema.make_workspace(connection, workspace, policy, now())
                workspace_id = int(connection.last_insert_rowid())
        super().__init__(connection, path, workspace, workspace_id, policy)
        self._commit = commit
        self._is_over = False
        self._dropped: list[str] = []

    def write(self, table: str, rows: Rows) -> None:
        with self._writing():
            if self._is_empty():
                self._drop_indexes(table)
            for chunk in rows.tuples():
                self._insert(table, rows.columns, chunk)

    def block(self, identifiers: Rows) -> None:
        with self._writing():
            for chunk in identifiers.tuples():
                self._connection.executemany(
                    QUERIES["block"],
                    (
                        self._with(type=type_, key=key, position=self.head.position + 1)
                        for type_, key in chunk
                    ),
                )

    def repoint(self, identities: Rows) -> None:
        with self._writing():
            for chunk in identities.tuples():
                self._connection.executemany(
                    QUERIES["repoint"],
                    (self._with(identity_id=identity_id, into=into) for identity_id, into in chunk),
                )

    def set_identity_limit(self, identity_limit: int) -> None:
        require_limit(identity_limit)
        with self._writing():
            self._connection.execute(
                QUERIES["set_identity_limit"], self._with(identity_limit=identity_limit)
            )

    def commit(self) -> None:
        with self._writing():
            for sql in self._dropped:
                self._connection.execute(sql)
            self._connection.execute(QUERIES["keep_blocks"], self._with())
            self._connection.execute(TRANSACTION_QUERIES["note_what_stands"], self._with())
        self._is_over = True
        self._commit()

    def _insert(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        values = f"({self._workspace}{', ?' * len(columns)})"
        into = f"insert into {table} (workspace, {', '.join(columns)}) values "
        whole = len(rows) - len(rows) % ROWS
        self._connection.executemany(
            into + ", ".join([values] * ROWS),
            (
                tuple(chain.from_iterable(rows[start : start + ROWS]))
                for start in range(0, whole, ROWS)
            ),
        )
        self._connection.executemany(into + values, rows[whole:])

    def _drop_indexes(self, table: str) -> None:
        """Over a table that is filled at once an index is made last: sorted it costs a fraction."""
        indexes = self._connection.execute(QUERIES["indexes"], {"table": table}).fetchall()
        if not self._connection.execute(f"select exists (select 1 from {table})").get:
            for name, sql in indexes:
                self._connection.execute(f"drop index {name}")
                self._dropped.append(str(sql))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What failed in part must not be committed, and nothing be added to what was."""
        if self._is_over:
            raise StoreError(
                f"{self._path}: nothing more can be written, as this loading failed or is committed"
            )
        self._is_over = True
        with translated(self._path):
            yield
        self._is_over = False
