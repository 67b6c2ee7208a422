"""A batch of requests: what the store knows of it, what comes of it, and what that writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import apsw
import msgspec

from reunite.errors import BlockedIdentifier, ConstraintViolation, IdentityTooLarge, Refusal
from reunite.identifier import Presented, phone_key
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
)
from reunite.repositories.sqlite.schema import QUERIES

_contacts = msgspec.json.Decoder(list[Contact])
_ids = msgspec.json.Decoder(set[int])
_holders = msgspec.json.Decoder(dict[str, int])
_head = msgspec.json.Decoder(Head)
_pairs = msgspec.json.Decoder(set[tuple[str, str]])
_blocked = msgspec.json.Decoder(list[tuple[Literal["email", "phone"], str]])
_constraints = msgspec.json.Decoder(list[Constraint])
_attributes = msgspec.json.Decoder(list[tuple[int, Attribute]])


class Reconciled(NamedTuple):
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


def reconcile(
    connection: apsw.Connection, workspace: int, requests: Sequence[Presented], now: Microseconds
) -> Reconciled:
    """Apply the rule to requests in order, over what the store holds; writes nothing."""
    known, head, limit = look_up(connection, workspace, requests, to_join=True)
    at = max(now, head.at)
    reconciliation = Reconciliation(known, head, at, limit)
    answers = [reconciliation.reconcile(request) for request in requests]
    changes = reconciliation.changes()
    rows = {}
    if changes.entries:
        rows = _rows(changes) | {
            "workspace": workspace,
            "after": head.position,
            "identity_limit": limit,
            "at": at,
        }
    return Reconciled(answers, rows, len(changes.entries), len(changes.refusals), at)


def look_up(
    connection: apsw.Connection, workspace: int, requests: Sequence[Presented], *, to_join: bool
) -> tuple[Known, Head, int]:
    """What the store holds of what requests present, where it stands, and its limit.

    ``to_join``: whether they may join anything, for which constraints have to be known.
    """
    presented = [
        (request.email, None if request.phone is None else phone_key(request.phone))
        for request in requests
    ]
    contacts, emails, phones, imported, links, *rare, head, limit = connection.execute(
        QUERIES["known"],
        {"workspace": workspace, "requests": _json(presented), "to_join": to_join},
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


def hold(
    connection: apsw.Connection, workspace: int, requests: Sequence[Presented], batch: Reconciled
) -> None:
    """Hold what must not join, and say in each refusal as what."""
    for request, answer in zip(requests, batch.answers, strict=True):
        if isinstance(answer, Refusal) and not isinstance(answer, BlockedIdentifier):
            asked = {
                "workspace": workspace,
                "at": batch.at,
                "email": request.email,
                "phone": request.phone,
                "key": phone_key(request.phone or ""),
            }
            held_id = connection.execute(QUERIES["hold_again"], asked).get
            if held_id is None:
                held_id = connection.execute(QUERIES["hold"], asked | _reason(answer)).get
            answer.held_id = int(held_id)


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
