"""Whether a workspace holds together: everything in it worked out once more, by other ways.

Keys are made anew of what was presented, components of the evidence by a union-find that follows
the journal, and what follows from them is read through the view that users read.
"""

from __future__ import annotations

import msgspec
import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.digest import Digests, digests_of
from reunite.bulk.evidence.evidence import read_evidence
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.identities import Identities, identities_of
from reunite.bulk.evidence.tables import STEP, bring_table, bring_tree, places_of, slices
from reunite.bulk.progress import Progress
from reunite.bulk.verifying.findings import Finding, Findings, Rule
from reunite.bulk.verifying.forms import check_forms
from reunite.bulk.verifying.holders import check_anchors, check_identifiers
from reunite.bulk.verifying.partition import check_partition
from reunite.bulk.verifying.replay import replay
from reunite.bulk.verifying.voids import note_undone
from reunite.repositories import queries
from reunite.repositories.bulk import TABLES, Snapshot

RULES = {
    **queries.load("reunite.bulk.verifying", "verifying.sql"),
    **queries.load("reunite.bulk.verifying", "decisions.sql"),
}
"""Queries that find what does not hold, by the rule that is broken."""


class Counts(msgspec.Struct, frozen=True, rename="camel"):
    """What a workspace has.

    ``contacts`` leaves out the ``retired``; ``voided`` counts contacts and links, ``constraints``
    and ``held`` those that stand, or wait. ``largest_identity`` and ``past_limit`` count distinct
    identifiers that are not blocked.
    """

    contacts: int
    retired: int
    identities: int
    identifiers: int
    blocked: int
    links: int
    voided: int
    constraints: int
    held: int
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
    with progress.phase("replaying the journal", engine.count("journal")) as advance:
        forest = replay(evidence, findings, advance)
    with progress.phase("comparing identities"):
        identities = identities_of(engine, evidence.ids)
        check_partition(evidence, forest, identities, findings)
        del forest
    ages = evidence.ages
    del evidence
    bring_tree(engine, snapshot, progress)
    with progress.phase("checking rules", len(RULES)) as advance:
        _check_tree(identities, ages, findings)
        del ages
        note_undone(engine)
        for rule, sql in RULES.items():
            findings.ask(engine, rule, sql)
            advance(1)
    with progress.phase("digesting"):
        counts = _counts(identities, snapshot)
        digests = digests_of(identities)
    _check_workspace(snapshot, counts, findings)
    return Verification(counts, digests, findings.all())


def _check_tree(identities: Identities, ages: Numbers, findings: Findings) -> None:
    """Users read the oldest contact of an identity as the one that the others point at."""
    contact_ids, numbers = identities.contact_ids, identities.of_contacts
    oldest = _oldest(identities, ages)
    for ids, heads in slices(identities.engine, "tree", "id, coalesce(linked_id, id)"):
        places = places_of(ids, contact_ids)
        # Contacts that are none, or retired, are another rule's.
        is_there = (places >= 0) & (numbers[places] >= 0)
        due = np.where(is_there, contact_ids[oldest[numbers[places]]], heads)
        findings.add(
            "tree_names_another_primary",
            (
                f"contact {ids[n]} points at {'no one' if heads[n] == ids[n] else heads[n]},"
                f" the oldest of its identity is {due[n]}"
                for n in np.flatnonzero(heads != due).tolist()
            ),
        )


def _oldest(identities: Identities, ages: Numbers) -> Numbers:
    """The oldest contact of each identity."""
    numbers = identities.of_contacts
    # What has no identity goes to the last place.
    least = np.full(len(identities) + 1, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(least, numbers, ages)
    oldest = np.full(len(identities) + 1, -1, dtype=np.int32)
    for low in range(0, len(numbers), STEP):
        some = numbers[low : low + STEP]
        is_oldest = ages[low : low + STEP] == least[some]
        oldest[some[is_oldest]] = (np.flatnonzero(is_oldest) + low).astype(np.int32)
    return oldest[:-1]


def _counts(identities: Identities, snapshot: Snapshot) -> Counts:
    engine, nodes = identities.engine, identities.of_identifiers()
    sizes = np.zeros(len(identities) + 1, dtype=np.int32)
    for low in range(0, len(nodes), STEP):
        # What has no identity goes to the last place.
        np.add.at(sizes, nodes[low : low + STEP], 1)
    sizes[-1] = 0
    retired = int((identities.of_contacts < 0).sum())
    return Counts(
        contacts=len(identities.contact_ids) - retired,
        retired=retired,
        identities=len(identities),
        identifiers=len(nodes),
        blocked=engine.count("node where blocked_by is not null"),
        links=engine.count("link"),
        voided=sum(
            engine.count(f"{table} where voided is not null") for table in ("contact", "link")
        ),
        constraints=engine.count("identity_constraint where voided is null"),
        held=engine.count("held where voided is null"),
        positions=engine.count("journal"),
        largest_identity=int(sizes.max()),
        past_limit=int((sizes > snapshot.identity_limit).sum()),
    )


def _check_workspace(snapshot: Snapshot, counts: Counts, findings: Findings) -> None:
    flags: dict[Rule, tuple[str, bool, int]] = {
        "workspace_says_otherwise_of_blocks": ("blocks", snapshot.has_blocks, counts.blocked),
        "workspace_says_otherwise_of_constraints": (
            "constraints",
            snapshot.has_constraints,
            counts.constraints,
        ),
    }
    for rule, (what, says, number) in flags.items():
        if says != (number > 0):
            findings.add(
                rule, [f"it says that it has {'' if says else 'no '}{what}, {number} stand"]
            )
    head = snapshot.head
    if (head.contacts, head.identities) != (counts.contacts, counts.identities):
        findings.add(
            "totals_differ",
            [
                f"the journal ends with {head.contacts} contacts and {head.identities} identities,"
                f" there are {counts.contacts} and {counts.identities}"
            ],
        )
