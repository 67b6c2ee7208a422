"""The journal replayed over the evidence: who was joined when, and what each row says of it.

One row after the other goes through a union-find (`joined`): requests, imports, decisions by hand.

What anything was decided about by hand is left out: a union-find cannot part what it joined. There
rows are taken at their word for what they joined, and the end is judged (`partition`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reunite.bulk.evidence.evidence import QUERIES, Evidence
from reunite.bulk.evidence.forest import Forest
from reunite.bulk.verifying.findings import Findings
from reunite.bulk.verifying.imports import Import
from reunite.bulk.verifying.joined import Joined
from reunite.bulk.verifying.requests import Requests
from reunite.bulk.verifying.steps import (
    CREATED,
    DECIDED,
    IMPORTED,
    MERGED,
    NOTED,
    Steps,
    Totals,
    steps_of,
)


def replay(evidence: Evidence, findings: Findings, advance: Callable[[int], None]) -> Forest:
    """Replay the whole journal; returns what it joined.

    ``advance`` is told how many rows are done.
    """
    evidence.engine.connection.execute(QUERIES["make_step"])
    replay = _Replay(evidence, findings)
    for steps in steps_of(evidence.engine):
        replay.follow(steps)
        advance(len(steps.position))
    return replay.joined.forest


class _Replay:
    def __init__(self, evidence: Evidence, findings: Findings) -> None:
        self.joined = Joined(evidence)
        self._findings = findings
        self._requests = Requests(self.joined, findings)
        self._totals = Totals(findings)

    def follow(self, steps: Steps) -> None:
        """Replay rows of one kind, which follow those of the last call."""
        if steps.type[0] >= DECIDED:
            self._follow_decisions(steps)
        elif steps.type[0] == IMPORTED:
            for number in range(len(steps.position)):
                self._follow_import(steps.where(slice(number, number + 1)))
        else:
            self._follow_requests(steps)

    def _follow_requests(self, steps: Steps) -> None:
        evidence = self.joined.evidence
        decided = evidence.decided_contacts(steps.c)
        decided |= evidence.decided_pairs(steps.a_said, steps.b_said)
        identities = (steps.type == CREATED).astype(np.int64) - (steps.type == MERGED)
        identities[~decided] = self._requests.replay(steps.where(~decided))
        self._totals.check(steps, (steps.c >= 0).astype(np.int64), identities)

    def _follow_import(self, step: Steps) -> None:
        import_ = Import(self.joined, self._findings, int(step.position[0]))
        self._totals.check(
            step,
            np.array([import_.contacts]),
            np.array([import_.replay()]),
            seen=np.array([import_.last_contact_id]),
            knows_identities=np.array([not import_.has_decided]),
        )

    def _follow_decisions(self, steps: Steps) -> None:
        nothing = np.zeros(len(steps.position), dtype=np.int64)
        knows = steps.type == NOTED
        self._totals.check(steps, nothing, nothing, knows_contacts=knows, knows_identities=knows)
