"""Whether a workspace holds together: everything in it worked out once more, by other ways.

Keys are made anew of what was presented, components of the evidence by a union-find that follows
the journal, and what follows from them is read through the view that users read.
"""

from __future__ import annotations

import msgspec
import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.digest import Digests, digests_of, nodes_by_identity
from reunite.bulk.evidence.evidence import Evidence, read_evidence
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.identities import identities_of
from reunite.bulk.evidence.tables import STEP, bring_table, bring_tree, slices
from reunite.bulk.progress import Progress
from reunite.bulk.verifying.findings import Finding, Findings
from reunite.bulk.verifying.forms import check_forms
from reunite.bulk.verifying.holders import check_anchors, check_identifiers
from reunite.bulk.verifying.partition import check_partition
from reunite.bulk.verifying.replay import Replay
from reunite.repositories import queries
from reunite.repositories.bulk import TABLES, Snapshot

QUERIES = queries.load("reunite.bulk.verifying", "verifying.sql")


class Counts(msgspec.Struct, frozen=True, rename="camel"):
    """What a workspace has.

    ``largest_identity`` and ``past_limit`` count distinct identifiers that are not blocked.
    """

    contacts: int
    identities: int
    identifiers: int
    blocked: int
    links: int
    positions: int
    largest_identity: int
    past_limit: int


class Verification(msgspec.Struct, frozen=True, rename="camel"):
    """What was found; a workspace is sound where there are no findings."""

    counts: Counts
    digests: Digests
    findings: list[Finding]

    @property
    def is_sound(self) -> bool:
        """Whether everything holds."""
        return not self.findings


def verify(engine: Engine, snapshot: Snapshot, progress: Progress) -> Verification:
    """Check all of a workspace; the engine is left with tables that only this needs.

    Raises `StoreError` where the store fails.
    """
    findings = Findings()
    for table in TABLES:
        bring_table(engine, snapshot, table, progress)
    check_forms(engine, snapshot.policy, findings, progress)
    with progress.phase("finding who presented what"):
        evidence = read_evidence(engine)
        check_identifiers(evidence, findings)
        check_anchors(evidence, findings)
    replay = Replay(evidence, findings)
    with progress.phase("replaying the journal", engine.count("journal")) as advance:
        replay.run(advance)
    forest = replay.forest
    del replay
    with progress.phase("comparing identities"):
        identity_ids, identity, sizes = identities_of(engine)
        check_partition(evidence, forest, identity_ids, identity, findings)
        del forest
        evidence = evidence.of_identifiers()
    bring_tree(engine, snapshot, progress)
    with progress.phase("checking rules", len(QUERIES)) as advance:
        _check_tree(evidence, identity, len(sizes), findings)
        for rule, sql in QUERIES.items():
            findings.ask(engine, rule, sql)
            advance(1)
    with progress.phase("digesting"):
        counts = _counts(evidence, snapshot, identity, len(sizes))
        digests = digests_of(evidence, identity, sizes)
    _check_workspace(snapshot, counts, findings)
    return Verification(counts, digests, findings.all())


def _check_tree(evidence: Evidence, identity: Numbers, identities: int, findings: Findings) -> None:
    """Users read the oldest contact of an identity as the one that the others point at."""
    oldest = _oldest(evidence, identity, identities)
    for ids, heads in slices(evidence.engine, "tree", "id, coalesce(linked_id, id)"):
        contacts = np.minimum(np.searchsorted(evidence.ids, ids), len(evidence.ids) - 1)
        due = evidence.ids[oldest[identity[contacts]]]
        # Contacts that are none are another rule's.
        wrong = (heads != due) & (evidence.ids[contacts] == ids)
        findings.add(
            "tree_names_another_primary",
            (
                f"contact {ids[n]} points at {'no one' if heads[n] == ids[n] else heads[n]},"
                f" the oldest of its identity is {due[n]}"
                for n in np.flatnonzero(wrong).tolist()
            ),
        )


def _oldest(evidence: Evidence, identity: Numbers, identities: int) -> Numbers:
    """The oldest contact of each identity."""
    created_at = np.full(identities, np.iinfo(np.int64).max)
    np.minimum.at(created_at, identity, evidence.created_at)
    oldest = np.full(identities, -1, dtype=np.int32)
    # Assigned backwards, so that of several of that age the lowest id stays.
    for low in range(STEP * (len(identity) // STEP), -1, -STEP):
        some = identity[low : low + STEP]
        is_oldest = evidence.created_at[low : low + STEP] == created_at[some]
        contacts = (np.flatnonzero(is_oldest)[::-1] + low).astype(np.int32)
        oldest[identity[contacts]] = contacts
    return oldest


def _counts(evidence: Evidence, snapshot: Snapshot, identity: Numbers, identities: int) -> Counts:
    nodes = nodes_by_identity(evidence, identity)
    sizes = np.zeros(identities + 1, dtype=np.int32)
    for low in range(0, len(nodes), STEP):
        # What has no identity goes to the last place.
        np.add.at(sizes, nodes[low : low + STEP], 1)
    sizes[-1] = 0
    return Counts(
        contacts=len(evidence.ids),
        identities=identities,
        identifiers=len(evidence.blocked),
        blocked=int(evidence.blocked.sum()),
        links=evidence.engine.count("link"),
        positions=evidence.engine.count("journal"),
        largest_identity=int(sizes.max()),
        past_limit=int((sizes > snapshot.identity_limit).sum()),
    )


def _check_workspace(snapshot: Snapshot, counts: Counts, findings: Findings) -> None:
    if snapshot.has_blocks != (counts.blocked > 0):
        findings.add(
            "workspace_says_otherwise_of_blocks",
            [
                f"the workspace says that it {'has' if snapshot.has_blocks else 'has no'} blocked"
                f" identifiers, there are {counts.blocked}"
            ],
        )
