"""Whether the identities of a store are the components of its evidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reunite.bulk.evidence.evidence import Evidence
from reunite.bulk.evidence.forest import Forest, Numbers
from reunite.bulk.evidence.identities import Identities
from reunite.bulk.evidence.tables import STEP, slices
from reunite.bulk.verifying.findings import Findings
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.verifying", "partition.sql")


def check_partition(
    evidence: Evidence, forest: Forest, identities: Identities, findings: Findings
) -> None:
    """Compare what the evidence joins with what the store keeps as identities.

    Args:
        forest: what the replay of the journal joined; what no row of the journal accounts for, and
            what anything was decided about, is joined here.
    """
    _join_the_rest(evidence, forest)
    _check_the_alone(evidence, identities, findings)
    roots, of_contacts = forest.flatten(), identities.of_contacts
    if _is_one_to_one(roots, evidence.hang, of_contacts, len(identities)):
        return
    joined = evidence.hang >= 0
    evidence.engine.keep(
        "placed",
        {
            "id": evidence.ids[joined],
            "identity_id": identities.identity_ids[of_contacts[joined]],
            "root": roots[evidence.hang[joined]],
        },
    )
    evidence.engine.connection.execute(QUERIES["make_usual"])
    for rule, sql in QUERIES.items():
        if not rule.startswith("make_"):
            findings.ask(evidence.engine, rule, sql)


def _join_the_rest(evidence: Evidence, forest: Forest) -> None:
    for low in range(0, len(evidence.ids), STEP):
        some = slice(low, low + STEP)
        e, p = evidence.free(evidence.emails[some]), evidence.free(evidence.phones[some])
        both = (e >= 0) & (p >= 0) & evidence.stands[some]
        forest.join_apart(e[both], p[both])
    for a, b in slices(evidence.engine, "tied", "a, b"):
        both = (a >= 0) & (b >= 0)
        forest.join_apart(a[both], b[both])


def _check_the_alone(evidence: Evidence, identities: Identities, findings: Findings) -> None:
    """Whoever hangs on what is blocked is an identity of its own."""
    numbers = identities.of_contacts
    for low in range(0, len(numbers), STEP):
        some = numbers[low : low + STEP]
        is_alone = (evidence.hang[low : low + STEP] < 0) & (some >= 0)
        wrong = np.flatnonzero(is_alone) + low
        wrong = wrong[identities.sizes[numbers[wrong]] > 1]
        findings.add(
            "blocked_contact_among_others",
            (
                f"contact {id_} hangs on what is blocked, and is in an identity with others"
                for id_ in evidence.ids[wrong].tolist()
            ),
        )


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
