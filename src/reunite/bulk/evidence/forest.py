"""A union-find over nodes by number: 4 bytes a node, many at a time where their order is no matter.

It is another algorithm than that by which an import joins rows (`components`): what verifies must
not share the mistakes of what it verifies.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.evidence.tables import Flags

Numbers: TypeAlias = NDArray[np.int32]

_PAIRS = 100_000
"""Pairs that are objects at a time."""


def without(nodes: Numbers, left_out: Flags) -> Numbers:
    """The same nodes, but -1 in place of those that are left out."""
    if not len(left_out):
        return nodes
    return np.where(left_out[nodes] | (nodes < 0), np.int32(-1), nodes)


class Forest:
    """Trees of nodes; the root of a tree stands for all of it.

    Attributes:
        parent: for each node the next one towards its root; a root is its own.
    """

    def __init__(self, count: int) -> None:
        self.parent: Numbers = np.arange(count, dtype=np.int32)
        # One element of a memoryview costs half of what one of an array does.
        self._parent = memoryview(self.parent)  # type: ignore[arg-type]  # typed so from Python 3.12 on

    def root(self, node: int) -> int:
        """The root of a node's tree; the way there is halved for who comes next."""
        parent = self._parent
        while (up := parent[node]) != node:
            parent[node] = node = parent[up]
        return node

    def join(self, a: int, b: int) -> bool:
        """Make one tree of those of two nodes; False where they are one."""
        one, other = self.root(a), self.root(b)
        if one == other:
            return False
        self._parent[max(one, other)] = min(one, other)
        return True

    def attach(self, nodes: Numbers, onto: Numbers) -> None:
        """Hang nodes that nothing was joined with yet on others; each of them once.

        What they hang on must not hang on them.
        """
        self.parent[nodes] = onto

    def join_apart(self, a: Numbers, b: Numbers) -> None:
        """Join pair by pair what is not one tree already."""
        apart = self.roots(a) != self.roots(b)
        self.join_pairs(a[apart], b[apart])

    def join_pairs(self, a: Numbers, b: Numbers) -> int:
        """Join pair by pair, and return how many joined two trees."""
        return sum(
            sum(map(self.join, a[low : low + _PAIRS].tolist(), b[low : low + _PAIRS].tolist()))
            for low in range(0, len(a), _PAIRS)
        )

    def roots(self, nodes: Numbers) -> Numbers:
        """The roots of many nodes, whose ways become one step each."""
        while True:
            up = self.parent[nodes]
            higher = self.parent[up]
            if np.array_equal(up, higher):
                return up
            self.parent[nodes] = higher

    def flatten(self) -> Numbers:
        """The root of every node."""
        while True:
            higher = self.parent[self.parent]
            if np.array_equal(higher, self.parent):
                return self.parent
            self.parent[:] = higher
