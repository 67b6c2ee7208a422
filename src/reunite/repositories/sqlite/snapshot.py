"""A workspace of a SQLite file as it was at one moment, for work on whole tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import apsw
import msgspec

from reunite.errors import StoreMissing, StoreUnavailable
from reunite.identifier import Policy
from reunite.reconcile import Head
from reunite.repositories import queries
from reunite.repositories.bulk import TABLES, Holder, KeptApart, Rows, Snapshot, Standing
from reunite.repositories.policy import require_policy, unknown_workspace
from reunite.repositories.sqlite import schema
from reunite.repositories.sqlite.connection import connect, transaction, translated
from reunite.repositories.sqlite.repository import now

QUERIES = queries.load(schema.PACKAGE, "bulk.sql")

PATIENCE = 60.0
"""Seconds to wait for another process where even reading has to."""

LINES = 20_000
"""Lines of CSV in a block."""

_QUOTED = frozenset(
    {"email", "phone", "key", "a_type", "a_key", "b_type", "b_key"}
    | {"source_id", "linked_id", "who", "why"}
)
"""The columns whose values may have any character, or none; those of others need no quotes."""


@contextmanager
def open_snapshot(path: str, *, workspace: str, policy: Policy) -> Iterator[SqliteSnapshot]:
    """A snapshot of a workspace of a file.

    Raises `StoreMissing` where there is no such file, `Unknown` where it has no such workspace,
    `StoreRefused` for a store that it must not work on, `StoreUnavailable` for one that does not
    answer.
    """
    _require_store(path)
    with closing(connect(path, busy_timeout=PATIENCE)) as connection:
        schema.require_current(connection, path)
        with transaction(connection, path, write=False):
            workspace_id = find_workspace(connection, workspace, policy)
            if workspace_id is None:
                raise unknown_workspace(workspace)
            yield SqliteSnapshot(connection, path, workspace, workspace_id, policy)


def _require_store(path: str) -> None:
    """Find out before it is opened, which would make it."""
    try:
        size = Path(path).stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        size = 0
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error.strerror}") from None
    if not size:
        raise StoreMissing(path)


@contextmanager
def empty_snapshot(*, workspace: str, policy: Policy) -> Iterator[SqliteSnapshot]:
    """A snapshot of a workspace that has nothing yet, wherever it will be."""
    path = ":memory:"
    with closing(apsw.Connection(path)) as connection:
        schema.migrate(connection, path, now())
        workspace_id = schema.enter_workspace(connection, path, workspace, policy, now())
        yield SqliteSnapshot(connection, path, workspace, workspace_id, policy)


def find_workspace(connection: apsw.Connection, name: str, policy: Policy) -> int | None:
    """The id of a workspace; raises `PolicyMismatch` where it was made with another policy."""
    found = connection.execute(schema.QUERIES["workspace"], {"name": name}).get
    if found is None:
        return None
    workspace_id, *made_with = found
    require_policy(Policy(*made_with), policy, name)
    return int(workspace_id)


class SqliteSnapshot(Snapshot):
    """What one transaction sees; whoever makes it ends the transaction."""

    def __init__(
        self,
        connection: apsw.Connection,
        path: str,
        workspace: str,
        workspace_id: int,
        policy: Policy,
    ) -> None:
        self.policy = policy
        self._connection = connection
        self._path = path
        self._name = workspace
        self._workspace = workspace_id
        with translated(path):
            state = connection.execute(QUERIES["workspace_state"], self._with()).get
            head = connection.execute(QUERIES["head"], self._with()).get
        self.identity_limit, has_blocks, has_constraints = state
        self.has_blocks, self.has_constraints = bool(has_blocks), bool(has_constraints)
        self.head = Head() if head is None else Head(*head)
        self.at = max(now(), self.head.at)

    def csv(self, table: str, *, standing: bool = False) -> Iterator[bytes]:
        query = f"select {_line(TABLES[table])} from {table} where workspace = :workspace"
        return self._lines(query + " and voided is null" * standing, self._with())

    def tree_csv(self) -> Iterator[bytes]:
        return self._lines(QUERIES["tree"], {"name": self._name})

    def holders(self, identifiers: Rows) -> Iterator[list[Holder]]:
        if self._is_empty():
            return
        for chunk in identifiers.tuples():
            found: list[Holder] = []
            for type_, asked in groupby(chunk, itemgetter(0)):
                keys = _json(key for _, key in asked)
                found += [
                    Holder(type_, key, contact_id, identity_id, bool(blocked))
                    for type_, key, contact_id, identity_id, blocked in self._all(
                        "holders", {"type": type_, "keys": keys}
                    )
                ]
            yield found

    def taken(self, ids: Rows) -> Iterator[list[int]]:
        if self._is_empty():
            return
        for chunk in ids.tuples():
            asked = _json(id_ for (id_,) in chunk)
            yield [id_ for (id_,) in self._all("taken", {"ids": asked})]

    def identities(self, identity_ids: Rows) -> Iterator[list[Standing]]:
        if self._is_empty():
            return
        for chunk in identity_ids.tuples():
            asked = {"ids": _json(id_ for (id_,) in chunk), "has_blocks": self.has_blocks}
            yield [Standing(*row) for row in self._all("identities", asked)]

    def constraints(self) -> list[KeptApart]:
        return [KeptApart(*row) for row in self._all("constraints", {})]

    def _is_empty(self) -> bool:
        """Whether there is nothing to be found: the journal accounts for all there is."""
        return not self.head.position

    def _with(self, **parameters: object) -> dict[str, object]:
        return {"workspace": self._workspace, **parameters}

    def _all(self, query: str, parameters: dict[str, object]) -> list[tuple[Any, ...]]:
        with translated(self._path):
            found: list[tuple[Any, ...]] = self._connection.execute(
                QUERIES[query], self._with(**parameters)
            ).fetchall()
        return found

    def _lines(self, query: str, parameters: dict[str, object]) -> Iterator[bytes]:
        with translated(self._path):
            lines = self._connection.execute(query, parameters)
            while block := "".join([line for (line,) in islice(lines, LINES)]):
                yield block.encode()


def _line(columns: Iterable[str]) -> str:
    """An expression for a row's line of CSV."""
    fields = [
        f"""ifnull('"' || replace({column}, '"', '""') || '"', '')"""
        if column in _QUOTED
        else f"ifnull({column}, '')"
        for column in columns
    ]
    return " || ',' || ".join(fields) + " || char(10)"


def _json(values: Iterable[object]) -> str:
    return msgspec.json.encode(list(values)).decode()
