"""Sights and transactions in terms of a store's session: which query finds what, in what order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from reunite.evidence import (
    Block,
    Constraint,
    Contact,
    Entry,
    Held,
    Holder,
    Identifier,
    Link,
    Row,
    Void,
)
from reunite.identifier import Policy
from reunite.reconcile import Head, Microseconds, PhoneKey
from reunite.repositories.session import Session
from reunite.repositories.table import TABLES, latest
from reunite.repositories.transaction import (
    LARGEST_ID,
    Answered,
    Provenance,
    Sight,
    Transaction,
)

CHUNK = 10_000
"""Values that one statement takes."""

DAY: Microseconds = 24 * 60 * 60 * 1_000_000

R = TypeVar("R", bound=Row)
T = TypeVar("T")


class SessionSight(Sight):
    """What one session sees.

    Args:
        session: of a transaction under way; whoever makes it ends it.
        policy: of the workspace.
        state: its limit, whether anything is blocked, its head (Nones where it has no journal yet)
            and the store's clock.
    """

    def __init__(self, session: Session, policy: Policy, state: Sequence[Any]) -> None:
        self._session = session
        self.policy = policy
        self.identity_limit, has_blocks, *head, clock = state
        self.has_blocks = bool(has_blocks)
        self.head = Head() if head[0] is None else Head(*head)
        self.at = max(clock, self.head.at)

    def contacts(self, ids: Collection[int]) -> list[Contact]:
        return self._by_number(Contact, "contacts", ids)

    def members(self, identity_ids: Collection[int]) -> list[Contact]:
        found = self._by_number(Contact, "members", identity_ids)
        return sorted(found, key=lambda contact: (contact.identity_id, *contact.age))

    def voided(self, identifiers: Collection[Identifier]) -> list[Contact]:
        return self._by_identifier(Contact, "voided", identifiers)

    def presenting(self, identifiers: Collection[Identifier]) -> list[Contact]:
        # At once, however many: it goes through all contacts each time.
        found = self._session.ask("presenting", Identifier._fields, sorted(set(identifiers)))
        return _rows(Contact, found)

    def contacts_brought(self, position: int) -> list[Contact]:
        return self._by_number(Contact, "contacts_brought", (position,))

    def links(self, identifiers: Collection[Identifier]) -> list[Link]:
        return self._by_identifier(Link, "links", identifiers)

    def links_brought(self, position: int) -> list[Link]:
        return self._by_number(Link, "links_brought", (position,))

    def holders(self, identifiers: Collection[Identifier]) -> list[Holder]:
        return self._by_identifier(Holder, "holders", identifiers)

    def provenances(self, contact_ids: Collection[int]) -> list[Provenance]:
        found = self._asked("provenances", _ID, _numbers(contact_ids))
        return sorted(map(Provenance._make, found))

    def entries(self, positions: Collection[int]) -> list[Entry]:
        return self._by_number(Entry, "entries", positions)

    def demotions(self, contact_ids: Collection[int]) -> list[Entry]:
        return self._by_number(Entry, "demotions", contact_ids)

    def voids_of(self, target_positions: Collection[int]) -> list[Void]:
        return self._by_number(Void, "voids_of", target_positions)

    def voids_of_held(self, held_ids: Collection[int]) -> list[Void]:
        return self._by_number(Void, "voids_of_held", held_ids)

    def voids_by(self, positions: Collection[int]) -> list[Void]:
        return self._by_number(Void, "voids_by", positions)

    def constraints(self, identifiers: Collection[Identifier]) -> list[Constraint]:
        return self._by_identifier(Constraint, "constraints", identifiers)

    def constraints_by(self, positions: Collection[int]) -> list[Constraint]:
        return self._by_number(Constraint, "constraints_by", positions)

    def standing_constraints(self, after: int, limit: int) -> list[Constraint]:
        found = self._page("standing_constraints", after, limit)
        return sorted(map(Constraint._make, found), key=lambda row: (row.position, row))

    def blocks(self, identifiers: Collection[Identifier]) -> list[Block]:
        return self._by_identifier(Block, "blocks", identifiers)

    def blocks_by(self, positions: Collection[int]) -> list[Block]:
        return self._by_number(Block, "blocks_by", positions)

    def standing_blocks(self) -> list[Block]:
        return _rows(Block, self._session.ask("standing_blocks"))

    def held(self, ids: Collection[int]) -> list[Held]:
        return self._by_number(Held, "held", ids)

    def waiting(self, after: int, limit: int) -> list[Held]:
        return _rows(Held, self._page("waiting", after, limit))

    def waiting_for(self, email: str, phone: PhoneKey) -> list[Held]:
        return _rows(Held, self._session.ask("waiting_for", email=email, phone=phone))

    def answered(self, key: str) -> Answered | None:
        found = self._session.ask("answered", key=key, since=self.at - DAY)
        return Answered(*found[0]) if found else None

    def _by_number(self, kind: type[R], query: str, numbers: Collection[int]) -> list[R]:
        return _rows(kind, self._asked(query, _ID, _numbers(numbers)))

    def _by_identifier(
        self, kind: type[R], query: str, identifiers: Collection[Identifier]
    ) -> list[R]:
        # In order of the key they lie beside each other.
        return _rows(kind, self._asked(query, Identifier._fields, sorted(set(identifiers))))

    def _page(self, query: str, after: int, limit: int) -> list[tuple[Any, ...]]:
        after, limit = min(after, LARGEST_ID), min(limit, LARGEST_ID)
        return self._session.ask(query, after=after, limit=limit)

    def _asked(
        self, query: str, columns: Sequence[str], values: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        for chunk in _chunks(values):
            yield from self._session.ask(query, columns, chunk)


class SessionTransaction(SessionSight, Transaction):
    """What one session sees and writes; before it is committed, `complete` has to be called."""

    def __init__(self, session: Session, policy: Policy, state: Sequence[Any]) -> None:
        super().__init__(session, policy, state)
        self._written: set[type[Row]] = set()

    def put(self, rows: Sequence[Row]) -> None:
        for kind, of_kind in latest(rows).items():
            self._written.add(kind)
            for chunk in _chunks(of_kind):
                self._session.ask(f"put_{TABLES[kind].name}", kind._fields, chunk)

    def forget(self, identifiers: Collection[Identifier]) -> None:
        self._written.add(Holder)
        for chunk in _chunks(sorted(set(identifiers))):
            self._session.ask("forget", Identifier._fields, chunk)

    def answer(self, answered: Answered) -> None:
        self._session.ask("drop_answers", before=self.at - DAY)
        self._session.ask("put_answer", **answered._asdict())

    def complete(self) -> None:
        """Note what the workspace has now; raises `StoreError` if anything failed before."""
        self._session.require_sound()
        if self._written & {Holder, Constraint}:
            self._session.ask("note_what_stands")


_ID = ("id",)


def _numbers(numbers: Collection[int]) -> list[tuple[int]]:
    """Those that anything can have."""
    return [(number,) for number in sorted(set(numbers)) if 0 < number <= LARGEST_ID]


def _rows(kind: type[R], found: Collection[tuple[Any, ...]] | Iterator[tuple[Any, ...]]) -> list[R]:
    """Rows in order of their table's key, each once: two of the values may have found it."""
    return sorted({kind(*row) for row in found}, key=TABLES[kind].key)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
