"""What an operation comes to: what the journal will say, and what it answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from reunite.evidence import Constraint, Edge, Identifier, Operation
from reunite.identity import Identity
from reunite.inquiry.region import identities
from reunite.operations.decision import SHOWN, Decision, Pairs
from reunite.operations.settling import Settlement


class Plan(NamedTuple):
    """An operation, worked out.

    ``type`` is None where there is nothing to do; ``settlement`` is None where no identity changes.
    """

    type: Operation | None
    contact_id: int | None = None
    settlement: Settlement | None = None
    identities: tuple[Identity, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    lifted: tuple[Constraint, ...] = ()
    voided: Collection[Edge] = ()

    def decision(self, position: int | None) -> Decision:
        """What is answered; the position is None where nothing is written."""
        if self.settlement is None:
            return Decision(position, self.identities, self.constraints, self.lifted)
        components = self.settlement.components
        return Decision(
            position,
            tuple(identities(self.settlement.region, SHOWN)),
            self.constraints,
            self.lifted,
            Pairs.of([_pair(edge) for edge in self.voided if components.join(edge.a, edge.b)]),
            Pairs.of([_pair(edge) for edge in self.voided if edge.piece.source == "presented"]),
            len(self.settlement.identity_ids),
        )


def newly_voided(settlement: Settlement) -> list[Edge]:
    """The evidence that stood before and does not now."""
    stood = {edge.piece.name for edge in settlement.before.edges if edge.stands}
    return [
        edge
        for edge in settlement.region.edges
        if not edge.stands and edge.piece.name in stood and edge.b.type != "row"
    ]


def _pair(edge: Edge) -> tuple[Identifier, Identifier]:
    return (edge.a, edge.b) if edge.a < edge.b else (edge.b, edge.a)
