"""The embedded store: one SQLite file, no set-up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import apsw

from reunite.errors import Refusal
from reunite.identifier import Policy, Presented
from reunite.identity import Identified
from reunite.reconcile import recognise
from reunite.repositories.repository import (
    OnWait,
    Store,
    Totals,
    nobody_waits,
    require_limit,
)
from reunite.repositories.sqlite import schema
from reunite.repositories.sqlite.batch import Reconciled, hold, look_up, reconcile
from reunite.repositories.sqlite.checkpointer import Checkpointer
from reunite.repositories.sqlite.connection import closed_on_error, connect, transaction, translated
from reunite.repositories.sqlite.schema import QUERIES
from reunite.repositories.sqlite.transaction import SqliteTransactions
from reunite.repositories.transaction import Sight, Transaction


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class SqliteRepository(Store):
    """A workspace of a SQLite file: the pure rule, over a snapshot that nobody has overtaken.

    Nothing is kept between transactions, so that several processes may have the file open.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        workspace: str = "default",
        policy: Policy | None = None,
        migrate: bool = True,
        busy_timeout: float = 5.0,
        clock: Callable[[], int] = now,
    ) -> None:
        """Open or create a file.

        Args:
            path: of the file; its folder must exist.
            workspace: made at first use.
            policy: must be the one the workspace was made with.
            migrate: whether the schema may be created or brought up to date.
            busy_timeout: seconds to wait for another process's write.
            clock: microseconds since 1970, UTC.
        """
        self.policy = policy or Policy()
        self._path = str(path)
        self._clock = clock
        self._writer = connect(self._path, busy_timeout=busy_timeout)
        with closed_on_error(self._writer):
            if migrate:
                schema.migrate(self._writer, self._path, clock())
            else:
                schema.require_current(self._writer, self._path)
            self._workspace = schema.enter_workspace(
                self._writer, self._path, workspace, self.policy, clock()
            )
            with translated(self._path):
                self._writer.execute(schema.BATCH)
            self._reader = connect(self._path, busy_timeout=busy_timeout)
            with closed_on_error(self._reader):
                self._checkpointer = Checkpointer(connect(self._path, busy_timeout=busy_timeout))
        self._reader_turn = threading.Lock()
        self._transactions = SqliteTransactions(
            self._path,
            self._workspace,
            self.policy,
            writer=self._writer,
            clock=clock,
            committed=self._checkpointer.note,
            patience=busy_timeout,
        )

    def recognise_many(
        self, requests: Sequence[Presented], on_wait: OnWait = nobody_waits
    ) -> list[Identified | None]:
        on_wait()
        with self._reader_turn, translated(self._path):
            known, _, _ = look_up(self._reader, self._workspace, requests, to_join=False)
        return recognise(known, requests)

    def totals(self) -> Totals:
        with self._reader_turn, translated(self._path):
            row = self._reader.execute(QUERIES["totals"], {"workspace": self._workspace}).get
        return Totals(0, 0) if row is None else Totals(*row)

    def check(self) -> None:
        self.totals()

    def identity_limit(self) -> int:
        with self._reader_turn, translated(self._path):
            limit: int = self._reader.execute(
                QUERIES["identity_limit"], {"workspace": self._workspace}
            ).get
        return limit

    def set_identity_limit(self, identity_limit: int) -> None:
        require_limit(identity_limit)
        with transaction(self._writer, self._path, write=True):
            self._writer.execute(
                QUERIES["set_identity_limit"],
                {"workspace": self._workspace, "identity_limit": identity_limit},
            )

    def sight(self) -> AbstractContextManager[Sight]:
        return self._transactions.sight()

    def transaction(self) -> AbstractContextManager[Transaction]:
        return self._transactions.transaction()

    def close(self) -> None:
        self._transactions.close()
        self._checkpointer.close()
        self._reader.close()
        self._writer.close()

    def _reconcile(
        self, requests: Sequence[Presented], on_wait: OnWait
    ) -> list[Identified | Refusal]:
        """Reconcile over a snapshot, and write if that still is how things are.

        What is written then takes one step, lock, commit and flush included. Where another process
        was faster, or where something is to be held, all is done under the lock instead.
        """
        batch = self._reconciled(requests)
        if batch.rows or batch.refusals:
            on_wait()
        if batch.refusals or not self._write_at_once(batch.rows):
            with transaction(self._writer, self._path, write=True):
                batch = self._reconciled(requests)
                self._write(batch.rows)
                hold(self._writer, self._workspace, requests, batch)
        self._checkpointer.note(batch.entries + batch.refusals)
        return batch.answers

    def _reconciled(self, requests: Sequence[Presented]) -> Reconciled:
        with translated(self._path):
            return reconcile(self._writer, self._workspace, requests, self._clock())

    def _write_at_once(self, rows: Mapping[str, object]) -> bool:
        """Write in a transaction of its own; False, and nothing is, if others wrote meanwhile."""
        with translated(self._path, committing=True):
            try:
                self._write(rows)
            except apsw.ConstraintError as error:
                if getattr(error, "extendedresult", 0) != apsw.SQLITE_CONSTRAINT_TRIGGER:
                    raise
                return False
        return True

    def _write(self, rows: Mapping[str, object]) -> None:
        if rows:
            self._writer.execute(QUERIES["write_batch"], rows)
