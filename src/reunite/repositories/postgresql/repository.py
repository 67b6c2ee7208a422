"""The store for a team: PostgreSQL, the rule in a stored function (functions.sql)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import msgspec
from psycopg.rows import TupleRow

from reunite.errors import BlockedIdentifier, ConstraintViolation, IdentityTooLarge, Refusal
from reunite.identifier import Policy, Presented
from reunite.identity import Identified, Outcome
from reunite.repositories.postgresql import schema
from reunite.repositories.postgresql.connection import Connection
from reunite.repositories.postgresql.failure import translated
from reunite.repositories.postgresql.transaction import PostgresqlTransactions
from reunite.repositories.repository import (
    OnWait,
    Store,
    Totals,
    nobody_waits,
    require_limit,
)
from reunite.repositories.transaction import Sight, Transaction


class _Contact(msgspec.Struct, frozen=True, rename="camel"):
    """An identity as the stored functions tell it."""

    primary_contact_id: int
    emails: tuple[str, ...]
    phone_numbers: tuple[str, ...]
    secondary_contact_ids: tuple[int, ...]


class _TooLarge(msgspec.Struct, frozen=True, rename="camel"):
    """Why the stored function refused a request that would pass the limit."""

    primary_contact_id: int
    size: int
    would_be: int
    limit: int
    held_id: int


class _KeptApart(msgspec.Struct, frozen=True, rename="camel"):
    """The constraint by which the stored function refused a request."""

    a: tuple[str, str]
    b: tuple[str, str]
    position: int
    held_id: int


_contact = msgspec.json.Decoder(_Contact)
_too_large = msgspec.json.Decoder(_TooLarge)
_kept_apart = msgspec.json.Decoder(_KeptApart)
_fields = msgspec.json.Decoder(tuple[str, ...])


def open_postgresql(
    url: str,
    *,
    workspace: str = "default",
    policy: Policy | None = None,
    migrate: bool = True,
    timeout: float = 10.0,
    lock_timeout: float = 3.0,
    on_repeat: Callable[[], None] | None = None,
) -> PostgresqlRepository:
    """Open a workspace of a database; both are made ready at first use.

    Args:
        url: of the database, as libpq knows it.
        workspace: made at first use.
        policy: must be the one the workspace was made with.
        migrate: whether the schema may be created or brought up to date.
        timeout: seconds after which a call gives up.
        lock_timeout: seconds that one try waits for the workspace's lock.
        on_repeat: called each time something is repeated that surely was not committed.

    Raises `StoreRefused` for a store that it must not work on, `StoreUnavailable` for one that
    does not answer, `InvalidSetting` for a URL that means nothing.
    """
    repeated = on_repeat or _nothing
    writer, reader, viewer = (
        Connection(url, timeout=timeout, lock_timeout=lock_timeout, on_repeat=repeated)
        for _ in range(3)
    )
    repository = PostgresqlRepository(writer, reader, viewer, workspace, policy or Policy())
    try:
        repository.make_ready(migrate=migrate)
    except BaseException:
        repository.close()
        raise
    return repository


class PostgresqlRepository(Store):
    """A workspace of a PostgreSQL database; opened by `open_postgresql`.

    Any number of processes may have it open: the workspace's lock orders their writes.
    """

    def __init__(
        self,
        writer: Connection,
        reader: Connection,
        viewer: Connection,
        workspace: str,
        policy: Policy,
    ) -> None:
        self.policy = policy
        self._writer = writer
        self._reader = reader
        self._workspace = workspace
        self._transactions = PostgresqlTransactions(workspace, policy, writer=writer, viewer=viewer)

    def make_ready(self, *, migrate: bool) -> None:
        """See that server, schema, workspace and policy are what this program needs."""
        with translated():
            writer, reader = self._writer.live(), self._reader.live()
        schema.require_suitable(writer, reader)
        if migrate:
            schema.migrate(writer)
        else:
            schema.require_current(writer)
        schema.enter_workspace(writer, self._workspace, self.policy)

    def recognise_many(
        self, requests: Sequence[Presented], on_wait: OnWait = nobody_waits
    ) -> list[Identified | None]:
        answers: list[Identified | None] = [None] * len(requests)
        asked = self._asked(requests)
        on_wait()
        rows = self._reader.read("recognise_many", asked)
        for item, answer in _answers(rows):
            if isinstance(answer, Identified):
                answers[item - 1] = answer
        return answers

    def totals(self) -> Totals:
        rows = self._reader.read("totals", {"workspace": self._workspace})
        return Totals(*rows[0]) if rows else Totals(0, 0)

    def check(self) -> None:
        self._reader.read("check", {"workspace": self._workspace}, pauses=())

    def identity_limit(self) -> int:
        rows = self._reader.read("identity_limit", {"workspace": self._workspace})
        limit: int = rows[0][0]
        return limit

    def set_identity_limit(self, identity_limit: int) -> None:
        require_limit(identity_limit)
        self._writer.write(
            "set_identity_limit",
            {"workspace": self._workspace, "identity_limit": identity_limit},
        )

    def sight(self) -> AbstractContextManager[Sight]:
        return self._transactions.sight()

    def transaction(self) -> AbstractContextManager[Transaction]:
        return self._transactions.transaction()

    def close(self) -> None:
        self._transactions.close()
        self._reader.close()
        self._writer.close()

    def _reconcile(
        self, requests: Sequence[Presented], on_wait: OnWait
    ) -> list[Identified | Refusal]:
        asked = self._asked(requests)
        on_wait()
        rows = self._writer.write("identify_many", asked)
        return [answer for _, answer in _answers(rows)]

    def _asked(self, requests: Sequence[Presented]) -> dict[str, object]:
        return {
            "workspace": self._workspace,
            "emails": [request.email for request in requests],
            "phones": [request.phone for request in requests],
        }


def _answers(rows: Sequence[TupleRow]) -> Iterator[tuple[int, Identified | Refusal]]:
    """Each item and its answer; an identity's text is read once for all items that share it."""
    told: dict[int, _Contact] = {}
    for item, outcome, same_as, contact, refusal in rows:
        if refusal is not None:
            yield item, _refused(outcome, refusal)
        else:
            if contact is not None:
                told[item] = _contact.decode(contact)
            yield item, _identified(told[same_as or item], outcome)


def _identified(contact: _Contact, outcome: Outcome) -> Identified:
    return Identified(
        contact.primary_contact_id,
        contact.emails,
        contact.phone_numbers,
        contact.secondary_contact_ids,
        outcome,
    )


def _refused(outcome: str, refusal: str) -> Refusal:
    if outcome == "blocked":
        return BlockedIdentifier(_fields.decode(refusal))
    if outcome == "kept_apart":
        by = _kept_apart.decode(refusal)
        return ConstraintViolation(by.a, by.b, by.position, by.held_id)
    told = _too_large.decode(refusal)
    return IdentityTooLarge(
        told.primary_contact_id, told.size, told.would_be, told.limit, told.held_id
    )


def _nothing() -> None:
    """What happens on a repeat that nobody counts."""
