"""Whether the identities of a store are the components of its evidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reunite.bulk.evidence.evidence import Evidence
from reunite.bulk.evidence.forest import Forest, Numbers
from reunite.bulk.evidence.tables import STEP, Column, slices
from reunite.bulk.verifying.findings import Findings
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.verifying", "partition.sql")


def check_partition(
    evidence: Evidence, forest: Forest, identity_ids: Column, identity: Numbers, findings: Findings
) -> None:
    """Compare what the evidence joins with what the store keeps as identities.

    Args:
        forest: what the replay of the journal joined; what no row of the journal accounts for is
            joined here.
        identity_ids, identity: the identities of the store, and by number that of each contact.
    """
    _join_the_rest(evidence, forest)
    roots = forest.flatten()
    if _is_one_to_one(roots, evidence.hang, identity, len(identity_ids)):
        return
    joined = evidence.hang >= 0
    evidence.engine.keep(
        "placed",
        {
            "id": evidence.ids[joined],
            "identity_id": identity_ids[identity[joined]],
            "root": roots[evidence.hang[joined]],
        },
    )
    evidence.engine.connection.execute(QUERIES["make_usual"])
    for rule, sql in QUERIES.items():
        if not rule.startswith("make_"):
            findings.ask(evidence.engine, rule, sql)


def _join_the_rest(evidence: Evidence, forest: Forest) -> None:
    for low in range(0, len(evidence.ids), STEP):
        e = evidence.free(evidence.emails[low : low + STEP])
        p = evidence.free(evidence.phones[low : low + STEP])
        both = (e >= 0) & (p >= 0)
        _join_apart(forest, e[both], p[both])
    for a, b in slices(evidence.engine, "tied", "a, b"):
        both = (a >= 0) & (b >= 0)
        _join_apart(forest, a[both], b[both])


def _join_apart(forest: Forest, a: Numbers, b: Numbers) -> None:
    apart = forest.roots(a) != forest.roots(b)
    forest.join_pairs(a[apart], b[apart])


def _is_one_to_one(roots: Numbers, hang: Numbers, identity: Numbers, identities: int) -> bool:
    """Whether each component is one identity, and each identity one component."""
    identity_of: Numbers = np.full(len(roots), -1, dtype=np.int32)
    root_of: Numbers = np.full(identities, -1, dtype=np.int32)
    # Whatever stays of several is not what the others have.
    for root, number in _pairs(roots, hang, identity):
        identity_of[root] = number
        root_of[number] = root
    return all(
        np.array_equal(identity_of[root], number) and np.array_equal(root_of[number], root)
        for root, number in _pairs(roots, hang, identity)
    )


def _pairs(roots: Numbers, hang: Numbers, identity: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """The component and the identity of each contact, many at a time."""
    for low in range(0, len(hang), STEP):
        nodes = hang[low : low + STEP]
        joined = nodes >= 0
        yield roots[nodes[joined]], identity[low : low + STEP][joined]
