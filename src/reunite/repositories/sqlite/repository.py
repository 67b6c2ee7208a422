"""The embedded store: one SQLite file, no set-up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NamedTuple

import apsw
import msgspec

from reunite.errors import BlockedIdentifier, ConstraintViolation, IdentityTooLarge, Refusal
from reunite.identifier import Policy, Presented, phone_key
from reunite.identity import Identified
from reunite.reconcile import (
    Attribute,
    Blocks,
    Changes,
    Constraint,
    Contact,
    Head,
    Known,
    Microseconds,
    Reconciliation,
    recognise,
)
from reunite.repositories.repository import (
    OnWait,
    Store,
    Totals,
    nobody_waits,
    require_limit,
)
from reunite.repositories.sqlite import schema
from reunite.repositories.sqlite.checkpointer import Checkpointer
from reunite.repositories.sqlite.connection import closed_on_error, connect, transaction, translated
from reunite.repositories.sqlite.schema import QUERIES
from reunite.repositories.sqlite.transaction import SqliteTransactions
from reunite.repositories.transaction import Sight, Transaction

_contacts = msgspec.json.Decoder(list[Contact])
_ids = msgspec.json.Decoder(set[int])
_holders = msgspec.json.Decoder(dict[str, int])
_head = msgspec.json.Decoder(Head)
_pairs = msgspec.json.Decoder(set[tuple[str, str]])
_blocked = msgspec.json.Decoder(list[tuple[Literal["email", "phone"], str]])
_constraints = msgspec.json.Decoder(list[Constraint])
_attributes = msgspec.json.Decoder(list[tuple[int, Attribute]])


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class _Reconciled(NamedTuple):
    """A batch, reconciled over what the store held then.

    Attributes:
        rows: what `write_batch` takes; empty where nothing is to be written.
        entries: how many rows of the journal there are among them.
        refusals: how many answers are to requests that are to be held.
        at: the time of the batch.
    """

    answers: list[Identified | Refusal]
    rows: dict[str, object]
    entries: int
    refusals: int
    at: Microseconds


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
            known, _, _ = self._known(self._reader, requests, to_join=False)
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
                self._hold(requests, batch)
        self._checkpointer.note(batch.entries + batch.refusals)
        return batch.answers

    def _reconciled(self, requests: Sequence[Presented]) -> _Reconciled:
        with translated(self._path):
            known, head, limit = self._known(self._writer, requests, to_join=True)
        at = max(self._clock(), head.at)
        reconciliation = Reconciliation(known, head, at, limit)
        answers = [reconciliation.reconcile(request) for request in requests]
        changes = reconciliation.changes()
        rows = {}
        if changes.entries:
            rows = _rows(changes) | {
                "workspace": self._workspace,
                "after": head.position,
                "identity_limit": limit,
                "at": at,
            }
        return _Reconciled(answers, rows, len(changes.entries), len(changes.refusals), at)

    def _known(
        self, connection: apsw.Connection, requests: Sequence[Presented], *, to_join: bool
    ) -> tuple[Known, Head, int]:
        presented = [
            (request.email, None if request.phone is None else phone_key(request.phone))
            for request in requests
        ]
        contacts, emails, phones, imported, links, *rare, head, limit = connection.execute(
            QUERIES["known"],
            {"workspace": self._workspace, "requests": _json(presented), "to_join": to_join},
        ).get
        blocked, attributes, blocked_pairs, constraints = rare
        known = Known(
            _contacts.decode(contacts),
            _holders.decode(emails),
            _holders.decode(phones),
            _ids.decode(imported),
            _pairs.decode(links) | (set() if blocked is None else _pairs.decode(blocked_pairs)),
            None if blocked is None else _blocks(blocked, attributes),
            () if constraints is None else _constraints.decode(constraints),
        )
        return known, Head() if head is None else _head.decode(head), limit

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

    def _hold(self, requests: Sequence[Presented], batch: _Reconciled) -> None:
        """Hold what must not join, and say in each refusal as what."""
        for request, answer in zip(requests, batch.answers, strict=True):
            if isinstance(answer, Refusal) and not isinstance(answer, BlockedIdentifier):
                answer.held_id = self._held_id(request, answer, batch.at)

    def _held_id(
        self, request: Presented, refusal: IdentityTooLarge | ConstraintViolation, at: int
    ) -> int:
        asked = {
            "workspace": self._workspace,
            "at": at,
            "email": request.email,
            "phone": request.phone,
            "key": phone_key(request.phone or ""),
        }
        held_id = self._writer.execute(QUERIES["hold_again"], asked).get
        if held_id is None:
            held_id = self._writer.execute(QUERIES["hold"], asked | _reason(refusal)).get
        return int(held_id)


def _rows(changes: Changes) -> dict[str, object]:
    return {
        "repointed": _json(changes.repointed),
        "contacts": _json([(*contact, *more) for contact, *more in changes.contacts]),
        "identifiers": _json(
            [("email", *row) for row in changes.emails]
            + [("phone", *row) for row in changes.phones]
        ),
        "links": _json(changes.links),
        "entries": _json(changes.entries),
    }


def _blocks(blocked: str, attributes: str) -> Blocks:
    keys: dict[str, set[str]] = {"email": set(), "phone": set()}
    for type_, key in _blocked.decode(blocked):
        keys[type_].add(key)
    by_identity: dict[int, list[Attribute]] = {}
    for identity_id, attribute in _attributes.decode(attributes):
        by_identity.setdefault(identity_id, []).append(attribute)
    return Blocks(keys["email"], keys["phone"], by_identity)


def _reason(refusal: IdentityTooLarge | ConstraintViolation) -> dict[str, object]:
    """Why a request is held, as its row says it."""
    if isinstance(refusal, IdentityTooLarge):
        reason, a, b, position = "limit", ("", ""), ("", ""), 0
    else:
        reason, a, b, position = "constraint", refusal.a, refusal.b, refusal.position
    return {
        "reason": reason,
        "a_type": a[0],
        "a_key": a[1],
        "b_type": b[0],
        "b_key": b[1],
        "constraint_position": position,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
