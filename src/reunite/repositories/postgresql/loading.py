"""A workspace of a PostgreSQL database under its lock, to be written whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from reunite.errors import StoreError, StoreUnavailable
from reunite.identifier import Policy
from reunite.repositories.bulk import Loading, Rows, ahead
from reunite.repositories.postgresql import schema
from reunite.repositories.postgresql.connection import QUERIES as CONNECTION_QUERIES
from reunite.repositories.postgresql.connection import BoundedConnection
from reunite.repositories.postgresql.failure import is_loss, lost, meaning, translated
from reunite.repositories.postgresql.snapshot import (
    QUERIES,
    PostgresqlSnapshot,
    State,
    connected,
    find_workspace,
)
from reunite.repositories.postgresql.transaction import QUERIES as TRANSACTION_QUERIES
from reunite.repositories.repository import require_limit

IDLE = 600.0
"""Seconds that the lock may be held while its owner computes, before the server drops it."""

MANY = 10_000
"""Rows after which the server's planner is told at once."""

_log = logging.getLogger("reunite.postgresql")


@contextmanager
def open_loading(
    url: str, *, workspace: str, policy: Policy, patience: float
) -> Iterator[PostgresqlLoading]:
    """A workspace of a database, made with it where there is none.

    Args:
        url: of the database, as libpq knows it.
        patience: seconds to wait while others write.

    Raises `StoreRefused` for a store that it must not work on, `StoreUnavailable` for one that
    does not answer or stays locked, `InvalidSetting` for a URL that means nothing.
    """
    with connected(url) as live:
        with connected(url) as other:
            schema.require_suitable(live, other)
        with translated():
            live.execute(QUERIES["begin_loading"])
            is_made = live.execute(CONNECTION_QUERIES["is_made"]).fetchone() == (True,)
        if not is_made:
            schema.migrate(live)
        with translated():
            live.execute(
                QUERIES["settings"],
                {"lock_timeout": f"{patience * 1000:.0f}ms", "idle_timeout": f"{IDLE:.0f}s"},
            )
        schema.require_current(live)
        schema.enter_workspace(live, workspace, policy)
        with translated():
            live.execute(QUERIES["lock"], {"workspace": workspace})
        # Read in a statement of its own, which sees what was committed before the lock was had.
        state = find_workspace(live, workspace, policy)
        if state is None:
            raise StoreUnavailable(f"the workspace {workspace!r} was removed while it was entered")
        yield PostgresqlLoading(live, workspace, policy, state, is_new=not is_made)


class PostgresqlLoading(PostgresqlSnapshot, Loading):
    """What one transaction sees and writes, whose lock is held already.

    Args:
        is_new: whether the tables were made by the same transaction, so that only it sees them.
    """

    def __init__(
        self,
        live: BoundedConnection,
        workspace: str,
        policy: Policy,
        state: State,
        *,
        is_new: bool,
    ) -> None:
        super().__init__(live, workspace, policy, state)
        self._is_new = is_new
        self._dropped: dict[str, list[str]] = {}
        self._written = 0

    def write(self, table: str, rows: Rows) -> None:
        if self._is_new and table not in self._dropped:
            self._drop_indexes(table)
        self._copy(table, ["workspace", *rows.columns], rows.copy_text(self._workspace))

    def block(self, identifiers: Rows) -> None:
        self._copy(
            "identifier",
            ["workspace", "blocked_by", "type", "key"],
            identifiers.copy_text(self._workspace, self.head.position + 1),
        )

    def repoint(self, identities: Rows) -> None:
        for chunk in self._chunks(identities):
            identity_ids, successors = map(list, zip(*chunk, strict=True))
            self._execute(QUERIES["repoint"], identity_ids=identity_ids, successors=successors)

    def set_identity_limit(self, identity_limit: int) -> None:
        require_limit(identity_limit)
        self._execute(QUERIES["set_identity_limit"], identity_limit=identity_limit)

    def commit(self) -> None:
        self._make_indexes()
        self._execute(QUERIES["keep_blocks"])
        self._execute(TRANSACTION_QUERIES["note_what_stands"])
        try:
            self._live.execute("commit")
        except psycopg.Error as error:
            raise (lost(error) if is_loss(error) else meaning(error)) from None
        if self._written >= MANY:
            self._analyze()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What failed in part must not be committed, and nothing be added to what was."""
        if self._live.info.transaction_status is not TransactionStatus.INTRANS:
            raise StoreError(
                "PostgreSQL: nothing more can be written, as this loading failed or is committed"
            )
        with translated():
            yield

    def _execute(self, query: LiteralString, **parameters: object) -> None:
        with self._writing():
            self._live.execute(query, {"workspace": self._workspace, **parameters})

    def _drop_indexes(self, table: str) -> None:
        """Made last, over a table that is filled at once, they cost less."""
        with self._writing():
            indexes = self._live.execute(
                QUERIES["indexes"], {"table": f"reunite.{table}"}
            ).fetchall()
            for drop, _ in indexes:
                self._live.execute(drop)
        self._dropped[table] = [make for _, make in indexes]

    def _make_indexes(self) -> None:
        with self._writing():
            for makes in self._dropped.values():
                for make in makes:
                    self._live.execute(make)

    def _copy(self, table: str, columns: Sequence[str], blocks: Iterator[bytes]) -> None:
        query = sql.SQL("copy {} ({}) from stdin").format(
            sql.Identifier("reunite", table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self._writing(), self._live.cursor() as cursor:
            with cursor.copy(query) as copy:
                for block in ahead(blocks):
                    copy.write(block)
            self._written += cursor.rowcount

    def _analyze(self) -> None:
        """Tell the server's planner; queries that people write themselves are slow until then."""
        try:
            self._live.execute(QUERIES["analyze"])
        except psycopg.Error as error:
            # All is committed, and the server does it by itself before long.
            _log.warning("analyze failed", extra={"reason": str(meaning(error))})
