"""Undo: the operation of a journal row is voided, whatever it was."""

from __future__ import annotations

from reunite.errors import Unknown
from reunite.operations.asked import Undo
from reunite.operations.plan import Plan, newly_voided
from reunite.operations.voiding import Voiding
from reunite.operations.work import Work


def undo(work: Work, asked: Undo) -> Plan:
    """Take back all that a journal row brought, and let stand again what it ended.

    Raises `Unknown` for a position that is none, `OperationRefused` where `Voiding.undo` does,
    `ConstraintViolation` where evidence that stands again would join what is kept apart.
    """
    found = work.sight.entries({asked.position})
    if not found:
        raise Unknown(f"the journal has no position {asked.position}")
    Voiding(work.sight, work.change).undo(found[0])
    settlement = work.settle()
    work.require_constraints(settlement)
    return Plan("undone", None, settlement, voided=newly_voided(settlement))
