"""What a store does for work on whole tables: import, verify and export.

These protocols stand beside `Repository`: no request needs them. Times are microseconds since 1970,
UTC, here as everywhere.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

from reunite.identifier import Policy
from reunite.reconcile import Head, Microseconds
from reunite.repositories.table import TABLES as ROWS

T = TypeVar("T")

TABLES: dict[str, tuple[str, ...]] = {
    **{table.name: kind._fields for kind, table in ROWS.items()},
    "provenance": ("contact_id", "position", "source_id", "linked_id"),
    "tombstone": ("contact_id", "position"),
}
"""The tables of a workspace and their columns, the same in both stores.

Without ``workspace`` itself, and without idempotency keys, which are of callers and of one day.
"""

KEYS: dict[str, tuple[str, ...]] = {
    **{table.name: table.key_columns for table in ROWS.values()},
    "provenance": ("contact_id",),
    "tombstone": ("contact_id",),
}
"""The columns that tell a table's rows apart."""

TIMES = frozenset({"created_at", "at", "last_at"})
"""The columns that are times."""


class Rows(Protocol):
    """Rows to be written, or looked up, in this order; they can be gone through more than once.

    Whoever has them gives them in the form that a store takes fastest.
    """

    columns: Sequence[str]

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def tuples(self) -> Iterator[list[tuple[object, ...]]]:
        """The rows as tuples, many at a time."""

    @abstractmethod
    def copy_text(self, *first: int) -> Iterator[bytes]:
        """The rows in blocks of the text format of PostgreSQL's ``COPY``; times as timestamps.

        Each begins with the values ``first``, of columns that are the same in all of them.
        """


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, each made by a thread of its own while the one before is worked on."""
    with ThreadPoolExecutor(1, "reunite-ahead") as maker:
        following = maker.submit(next, items, None)
        while (item := following.result()) is not None:
            following = maker.submit(next, items, None)
            yield item


class Holder(NamedTuple):
    """What the store has of an identifier; no contact where it was blocked before it was seen."""

    type: str
    key: str
    contact_id: int | None
    identity_id: int | None
    blocked: bool


class Standing(NamedTuple):
    """An identity as it stands: its size in contacts and in distinct unblocked identifiers."""

    identity_id: int
    contacts: int
    identifiers: int
    primary_id: int
    created_at: Microseconds
    """Of the primary."""


class KeptApart(NamedTuple):
    """A standing constraint: two identifiers that must never be of one identity."""

    a_type: str
    a_key: str
    b_type: str
    b_key: str
    position: int


class Snapshot(Protocol):
    """A workspace as it was at one moment; nothing that others write meanwhile is seen.

    All methods raise `StoreError` where the store fails.
    """

    policy: Policy
    head: Head
    identity_limit: int
    has_blocks: bool
    has_constraints: bool
    at: Microseconds
    """The store's clock then, never before the head's; in a `Loading` read under the lock."""

    @abstractmethod
    def csv(self, table: str, *, standing: bool = False) -> Iterator[bytes]:
        """A whole table of `TABLES`, as blocks of whole lines of CSV without a header.

        ``standing`` leaves out what is voided, of the tables ``contact`` and ``link``.

        Columns as in `TABLES`; null is an empty field without quotes; times are microseconds. In
        order of the table's key, but for ``identifier`` and ``link``: they come as they lie there,
        because a server would have to sort them.
        """

    @abstractmethod
    def tree_csv(self) -> Iterator[bytes]:
        """The view ``contact_tree`` by id, likewise.

        Columns: id, phone_number, email, linked_id, link_precedence, created_at, updated_at. The
        view tells times to the millisecond in SQLite, to the microsecond in PostgreSQL.
        """

    @abstractmethod
    def holders(self, identifiers: Rows) -> Iterator[list[Holder]]:
        """Those of the identifiers (columns type, key; in this order) that the store has.

        The cost grows with their number, not with the store.
        """

    @abstractmethod
    def taken(self, ids: Rows) -> Iterator[list[int]]:
        """Those of the contact ids (column id, ascending) that a contact or a tombstone has."""

    @abstractmethod
    def identities(self, identity_ids: Rows) -> Iterator[list[Standing]]:
        """How these identities (column identity_id) stand; the cost grows with what they hold."""

    @abstractmethod
    def constraints(self) -> list[KeptApart]:
        """All constraints that stand, by their ends."""


class Loading(Snapshot, Protocol):
    """A workspace under its lock, in one transaction: written whole at `commit`, or not at all.

    All methods raise `StoreError` where the store fails or does not take what is written (an id it
    has already); nothing more can then be written.
    """

    @abstractmethod
    def write(self, table: str, rows: Rows) -> None:
        """Add rows, in order of the table's key; their columns are those of `TABLES`."""

    @abstractmethod
    def block(self, identifiers: Rows) -> None:
        """Note as blocked by the next position (columns type, key) what the store does not hold."""

    @abstractmethod
    def repoint(self, identities: Rows) -> None:
        """Let contacts of some identities belong to others (columns identity_id, into)."""

    @abstractmethod
    def set_identity_limit(self, identity_limit: int) -> None:
        """Change the workspace's limit in the same transaction."""

    @abstractmethod
    def commit(self) -> None:
        """Make all of it durable; raises `OutcomeUnknown` where it may or may not be."""
