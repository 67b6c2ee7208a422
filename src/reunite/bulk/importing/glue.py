"""What holds an identity together: without which identifier most of it would fall apart."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from reunite.bulk.engine import Engine
from reunite.bulk.importing.components import smallest_of_each
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.importing", "glue.sql")

_CANDIDATES = 20
"""Identifiers that are tried, those on most rows first."""


class Glue(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier, how many rows have it, and the rows that would still hang together."""

    type: str
    value: str
    rows: int
    largest_piece_without: int


class _Shared(NamedTuple):
    """Which of an identity's rows have which of the identifiers that several of them share."""

    n: NDArray[np.int32]
    code: NDArray[np.int32]


def glue_of(engine: Engine, identity_id: int) -> Glue | None:
    """The identifier that joins most of the rows that an import brings to an identity.

    Tried are those on most rows; it is the one without which the largest piece is smallest. None
    where only linkedIds, or identifiers of the store, join the rows.
    """
    found = engine.connection.execute(QUERIES["glue"], {"identity_id": identity_id}).fetchnumpy()
    if not len(found["n"]):
        return None
    names, code = np.unique(
        np.array([f"{t} {k}" for t, k in zip(found["type"], found["key"], strict=True)]),
        return_inverse=True,
    )
    nodes, n = np.unique(found["n"], return_inverse=True)
    shared = _Shared(n.astype(np.int32), code.astype(np.int32))
    rows = np.bincount(shared.code)
    candidates = np.argsort(-rows, kind="stable")[:_CANDIDATES]
    pieces = [_largest_piece(shared, len(nodes), len(names), each) for each in candidates]
    best = min(range(len(candidates)), key=lambda place: (pieces[place], place))
    type_, _, value = str(names[candidates[best]]).partition(" ")
    return Glue(type_, value, int(rows[candidates[best]]), pieces[best])


def _largest_piece(shared: _Shared, rows: int, identifiers: int, without: int) -> int:
    """Rows of the largest component of the bipartite graph without one of its identifiers."""
    kept = shared.code != without
    ends = (shared.n[kept], (shared.code[kept] + rows).astype(np.int32))
    component = smallest_of_each(rows + identifiers, *ends)[:rows]
    return int(np.bincount(component).max())
