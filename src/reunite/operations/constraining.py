"""Constraints: two identifiers that must never be one person."""

from __future__ import annotations

from reunite.errors import OperationRefused, StillJoined, Unknown
from reunite.evidence import Constraint, Identifier
from reunite.inquiry.region import identity_ids_of
from reunite.operations.asked import Constrain, Unconstrain
from reunite.operations.plan import Plan
from reunite.operations.work import Work


def constrain(work: Work, asked: Constrain) -> Plan:
    """Keep two apart from now on; where they are already there is nothing to do.

    Raises `StillJoined` where the two are one person, `Unknown` for a contact that is none.
    """
    a, b = _ends(work, asked)
    standing = _standing(work, a, b)
    if standing:
        return Plan(None, constraints=standing)
    ids = identity_ids_of(work.sight, {a, b})
    blocked = {one.identifier for one in work.sight.holders({a, b}) if one.blocked_by is not None}
    if not blocked and a in ids and ids[a] == ids.get(b):
        raise StillJoined(a, b)
    return Plan("constrained", constraints=tuple(work.change.constrain([(a, b)])))


def unconstrain(work: Work, asked: Unconstrain) -> Plan:
    """Let two become one person again. Raises `Unknown` where nothing keeps them apart."""
    standing = _standing(work, *_ends(work, asked))
    if not standing:
        raise Unknown("no constraint keeps the two apart")
    work.change.void(*standing)
    return Plan("unconstrained", lifted=standing)


def _ends(work: Work, asked: Constrain | Unconstrain) -> tuple[Identifier, Identifier]:
    a, b = work.identifier(asked.a), work.identifier(asked.b)
    if a == b:
        raise OperationRefused("both are the same identifier; name two that differ")
    return (a, b) if a < b else (b, a)


def _standing(work: Work, a: Identifier, b: Identifier) -> tuple[Constraint, ...]:
    return tuple(
        one
        for one in work.sight.constraints({a})
        if one.voided is None and (one.a, one.b) == (a, b)
    )
