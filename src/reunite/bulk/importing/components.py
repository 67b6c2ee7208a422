"""Connected components: which of many nodes hang together, and the smallest node of each."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Nodes: TypeAlias = NDArray[np.int32]
"""Nodes by number, from 0."""


def smallest_of_each(count: int, a: Nodes, b: Nodes) -> Nodes:
    """The smallest node of each node's component.

    Args:
        count: of nodes; they are 0 … count - 1.
        a, b: the two ends of each edge.
    """
    if not len(a):
        return np.arange(count, dtype=np.int32)
    graph = coo_array((np.ones(len(a), dtype=np.bool_), (a, b)), shape=(count, count))
    number_of_components, labels = connected_components(graph, directed=False)
    smallest = np.empty(number_of_components, dtype=np.int32)
    # Of several nodes with one label the last one written stays, and that is the smallest.
    smallest[labels[::-1]] = np.arange(count - 1, -1, -1, dtype=np.int32)
    result: Nodes = smallest[labels]
    return result
