"""Which identifier glues the names of an identity together: without it they fall apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from reunite.bulk.evidence.forest import Forest, Numbers

Node: TypeAlias = tuple[str, str]
"""A type and a key: an ``email`` or a ``phone``, a ``contact``, a ``row`` that others named."""

Tie: TypeAlias = tuple[Node, Node]

_CANDIDATES = 20
"""Identifiers that are tried, those that tie most first."""


class Glue(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier, and how many names at most would still be one identity without it."""

    type: str
    value: str
    names_without: int


def glue_of(held: Sequence[Tie], linked: Sequence[Tie], names: Mapping[str, int]) -> Glue | None:
    """The identifier without which the names of an identity are best told apart.

    Args:
        held: each contact with each identifier that it answers for.
        linked: the ends of links.
        names: the number of each e-mail's name.

    Of those tried it is the one that leaves fewest names together, then the one that leaves most
    pieces that bear a name, then the one whose largest piece is smallest. None where without any of
    them all names stay together, or all but its own vanish.
    """
    graph = _Graph(held, linked, names)
    tried = [(graph.without(node), node) for node in graph.candidates()]
    parting = [each for each in tried if each[0][0] < graph.names and each[0][1] < -1]
    if not parting:
        return None
    (names_without, *_), (type_, key) = min(parting)
    return Glue(type_, key, names_without)


class _Graph:
    """An identity's nodes by number, and what ties them."""

    def __init__(
        self, held: Sequence[Tie], linked: Sequence[Tie], names: Mapping[str, int]
    ) -> None:
        ends = [node for tie in (*held, *linked) for node in tie]
        self._number = {node: number for number, node in enumerate(dict.fromkeys(ends))}
        self._ends = self._numbers(ends).reshape(-1, 2)
        self._only = self._only_identifiers(held)
        self._name_of = {self._number["email", key]: name for key, name in names.items()}
        self._reach = _reach(held, linked, Counter(ends))
        self.names = len(set(names.values()))

    def _numbers(self, nodes: Iterable[Node]) -> Numbers:
        return np.array([self._number[node] for node in nodes], dtype=np.int32)

    def _only_identifiers(self, held: Sequence[Tie]) -> Numbers:
        """For each contact the identifier that it hangs on if it has no other; else -1."""
        answers = Counter(contact for contact, _ in held)
        single = [tie for tie in held if answers[tie[0]] == 1]
        only = np.full(len(self._number), -1, dtype=np.int32)
        only[self._numbers(tie[0] for tie in single)] = self._numbers(tie[1] for tie in single)
        return only

    def candidates(self) -> list[Node]:
        """The identifiers that tie most, if they tie several nodes at all."""
        found = [(-reach, node) for node, reach in self._reach.items() if reach > 1]
        return [node for _, node in sorted(found)[:_CANDIDATES]]

    def without(self, node: Node) -> tuple[int, int, int]:
        """Most names of a piece, minus the pieces that bear names, the largest piece's nodes.

        A contact that hangs on nothing else ties nothing any more.
        """
        number = self._number[node]
        forest = Forest(len(self._number))
        is_gone = (self._ends == number) | (self._only[self._ends] == number)
        kept = self._ends[~is_gone.any(axis=1)]
        forest.join_pairs(kept[:, 0], kept[:, 1])
        piece = forest.flatten()
        names: defaultdict[int, set[int]] = defaultdict(set)
        for email, name in self._name_of.items():
            if email != number:
                names[int(piece[email])].add(name)
        most = max((len(each) for each in names.values()), default=0)
        return most, -len(names), int(np.bincount(piece).max())


def _reach(held: Sequence[Tie], linked: Sequence[Tie], ties: Counter[Node]) -> Counter[Node]:
    """How many nodes each identifier ties by the contacts that have it, and by links."""
    reach = Counter({node: 0 for _, node in held})
    for contact, node in held:
        reach[node] += ties[contact] - 1
    reach.update(node for tie in linked for node in tie if node in reach)
    return reach
