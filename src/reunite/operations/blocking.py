"""Blocks: identifiers that link no one, such as a shop's own telephone."""

from __future__ import annotations

from reunite.errors import Unknown
from reunite.evidence import Block, Identifier
from reunite.operations import asked as asked_for
from reunite.operations.plan import Plan
from reunite.operations.work import Work


def block(work: Work, asked: asked_for.Block) -> Plan:
    """Let an identifier link no one; where it is blocked already there is nothing to do."""
    if _standing(work, asked.identifier):
        return Plan(None)
    work.change.set(Block(*asked.identifier, work.change.position))
    return Plan("blocked", None, work.settle())


def unblock(work: Work, asked: asked_for.Unblock) -> Plan:
    """Let a blocked identifier link again.

    Raises `Unknown` where it is not blocked, `ConstraintViolation` where that would join what is
    kept apart.
    """
    standing = _standing(work, asked.identifier)
    if not standing:
        raise Unknown("the identifier is not blocked")
    work.change.void(*standing)
    settlement = work.settle()
    work.require_constraints(settlement)
    return Plan("unblocked", None, settlement)


def _standing(work: Work, identifier: Identifier) -> list[Block]:
    return [one for one in work.sight.blocks({identifier}) if one.voided is None]
