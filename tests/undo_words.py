"""What the product says and what the oracle of evidence says, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evidence_oracle import Person
from evidence_oracle_operations import Answer, Refused
from reunite import Identified
from reunite.errors import (
    BlockedIdentifier,
    ConstraintViolation,
    IdentityTooLarge,
    ImportStopped,
    InvalidOperation,
    OperationRefused,
    ReuniteError,
    StillJoined,
    Unknown,
)
from reunite.identity import Identity
from reunite.operations import Decision

Outcome = tuple[str, Any]
"""``("done", …)``, or the kind of the refusal and what it names."""

_NAMELESS: dict[type[ReuniteError], str] = {
    BlockedIdentifier: "blocked",
    ImportStopped: "stopped",
    Unknown: "unknown",
    OperationRefused: "cannot",
    InvalidOperation: "cannot",
}


def told(call: Callable[[], Any]) -> Outcome:
    """What comes of asking either of them."""
    try:
        return "done", said(call())
    except Refused as refused:
        return refused.kind, refused.names
    except ReuniteError as error:
        return refusal(error)


def outcome(answer: object) -> Outcome:
    """What one answer of a batch says."""
    return refusal(answer) if isinstance(answer, ReuniteError) else ("done", said(answer))


def said(answer: object) -> object:
    if isinstance(answer, Answer):
        return answer.outcome, answer.person
    if isinstance(answer, Identified):
        return answer.outcome, person(answer)
    if isinstance(answer, Decision):
        return answer.position
    return answer


def refusal(error: ReuniteError) -> Outcome:
    """An error as the oracle has it."""
    match error:
        case ConstraintViolation():
            return "constraint", _held(error.held_id, (error.a, error.b, error.position))
        case IdentityTooLarge():
            return "limit", _held(error.held_id, error.would_be)
        case StillJoined():
            return "joined", tuple(sorted((error.a, error.b)))
    for kind, word in _NAMELESS.items():
        if isinstance(error, kind):
            return word, None
    raise error


def _held(held_id: int | None, names: object) -> object:
    return names if held_id is None else (held_id, names)


def person(identity: Identity) -> Person:
    ids = identity.primary_contact_id, *identity.secondary_contact_ids
    return Person(ids, identity.emails, identity.phone_numbers)
