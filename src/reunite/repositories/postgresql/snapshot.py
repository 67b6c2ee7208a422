"""A workspace of a PostgreSQL database as it was at one moment, for work on whole tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg import sql

from reunite.errors import StoreMissing
from reunite.identifier import Policy
from reunite.reconcile import Head
from reunite.repositories import queries
from reunite.repositories.bulk import (
    KEYS,
    TABLES,
    TIMES,
    Holder,
    KeptApart,
    Rows,
    Snapshot,
    Standing,
)
from reunite.repositories.policy import require_policy, unknown_workspace
from reunite.repositories.postgresql import schema
from reunite.repositories.postgresql.connection import PACKAGE, BoundedConnection, address
from reunite.repositories.postgresql.connection import QUERIES as CONNECTION_QUERIES
from reunite.repositories.postgresql.failure import translated
from reunite.url import shown

QUERIES = queries.load(PACKAGE, "bulk.sql")

IDLE = 3600.0
"""Seconds that a snapshot may lie idle while its owner computes, before the server drops it."""

SILENCE = 300.0
"""Seconds after which a server that takes nothing is given up: one that flushes takes nothing."""

BLOCK = 1 << 20
"""Bytes of CSV in a block."""

_AS_THEY_LIE = frozenset({"identifier", "link"})
"""The tables whose rows lie in no order: they may be many, and a server would have to sort them."""


@contextmanager
def open_snapshot(url: str, *, workspace: str, policy: Policy) -> Iterator[PostgresqlSnapshot]:
    """A snapshot of a workspace of a database.

    Raises `StoreMissing` for a database without the schema, `Unknown` where there is no such
    workspace, `StoreRefused` for a store that it must not work on, `StoreUnavailable` for one that
    does not answer, `InvalidSetting` for a URL that means nothing.
    """
    with connected(url) as live:
        with translated():
            live.execute(QUERIES["begin_snapshot"])
            live.execute(
                QUERIES["settings"], {"lock_timeout": "60s", "idle_timeout": f"{IDLE:.0f}s"}
            )
            is_made = live.execute(CONNECTION_QUERIES["is_made"]).fetchone() == (True,)
        if not is_made:
            raise StoreMissing(shown(url))
        schema.require_current(live)
        state = find_workspace(live, workspace, policy)
        if state is None:
            raise unknown_workspace(workspace)
        yield PostgresqlSnapshot(live, workspace, policy, state)


@contextmanager
def connected(url: str) -> Iterator[BoundedConnection]:
    """A connection of its own, on which statements may take long; what it began ends with it."""
    with translated():
        live = BoundedConnection.connect(**address(url, SILENCE), autocommit=True)
    try:
        yield live
    finally:
        live.close()


class State(NamedTuple):
    """A workspace's row, as far as it is not its policy."""

    id: int
    identity_limit: int
    has_blocks: bool
    has_constraints: bool


def find_workspace(live: BoundedConnection, name: str, policy: Policy) -> State | None:
    """A workspace's row; None where it is not made.

    Raises `PolicyMismatch` where it was made with another policy.
    """
    with translated():
        found = live.execute(QUERIES["workspace_state"], {"workspace": name}).fetchone()
    if found is None:
        return None
    workspace_id, phone_region, rule_version, *rest = found
    require_policy(Policy(phone_region, rule_version), policy, name)
    return State(workspace_id, *rest)


class PostgresqlSnapshot(Snapshot):
    """What one transaction sees; closing its connection ends it."""

    def __init__(
        self,
        live: BoundedConnection,
        workspace: str,
        policy: Policy,
        state: State,
    ) -> None:
        self.policy = policy
        self._live = live
        self._name = workspace
        self._workspace, self.identity_limit, self.has_blocks, self.has_constraints = state
        head = self._all("head", {})
        self.head = Head(*head[0]) if head else Head()
        ((clock,),) = self._all("clock", {})
        self.at = max(clock, self.head.at)

    def csv(self, table: str, *, standing: bool = False) -> Iterator[bytes]:
        columns = sql.SQL(", ").join(map(_told, TABLES[table]))
        query = sql.SQL("copy (select {} from {} where workspace = {}").format(
            columns, sql.Identifier("reunite", table), self._workspace
        )
        if standing:
            query += sql.SQL(" and voided is null")
        if table not in _AS_THEY_LIE:
            query += sql.SQL(" order by workspace, " + ", ".join(KEYS[table]))
        return self._lines(query + sql.SQL(") to stdout (format csv)"), {})

    def tree_csv(self) -> Iterator[bytes]:
        return self._lines(sql.SQL(QUERIES["tree"]), {"name": self._name})

    def holders(self, identifiers: Rows) -> Iterator[list[Holder]]:
        for chunk in self._chunks(identifiers):
            types, keys = map(list, zip(*chunk, strict=True))
            asked = self._all("holders", {"types": types, "keys": keys})
            yield [Holder(*row) for row in asked]

    def taken(self, ids: Rows) -> Iterator[list[int]]:
        for chunk in self._chunks(ids):
            yield [id_ for (id_,) in self._all("taken", {"ids": [id_ for (id_,) in chunk]})]

    def identities(self, identity_ids: Rows) -> Iterator[list[Standing]]:
        for chunk in self._chunks(identity_ids):
            asked = {"ids": [id_ for (id_,) in chunk], "has_blocks": self.has_blocks}
            yield [Standing(*row) for row in self._all("identities", asked)]

    def constraints(self) -> list[KeptApart]:
        return [KeptApart(*row) for row in self._all("constraints", {})]

    def _chunks(self, rows: Rows) -> Iterator[list[tuple[object, ...]]]:
        """What is asked, if anything can be found: the journal accounts for all there is."""
        if self.head.position:
            with translated():
                self._live.execute(QUERIES["by_key"])
            yield from rows.tuples()

    def _all(self, query: str, parameters: dict[str, object]) -> list[tuple[Any, ...]]:
        with translated(), self._live.cursor(binary=True) as cursor:
            return cursor.execute(
                QUERIES[query], {"workspace": self._workspace, **parameters}
            ).fetchall()

    def _lines(
        self, query: sql.SQL | sql.Composed, parameters: dict[str, object]
    ) -> Iterator[bytes]:
        block = bytearray()
        with translated(), self._live.cursor() as cursor:
            cursor.execute(QUERIES["at_large"])
            with cursor.copy(query, parameters) as lines:
                for line in lines:
                    block += line
                    if len(block) >= BLOCK:
                        yield bytes(block)
                        block.clear()
        yield bytes(block)


def _told(column: str) -> sql.Composable:
    """A column as it is told: times as microseconds."""
    if column in TIMES:
        return sql.SQL("(extract(epoch from {}) * 1000000)::bigint").format(sql.Identifier(column))
    return sql.Identifier(column)
