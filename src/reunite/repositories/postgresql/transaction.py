"""A workspace of a PostgreSQL database, looked into at one moment and changed under its lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from reunite.errors import SchemaMismatch
from reunite.identifier import Policy
from reunite.repositories import queries
from reunite.repositories.bulk import TIMES
from reunite.repositories.postgresql.connection import PACKAGE, BoundedConnection, Connection
from reunite.repositories.postgresql.failure import is_loss, lost, meaning, unreachable
from reunite.repositories.session import Session
from reunite.repositories.sight import SessionSight, SessionTransaction
from reunite.repositories.transaction import Sight, Transaction

QUERIES = queries.load(PACKAGE, "transaction.sql")

IDLE = 60.0
"""Seconds that the lock may be held while its owner computes, before the server drops it."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresqlSession(Session):
    """A transaction of a connection, about one workspace."""

    def __init__(self, live: BoundedConnection, workspace: str) -> None:
        super().__init__()
        self._live = live
        self._parameters: dict[str, object] = {"name": workspace}

    def enter(self) -> tuple[Any, ...]:
        """Find the workspace: its limit, head and clock. Only then it can be asked about."""
        found = self.ask("state")
        if not found:
            raise SchemaMismatch("the workspace was removed while this program served it")
        self._parameters["workspace"], *state = found[0]
        return tuple(state)

    def commit(self) -> None:
        """Raises `OutcomeUnknown` where the connection was lost meanwhile."""
        self.require_sound()
        try:
            self._live.execute("commit")
        except psycopg.Error as error:
            raise (lost(error) if is_loss(error) else meaning(error)) from None

    def _listed(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, object]:
        lists = zip(*rows, strict=True) if rows else ((),) * len(columns)
        return {
            column: _times(values) if column in TIMES else list(values)
            for column, values in zip(columns, lists, strict=True)
        }

    def _run(self, query: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        try:
            with self._live.cursor(binary=True) as cursor:
                cursor.execute(QUERIES[query], {**self._parameters, **parameters}, prepare=True)
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            # Nothing of it was committed, lost or not.
            problem = unreachable(error) if is_loss(error) else meaning(error)
            if is_loss(error) or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                self._live.close()
            raise problem from None


class PostgresqlTransactions:
    """The sights and transactions of one workspace.

    Args:
        writer: the connection on which identify writes.
        viewer: another, for sights alone.
    """

    def __init__(
        self, workspace: str, policy: Policy, *, writer: Connection, viewer: Connection
    ) -> None:
        self._workspace = workspace
        self._policy = policy
        self._writer = writer
        self._viewer = viewer

    @contextmanager
    def sight(self) -> Iterator[Sight]:
        """See the workspace as it is now."""
        with self._begun(self._viewer, "begin_sight") as session:
            yield SessionSight(session, self._policy, session.enter())

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Take the workspace's lock."""
        with self._begun(self._writer, "begin_transaction") as session:
            session.ask("lock")
            # In a statement of its own, which sees what was committed before the lock was had.
            work = SessionTransaction(session, self._policy, session.enter())
            yield work
            work.complete()
            session.commit()

    def close(self) -> None:
        """Close what sights use; closing twice is fine."""
        self._viewer.close()

    @contextmanager
    def _begun(self, connection: Connection, begin: str) -> Iterator[PostgresqlSession]:
        with connection.held() as live:
            session = PostgresqlSession(live, self._workspace)
            try:
                session.ask(begin)
                session.ask("settings", idle_timeout=f"{IDLE:.0f}s")
                yield session
            finally:
                session.end()


def _times(values: Sequence[int]) -> list[datetime]:
    """Here and not in SQL, whose arithmetic is that of floats."""
    return [EPOCH + timedelta(microseconds=value) for value in values]
