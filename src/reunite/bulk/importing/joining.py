"""Which rows are one person: by the identifiers they share, and by their linkedIds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.engine import Engine
from reunite.bulk.importing.components import Nodes, smallest_of_each
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.importing", "joining.sql")


class _Edges(NamedTuple):
    """Pairs of rows that share an identifier; some by a blocked one alone."""

    a: Nodes
    b: Nodes
    blocked: NDArray[np.bool_]


class _Pointers(NamedTuple):
    """What linkedIds say: from a row to a target, which may be a silent node."""

    n: Nodes
    target: Nodes
    is_silent: NDArray[np.bool_]


def join_rows(engine: Engine, *, renumber: bool) -> None:
    """Make the tables of joining.sql of ``taken``, ``left_out`` and ``blocked``; can be done again.

    ``renumber`` says that linkedIds name old ids, each of its own source.

    ``component(n, first)`` has the oldest row of each row's component, ``said(n, first)`` the
    oldest that linkedIds alone join it with. ``tie(n, target, missing, linked)`` has those
    linkedIds that are evidence: they name a row that shared identifiers, blocked ones included, do
    not join it with, or one that was not taken (``missing``, and no ``target``). The others are
    provenance (semantics.md).
    """
    execute = engine.connection.execute
    _make_aged(engine)
    execute(QUERIES["make_first"])
    execute(QUERIES["make_pointer_by_old_ids" if renumber else "make_pointer"])
    count = engine.count("aged")
    edges, pointers = _edges(engine), _pointers(engine, count)
    counted = _counted(count, edges, pointers)
    nodes = max(count, int(pointers.target.max(initial=-1)) + 1)
    free = ~edges.blocked
    component = smallest_of_each(
        nodes,
        np.concatenate((edges.a[free], pointers.n[counted])),
        np.concatenate((edges.b[free], pointers.target[counted])),
    )[:count]
    engine.keep("component", {"n": _all(count), "first": component})
    engine.keep("said", {"n": _all(count), "first": smallest_of_each(nodes, *pointers[:2])[:count]})
    engine.keep("counted", {"n": pointers.n[counted]})
    execute("create or replace table tie as select * from pointer semi join counted using (n)")


def _make_aged(engine: Engine) -> None:
    execute = engine.connection.execute
    for query in ("forget_refused", "take_back_refused"):
        execute(QUERIES[query])
    if engine.count("blocked"):
        for query in ("make_aged", "note_refused", "leave_out_refused"):
            execute(QUERIES[query])
    else:
        execute(QUERIES["make_aged_where_nothing_is_blocked"])


def _all(count: int) -> Nodes:
    return np.arange(count, dtype=np.int32)


def _edges(engine: Engine) -> _Edges:
    found = engine.connection.execute(QUERIES["edges"]).fetchnumpy()
    return _Edges(found["a"], found["b"], found["blocked"])


def _pointers(engine: Engine, count: int) -> _Pointers:
    found = engine.connection.execute(QUERIES["pointers"]).fetchnumpy()
    is_silent = found["target"] < 0
    target = np.where(is_silent, count + found["silent"], found["target"]).astype(np.int32)
    return _Pointers(found["n"], target, is_silent)


def _counted(count: int, edges: _Edges, pointers: _Pointers) -> NDArray[np.bool_]:
    """Which linkedIds are evidence: judged once, by shared identifiers alone."""
    by_identifiers = smallest_of_each(count, edges.a, edges.b)
    counted = pointers.is_silent.copy()
    named = ~counted
    counted[named] = by_identifiers[pointers.n[named]] != by_identifiers[pointers.target[named]]
    return counted
