"""Which identifier glues the names of an identity together: without it they fall apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from reunite.bulk.evidence.forest import Forest

Node: TypeAlias = tuple[str, str]
"""A type and a key: an ``email`` or a ``phone``, a ``contact``, a ``row`` that others named."""

_CANDIDATES = 20
"""Identifiers that are tried, those that tie most first."""


class Glue(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier, and how many names at most would still be one identity without it."""

    type: str
    key: str
    names_without: int


def glue_of(ties: Sequence[tuple[Node, Node]], names: Mapping[str, int]) -> Glue | None:
    """The identifier without which the names of an identity are best told apart.

    Args:
        ties: what ties the nodes of the identity.
        names: the number of each e-mail's name.

    Of those tried it is the one that leaves fewest names together, then the one that leaves most
    pieces that bear a name, then the one whose largest piece is smallest. None where without any of
    them all names stay together, or all but its own vanish.
    """
    graph = _Graph(ties, names)
    tried = [(graph.without(node), node) for node in graph.candidates()]
    parting = [each for each in tried if each[0][0] < graph.names and each[0][1] < -1]
    if not parting:
        return None
    (names_without, *_), (type_, key) = min(parting)
    return Glue(type_, key, names_without)


class _Graph:
    """An identity's nodes by number, and what ties them."""

    def __init__(self, ties: Sequence[tuple[Node, Node]], names: Mapping[str, int]) -> None:
        self._number = {
            node: number
            for number, node in enumerate(dict.fromkeys(n for tie in ties for n in tie))
        }
        self._ends = np.array(
            [(self._number[a], self._number[b]) for a, b in ties], dtype=np.int32
        ).reshape(-1, 2)
        self._name_of = {self._number["email", key]: name for key, name in names.items()}
        self._ties = Counter(node for tie in ties for node in tie)
        self.names = len(set(names.values()))

    def candidates(self) -> list[Node]:
        """The identifiers that tie most, if they tie several nodes at all."""
        found = [
            (-count, node)
            for node, count in self._ties.items()
            if count > 1 and node[0] in ("email", "phone")
        ]
        return [node for _, node in sorted(found)[:_CANDIDATES]]

    def without(self, node: Node) -> tuple[int, int, int]:
        """Most names of a piece, minus the pieces that bear names, the largest piece's nodes."""
        number = self._number[node]
        forest = Forest(len(self._number))
        kept = self._ends[(self._ends != number).all(axis=1)]
        forest.join_pairs(kept[:, 0], kept[:, 1])
        piece = forest.flatten()
        names: defaultdict[int, set[int]] = defaultdict(set)
        for email, name in self._name_of.items():
            if email != number:
                names[int(piece[email])].add(name)
        most = max((len(each) for each in names.values()), default=0)
        return most, -len(names), int(np.bincount(piece).max())
