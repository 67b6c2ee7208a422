"""What was ever decided about by hand: there evidence came and went, and only its end is judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Forest, Numbers, without
from reunite.bulk.evidence.tables import STEP, Flags, slices
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.evidence", "decided.sql")


def decided_nodes(
    engine: Engine, nodes: int, emails: Numbers, phones: Numbers, blocked: Flags, first: Numbers
) -> Flags:
    """The nodes that decisions named, and all that any evidence ever joined with those.

    Empty where nothing was decided at all. Arguments as in `Evidence`.
    """
    ((decisions,),) = engine.connection.execute(QUERIES["decisions"]).fetchall()
    if not decisions:
        return np.zeros(0, dtype=np.bool_)
    named = np.zeros(nodes, dtype=np.bool_)
    # What was blocked before anyone presented it, and for good, never joined anything.
    left_out = np.zeros(nodes, dtype=np.bool_)
    left_out[: len(blocked)] = blocked
    by_hand = blocked_by_hand(engine)
    named[by_hand], left_out[by_hand] = True, False
    for (contacts,) in _found(engine, "named_contacts"):
        _name(named, left_out, emails[contacts], phones[contacts])
    for ends in _found(engine, "named_links"):
        _name(named, left_out, *ends)
    roots = _ever_joined(engine, nodes, emails, phones, left_out, first)
    decided = np.zeros(nodes, dtype=np.bool_)
    decided[roots[named]] = True
    return decided[roots]


def blocked_by_hand(engine: Engine) -> Numbers:
    """The identifiers that were ever blocked by hand, or whose block was ever taken back."""
    nodes: Numbers = engine.connection.execute(QUERIES["blocked_by_hand"]).fetchnumpy()["n"]
    return nodes


def _found(engine: Engine, query: str) -> Iterator[tuple[Any, ...]]:
    engine.connection.execute(f"create or replace table named as {QUERIES[query]}")
    return slices(engine, "named", "columns(*)")


def _name(named: Flags, left_out: Flags, *several: Numbers) -> None:
    for nodes in several:
        found = without(nodes, left_out)
        named[found[found >= 0]] = True


def _ever_joined(
    engine: Engine, nodes: int, emails: Numbers, phones: Numbers, left_out: Flags, first: Numbers
) -> Numbers:
    """The root of each node where all evidence counts that ever was, standing or not."""
    forest = Forest(nodes)
    for contacts, e, p in _pairs(emails, phones, left_out):
        # Each identifier hangs on what it was first presented with, which was there before it.
        is_new = first[p] == contacts
        forest.attach(p[is_new], e[is_new])
        is_new = ~is_new & (first[e] == contacts)
        forest.attach(e[is_new], p[is_new])
    for _, e, p in _pairs(emails, phones, left_out):
        forest.join_apart(e, p)
    for ends in slices(engine, "tied", "a_said, b_said"):
        a, b = (without(nodes, left_out) for nodes in ends)
        is_pair = (a >= 0) & (b >= 0)
        forest.join_apart(a[is_pair], b[is_pair])
    return forest.flatten()


def _pairs(
    emails: Numbers, phones: Numbers, left_out: Flags
) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Contacts that presented two identifiers, and those, many at a time."""
    for low in range(0, len(emails), STEP):
        e = without(emails[low : low + STEP], left_out)
        p = without(phones[low : low + STEP], left_out)
        is_pair = (e >= 0) & (p >= 0)
        yield (np.flatnonzero(is_pair) + low).astype(np.int32), e[is_pair], p[is_pair]
