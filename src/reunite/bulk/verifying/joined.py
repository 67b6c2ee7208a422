"""What the journal joined, up to where its replay is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reunite.bulk.evidence.evidence import Evidence
from reunite.bulk.evidence.forest import Forest, Numbers
from reunite.bulk.evidence.tables import Flags


class Said(NamedTuple):
    """The unblocked nodes of contacts, and whether each of them was new then."""

    e: Numbers
    p: Numbers
    is_new_e: Flags
    is_new_p: Flags


class Joined:
    """A union-find that follows the journal.

    Attributes:
        evidence: what is joined.
        forest: what is joined by now.
        oldest: of each root the oldest contact, -1 where there is none.
        seen: what was presented by now; empty where there are no imports, as only they ask.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.forest = Forest(evidence.nodes)
        self.oldest: Numbers = np.full(evidence.nodes, -1, dtype=np.int32)
        imports = evidence.engine.count("journal where type = 'imported'")
        self.seen = np.zeros(evidence.nodes if imports else 0, dtype=np.bool_)

    def said(self, contacts: Numbers) -> Said:
        """What contacts presented, those of one moment; -1 is none."""
        evidence = self.evidence
        no = np.zeros(len(contacts), dtype=np.bool_)
        none = np.full(len(contacts), -1, dtype=np.int32)
        if not len(evidence.ids) or not len(evidence.first):
            return Said(none, none, no, no)
        there = contacts >= 0
        e = np.where(there, evidence.free(evidence.emails[contacts]), none)
        p = np.where(there, evidence.free(evidence.phones[contacts]), none)
        return Said(
            e,
            p,
            (e >= 0) & (evidence.first[e] == contacts),
            (p >= 0) & (evidence.first[p] == contacts),
        )

    def attach(self, said: Said) -> int:
        """Hang new nodes on what they came with; they have no other way to a root yet.

        Returns how many.
        """
        e, p, is_new_e, is_new_p = said
        phones = is_new_p & (e >= 0)
        self.forest.attach(p[phones], e[phones])
        emails = is_new_e & ~is_new_p & (p >= 0)
        self.forest.attach(e[emails], p[emails])
        return int(phones.sum() + emails.sum())

    def see(self, said: Said) -> None:
        """Note that it was presented."""
        for nodes in (said.e, said.p) if len(self.seen) else ():
            self.seen[nodes[nodes >= 0]] = True

    def is_older(self, contact: int, other: int) -> bool:
        """Whether a contact is older than another; any is older than none."""
        if contact < 0 or other < 0:
            return contact >= 0
        return self.evidence.is_older(contact, other)
