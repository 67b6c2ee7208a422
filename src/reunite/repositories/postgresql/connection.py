"""A connection that heals: made when needed, replaced when broken, never waited on forever."""

from __future__ import annotations

import math
import select
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from reunite.errors import InvalidSetting, StoreUnavailable
from reunite.repositories import queries
from reunite.repositories.postgresql.failure import is_loss, lost, meaning, unreachable

PACKAGE = "reunite.repositories.postgresql"
QUERIES = queries.load(PACKAGE)

CONNECT_TIMEOUT = 3
"""Seconds for one address to answer."""

PAUSES = (0.05, 0.2)
"""Seconds before the second and the third try of what surely was not committed."""

GRACE = 2.0
"""Seconds that the server has beyond its own statement_timeout before it is given up."""

T = TypeVar("T")


class Overdue(psycopg.OperationalError):
    """The server, though connected, fell silent."""


class BoundedConnection(psycopg.Connection[TupleRow]):
    """psycopg's connection, given up when the server is silent for `patience` seconds."""

    patience: float = math.inf

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **settings: Any) -> T:
        """Run a statement's steps; raises `Overdue`."""
        deadline = time.monotonic() + self.patience
        return super().wait(_until(deadline, gen), *args, **settings)


def _until(deadline: float, steps: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    """The same steps; psycopg resumes them with 0 whenever nothing came for a tenth of a second."""
    try:
        awaited = next(steps)
        while True:
            ready = yield awaited
            if not ready and time.monotonic() > deadline:
                raise Overdue("the server did not answer in time")
            awaited = steps.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


class Connection:
    """One connection to a database, for one statement at a time; threads take turns.

    Args:
        url: of the database.
        timeout: seconds that a statement may take, its repeats and the wait for its turn included.
        lock_timeout: seconds that a statement waits for a lock.
        on_repeat: called each time a statement is repeated.

    Raises `InvalidSetting` for a URL that means nothing.
    """

    def __init__(
        self, url: str, *, timeout: float, lock_timeout: float, on_repeat: Callable[[], None]
    ) -> None:
        self._address = address(url, timeout)
        self._timeout = timeout
        self._settings = {
            "statement_timeout": f"{round(timeout * 1000)}ms",
            "lock_timeout": f"{round(lock_timeout * 1000)}ms",
        }
        self._on_repeat = on_repeat
        self._turn = threading.Lock()
        self._live: BoundedConnection | None = None
        self._is_closed = False

    def read(
        self, query: str, parameters: Mapping[str, object], *, pauses: tuple[float, ...] = PAUSES
    ) -> list[TupleRow]:
        """Run a named query that changes nothing; where its answer was lost it is asked again.

        ``pauses`` are the seconds before each repeat. Raises `StoreUnavailable`.
        """
        return self._run(query, parameters, pauses, writes=False)

    def write(self, query: str, parameters: Mapping[str, object]) -> list[TupleRow]:
        """Run a named query as a transaction; repeated only while surely nothing was committed.

        Raises `StoreUnavailable` or `StoreFull` where nothing was written, else `OutcomeUnknown`.
        """
        return self._run(query, parameters, PAUSES, writes=True)

    @contextmanager
    def held(self) -> Iterator[BoundedConnection]:
        """The driver's connection for a transaction of several statements; others wait their turn.

        What was not committed when it is left is rolled back. Raises `StoreUnavailable`.
        """
        with self._taken():
            try:
                live = self.live()
            except psycopg.Error as error:
                raise unreachable(error) from None
            try:
                yield live
            finally:
                self._tidy(live)

    def live(self) -> BoundedConnection:
        """The driver's connection, tried for signs of death and made anew if need be.

        Raises `psycopg.OperationalError`.
        """
        if self._is_closed:
            raise psycopg.OperationalError("this store is closed")
        if self._live is not None and _has_died(self._live):
            self._drop()
        if self._live is None:
            self._live = self._connect()
        return self._live

    def close(self) -> None:
        """Close it for good; closing twice is fine."""
        self._is_closed = True
        self._drop()

    def _drop(self) -> None:
        if self._live is not None:
            self._live.close()
            self._live = None

    def _tidy(self, live: BoundedConnection) -> None:
        """End a transaction that was left open; what cannot be told so is closed."""
        try:
            if live.info.transaction_status != TransactionStatus.IDLE:
                live.execute("rollback")
        except psycopg.Error:
            self._drop()

    @contextmanager
    def _taken(self) -> Iterator[None]:
        """The connection for this thread alone; raises `StoreUnavailable` if it stays busy."""
        if not self._turn.acquire(timeout=self._timeout):
            raise StoreUnavailable("the connection to PostgreSQL is busy")
        try:
            yield
        finally:
            self._turn.release()

    def _run(
        self,
        query: str,
        parameters: Mapping[str, object],
        pauses: tuple[float, ...],
        *,
        writes: bool,
    ) -> list[TupleRow]:
        deadline = time.monotonic() + self._timeout
        with self._taken():
            for pause in pauses:
                try:
                    return self._try(query, parameters, writes=writes)
                except StoreUnavailable:
                    if time.monotonic() + pause > deadline:
                        raise
                self._on_repeat()
                time.sleep(pause)
            return self._try(query, parameters, writes=writes)

    def _try(self, query: str, parameters: Mapping[str, object], *, writes: bool) -> list[TupleRow]:
        try:
            live = self.live()
        except psycopg.Error as error:
            raise unreachable(error) from None
        try:
            with live.cursor(binary=True) as cursor:
                return cursor.execute(QUERIES[query], parameters, prepare=True).fetchall()
        except psycopg.Error as error:
            problem = meaning(error)
            if is_loss(error):
                problem = lost(error) if writes else unreachable(error)
            if is_loss(error) or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                self._drop()
            raise problem from None

    def _connect(self) -> BoundedConnection:
        live = BoundedConnection.connect(**self._address, autocommit=True)
        try:
            live.patience = self._timeout + GRACE
            live.execute(QUERIES["session_settings"], self._settings)
        except psycopg.Error:
            live.close()
            raise
        return live


def address(url: str, timeout: float) -> dict[str, Any]:
    """What libpq connects with; what the URL says goes first."""
    defaults = {
        "fallback_application_name": "reunite",
        "connect_timeout": CONNECT_TIMEOUT,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": round(timeout * 1000),
    }
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The driver's message would repeat the URL, and with it the password.
        raise InvalidSetting(
            "the store's URL cannot be understood; "
            "it has the form postgresql://user:password@host:5432/database"
        ) from None
    return {**defaults, **given, "client_encoding": "UTF8"}


def _has_died(live: BoundedConnection) -> bool:
    """Whether an idle connection has something to read: an end of file, or a last message.

    Found out before a statement is sent, it costs nothing but a new connection; afterwards the
    statement's outcome would not be known.
    """
    if live.closed:
        return True
    poll = select.poll()
    poll.register(live.fileno(), select.POLLIN)
    return bool(poll.poll(0))
