"""Requests replayed: what the row of each says of its moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column
from reunite.bulk.verifying.findings import Findings, Rule
from reunite.bulk.verifying.joined import Joined, Said
from reunite.bulk.verifying.steps import CREATED, EXTENDED, MERGED, Steps


class Requests:
    """Replays requests one after the other.

    What makes a new identity is done for a million rows at once, because nothing before it can
    matter.
    """

    def __init__(self, joined: Joined, findings: Findings) -> None:
        self._joined = joined
        self._evidence = joined.evidence
        self._findings = findings

    def replay(self, steps: Steps) -> Column:
        """Replay requests; returns how many identities each made more."""
        said = self._joined.said(steps.c)
        self._check_types(steps, said)
        self._check_holders(steps, said)
        self._joined.attach(said)
        created = (steps.type == CREATED) & (steps.c >= 0)
        is_new = created & (said.is_new_e | said.is_new_p)
        hang = np.where(said.e >= 0, said.e, said.p)
        self._joined.oldest[hang[is_new]] = steps.c[is_new]
        self._list(
            "journal_names_another_primary",
            steps.position[is_new & (steps.primary_id != steps.contact_id)],
            "position {} made an identity, and names another contact its primary",
        )
        identities: Column = created.astype(np.int64)
        rest = np.flatnonzero(~is_new)
        identities[rest] -= self._one_by_one(steps.where(rest), _ends(steps, said)[:, rest])
        self._joined.see(said)
        return identities

    def _one_by_one(self, steps: Steps, ends: NDArray[np.int32]) -> NDArray[np.int64]:
        """Replay what touches identities that are there; returns how many each made fewer."""
        fewer = np.zeros(len(steps.position), dtype=np.int64)
        for number, (a, b) in enumerate(ends.T.tolist()):
            if a >= 0:
                fewer[number] = self._request(steps, number, a, b)
        return fewer

    def _request(self, steps: Steps, number: int, a: int, b: int) -> bool:
        forest, oldest = self._joined.forest, self._joined.oldest
        before = int(oldest[forest.root(a)]), int(oldest[forest.root(b)])
        joined = forest.join(a, b)
        older, younger = before if self._joined.is_older(*before) else before[::-1]
        contact = int(steps.c[number])
        if self._joined.is_older(contact, older):
            older = contact
        oldest[forest.root(a)] = older
        self._check_row(steps, number, joined, older, younger)
        return joined

    def _check_row(self, steps: Steps, number: int, joined: bool, older: int, younger: int) -> None:
        position, type_, ids = steps.position[number], steps.type[number], self._evidence.ids
        if type_ >= MERGED and joined != (type_ == MERGED):
            did = "joined two identities" if joined else "joined nothing"
            self._findings.add(
                "journal_of_the_wrong_type",
                [f"position {position} is {'merged' if type_ == MERGED else 'linked'}, but {did}"],
            )
        said = int(steps.primary_id[number])
        if older >= 0 and ids[older] != said:
            self._findings.add(
                "journal_names_another_primary",
                [f"position {position} says {said}, the oldest contact then was {ids[older]}"],
            )
        said = int(steps.demoted_id[number])
        if joined and type_ == MERGED and ids[younger] != said:
            self._findings.add(
                "journal_names_another_demoted",
                [f"position {position} says {said}, it was {ids[younger]}"],
            )

    def _check_types(self, steps: Steps, said: Said) -> None:
        made = steps.c >= 0
        new = said.is_new_e.astype(np.int8) + said.is_new_p
        known = (said.e >= 0).astype(np.int8) + (said.p >= 0) - new
        self._list(
            "journal_of_the_wrong_type",
            steps.position[made & (steps.type == CREATED) & (known > 0)],
            "position {} is created, but presented what was known",
        )
        self._list(
            "journal_of_the_wrong_type",
            steps.position[made & (steps.type == EXTENDED) & ((known != 1) | (new != 1))],
            "position {} is extended, but did not present something known and something new",
        )

    def _check_holders(self, steps: Steps, said: Said) -> None:
        """A row names the contacts that hold what was known when it was presented."""
        a, b = _ends(steps, said)
        contact, with_contact = self._holder(a), self._holder(b)
        known = (a >= 0) & (steps.type != CREATED)
        wrong = known & (steps.with_contact_id != with_contact)
        wrong |= known & (steps.type >= MERGED) & (steps.contact_id != contact)
        self._list(
            "journal_names_other_contacts",
            steps.position[wrong],
            "position {} does not name the contacts that hold what was known",
        )

    def _holder(self, nodes: Numbers) -> Column:
        """The id of the contact that presented each node first, 0 where there is none."""
        evidence = self._evidence
        if not len(evidence.first) or not len(evidence.ids):
            return np.zeros(len(nodes), dtype=np.int64)
        first = np.where(nodes >= 0, evidence.first[nodes], -1)
        return np.where(first >= 0, evidence.ids[first], 0)

    def _list(self, rule: Rule, positions: Column, text: str) -> None:
        self._findings.add(rule, (text.format(position) for position in positions.tolist()))


def _ends(steps: Steps, said: Said) -> NDArray[np.int32]:
    """What each row found known: its two ends, one twice where it is alone, -1 where none is.

    Where a contact was made but nothing in it was new, that is both that it holds.
    """
    e, p, is_new_e, is_new_p = said
    a = np.where(steps.c >= 0, np.where(is_new_e, p, e), steps.a)
    b = np.where(steps.c >= 0, np.where(is_new_p, e, p), steps.b)
    return np.stack((np.where(a >= 0, a, b), np.where(b >= 0, b, a)))
