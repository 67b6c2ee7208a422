"""The shortest chain of evidence between two identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reunite.evidence.region import Edge, Node
from reunite.evidence.rows import Contact, Link


class Step(NamedTuple):
    """One piece of evidence, gone along from one node to the other."""

    start: Node
    end: Node
    piece: Contact | Link


def chain(edges: Iterable[Edge], start: Node, end: Node) -> list[Step] | None:
    """The fewest steps from one node to another, of equally short chains the earliest positions.

    None where the edges do not connect the two; no steps where they are the same.
    """
    beside: dict[Node, list[Edge]] = {}
    for edge in edges:
        beside.setdefault(edge.a, []).append(edge)
        beside.setdefault(edge.b, []).append(edge)
    came_by: dict[Node, Step | None] = {start: None}
    reached = [start]
    while reached and end not in came_by:
        reached = _outward(reached, beside, came_by)
    if end not in came_by:
        return None
    steps: list[Step] = []
    node = end
    while (step := came_by[node]) is not None:
        steps.append(step)
        node = step.start
    return steps[::-1]


def _outward(
    reached: list[Node], beside: dict[Node, list[Edge]], came_by: dict[Node, Step | None]
) -> list[Node]:
    """Everything one step further, each by the earliest evidence of the earliest node before it."""
    further: list[Node] = []
    for node in reached:
        for edge in sorted(beside.get(node, ()), key=lambda edge: edge.piece.position):
            other = edge.b if edge.a == node else edge.a
            if other not in came_by:
                came_by[other] = Step(node, other, edge.piece)
                further.append(other)
    return further
