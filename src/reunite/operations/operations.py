"""The operations by hand on a store: each once, under the lock, journalled, undoable."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict, Unpack

import msgspec

from reunite.errors import InvalidOperation, KeyReused
from reunite.evidence import Constraint, Entry, Held, Identifier, Row
from reunite.operations import blocking, constraining, holding, merging, undoing, unlinking
from reunite.operations.asked import (
    Allow,
    Asked,
    Block,
    Constrain,
    Dismiss,
    Merge,
    Unblock,
    Unconstrain,
    Undo,
    Unlink,
)
from reunite.operations.decision import Decision
from reunite.operations.plan import Plan
from reunite.operations.work import Work
from reunite.reconcile import Microseconds
from reunite.repositories.transaction import Answered, Transaction, Transactional

PAGE = 100
"""Rows of a list that come at a time unless told otherwise."""

TEXT = 2_000
"""Characters that who and why may have, each."""

KEY = 255
"""Characters that a key may have."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_decision = msgspec.json.Decoder(Decision)


class How(TypedDict, total=False):
    """How an operation is done: who decided and why, whether it is only tried, under which key."""

    who: str | None
    why: str | None
    dry_run: bool
    key: str | None


class StandingBlock(NamedTuple):
    """An identifier that links no one, the position that blocked it, and when that was."""

    identifier: Identifier
    position: int
    since: Microseconds


class Operations:
    """Decides by hand about the identities of a store.

    Each operation says who decided and why, which the journal keeps. With ``dry_run`` nothing is
    written and no lock is taken: the decision is what would come of it now. With a ``key``, the
    same operation asked again within a day is answered as it was, and not done again.

    All raise `Unknown`, `OperationRefused` or `ConstraintViolation` where it cannot be done (then
    nothing is written), `KeyReused` for a key that came with something else, and `StoreError`.
    """

    def __init__(self, store: Transactional) -> None:
        self._store = store

    def unlink(
        self,
        contact_id: int,
        *,
        pair: tuple[Identifier, Identifier] | None = None,
        identifier: Identifier | None = None,
        position: int | None = None,
        constrain: bool = True,
        force: bool = False,
        **how: Unpack[How],
    ) -> Decision:
        """Take back what ties the identity of a contact together; see `Unlink`."""
        asked = Unlink(contact_id, pair, identifier, position, constrain, force)
        return self.perform(asked, **how)

    def merge(self, contact_id: int, with_contact_id: int, **how: Unpack[How]) -> Decision:
        """Assert that two contacts are one person."""
        return self.perform(Merge(contact_id, with_contact_id), **how)

    def undo(self, position: int, **how: Unpack[How]) -> Decision:
        """Take back all that a row of the journal brought and ended, an undo included."""
        return self.perform(Undo(position), **how)

    def constrain(self, a: Identifier | int, b: Identifier | int, **how: Unpack[How]) -> Decision:
        """Keep two identifiers, or what two contacts hang on, in different identities."""
        return self.perform(Constrain(a, b), **how)

    def unconstrain(self, a: Identifier | int, b: Identifier | int, **how: Unpack[How]) -> Decision:
        """Remove the constraints between two."""
        return self.perform(Unconstrain(a, b), **how)

    def constraints(self, *, after: int = 0, limit: int = PAGE) -> list[Constraint]:
        """The constraints that stand, by position, of positions above ``after``."""
        with self._store.sight() as sight:
            return sight.standing_constraints(after, limit)

    def block(self, identifier: Identifier, **how: Unpack[How]) -> Decision:
        """Let an identifier link no one; the decision shows whom that splits."""
        return self.perform(Block(identifier), **how)

    def unblock(self, identifier: Identifier, **how: Unpack[How]) -> Decision:
        """Let a blocked identifier link again; the decision shows whom that joins."""
        return self.perform(Unblock(identifier), **how)

    def blocks(self) -> list[StandingBlock]:
        """The blocks that stand, by type and key."""
        with self._store.sight() as sight:
            blocks = sight.standing_blocks()
            since = {row.position: row.at for row in sight.entries([b.position for b in blocks])}
        return [StandingBlock(b.identifier, b.position, since[b.position]) for b in blocks]

    def held(self, *, after: int = 0, limit: int = PAGE) -> list[Held]:
        """The held requests that wait, by id, of ids above ``after``."""
        with self._store.sight() as sight:
            return sight.waiting(after, limit)

    def allow(self, held_id: int, **how: Unpack[How]) -> Decision:
        """Do what a held request asked, and void the constraints in its way."""
        return self.perform(Allow(held_id), **how)

    def dismiss(self, held_id: int, **how: Unpack[How]) -> Decision:
        """Let a held request wait no longer."""
        return self.perform(Dismiss(held_id), **how)

    def perform(
        self,
        asked: Asked,
        *,
        who: str | None = None,
        why: str | None = None,
        dry_run: bool = False,
        key: str | None = None,
    ) -> Decision:
        """Do an operation, or only try it."""
        who, why = _meant("who", who, TEXT), _meant("why", why, TEXT)
        if key is not None and _meant("key", key, KEY) is None:
            raise InvalidOperation("key", "is empty", _characters(KEY))
        if dry_run:
            with self._store.sight() as sight:
                return _plan(Work(sight), asked).decision(None)
        with self._store.transaction() as transaction:
            if key is None:
                return _perform(transaction, asked, who, why)
            return _once(transaction, asked, who, why, key)


def _once(
    transaction: Transaction, asked: Asked, who: str | None, why: str | None, key: str
) -> Decision:
    """Answer as before what came before under the same key."""
    digest = hashlib.sha256(msgspec.json.encode((asked, who, why))).hexdigest()
    answered = transaction.answered(key)
    if answered is not None:
        if answered.digest != digest:
            raise KeyReused("this key came within the last day with another operation")
        return _decision.decode(answered.answer)
    decision = _perform(transaction, asked, who, why)
    answer = msgspec.json.encode(decision).decode()
    transaction.answer(Answered(key, digest, transaction.at, answer))
    return decision


def _perform(transaction: Transaction, asked: Asked, who: str | None, why: str | None) -> Decision:
    work = Work(transaction)
    plan = _plan(work, asked)
    if plan.type is None:
        return plan.decision(None)
    change, settlement, head = work.change, plan.settlement, transaction.head
    rows: list[Row] = [
        *change.links.values(),
        *change.voids,
        *change.constraints.values(),
        *change.blocks.values(),
        *change.held.values(),
    ]
    contacts, identities, last_contact_id = head.contacts, head.identities, head.last_contact_id
    if settlement is not None:
        rows += [*settlement.contacts, *settlement.holders, *settlement.demotions]
        transaction.forget(settlement.forgotten)
        contacts += settlement.contacts_gained
        identities += settlement.identities_gained
        last_contact_id = settlement.last_contact_id
    rows.append(
        Entry(
            change.position,
            plan.type,
            change.at,
            plan.contact_id,
            None,
            None,
            None,
            contacts,
            identities,
            last_contact_id,
            who,
            why,
        )
    )
    transaction.put(rows)
    return plan.decision(change.position)


def _plan(work: Work, asked: Asked) -> Plan:
    return _PLANS[type(asked)](work, asked)


_PLANS: dict[type[Asked], Callable[[Work, Any], Plan]] = {
    Unlink: unlinking.unlink,
    Merge: merging.merge,
    Undo: undoing.undo,
    Constrain: constraining.constrain,
    Unconstrain: constraining.unconstrain,
    Block: blocking.block,
    Unblock: blocking.unblock,
    Allow: holding.allow,
    Dismiss: holding.dismiss,
}


def _meant(field: str, text: str | None, most: int) -> str | None:
    """A text as it is kept: None where it is empty or blank. Raises `InvalidOperation`."""
    if text is None or not text.strip():
        return None
    if len(text) > most or "\0" in text or _SURROGATE.search(text):
        raise InvalidOperation(
            field,
            "is too long, or has characters that are none",
            _characters(most),
        )
    return text


def _characters(most: int) -> str:
    return f"1 to {most} characters"
