"""Imports replayed: whom each joined, and who thereby became secondary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reunite.bulk.evidence.evidence import QUERIES
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import places_of, slices
from reunite.bulk.verifying.findings import Findings
from reunite.bulk.verifying.joined import Joined


class Import:
    """The import of one position, to be replayed.

    Attributes:
        contacts: how many it brought.
        last_contact_id: the highest id that it saw.
        has_decided: whether anything was decided about what it brought.
    """

    def __init__(self, joined: Joined, findings: Findings, position: int) -> None:
        self._joined = joined
        self._evidence = joined.evidence
        self._findings = findings
        self._position = position
        (low,), (high,) = self._fetched("turns_of").values()
        self.contacts = int(high - low)
        self.last_contact_id = int(self._fetched("last_id_of")["last"][0])
        self.has_decided = self._evidence.has_decisions and any(
            self._evidence.decided_contacts(turns).any() for turns in self._all_turns()
        )

    def replay(self) -> int:
        """Join what it joined; returns how many identities it made more."""
        before = self._standing()
        forest = self._joined.forest
        more = 0
        for turns in self._turns():
            said = self._joined.said(turns)
            e, p, is_new_e, is_new_p = said
            more += int(is_new_e.sum()) + int(is_new_p.sum()) - self._joined.attach(said)
            is_known = (e >= 0) & (p >= 0) & ~is_new_e & ~is_new_p
            more -= forest.join_pairs(e[is_known], p[is_known])
        for a, b in self._sliced("ties_of", "tied", "a, b"):
            tied = (a >= 0) & (b >= 0) & ~self._evidence.decided_pairs(a, b)
            more -= forest.join_pairs(a[tied], b[tied])
        self._age(before)
        self._check_demotions(before)
        return more + int(self._fetched("silent_of")["silent"][0])

    def _turns(self) -> Iterator[Numbers]:
        """Its contacts of which nothing was decided, by age, many at a time."""
        for turns in self._all_turns():
            yield turns[~self._evidence.decided_contacts(turns)]

    def _all_turns(self) -> Iterator[Numbers]:
        for (turns,) in self._sliced("turns_of", "turn", "c"):
            yield turns

    def _standing(self) -> Numbers:
        """The primaries of the identities that have nodes of it already."""
        primaries = []
        for turns in self._turns():
            said = self._joined.said(turns)
            nodes = np.concatenate((said.e[said.e >= 0], said.p[said.p >= 0]))
            roots = self._joined.forest.roots(np.unique(nodes[self._joined.seen[nodes]]))
            primaries.append(self._joined.oldest[roots])
        found = np.unique(np.concatenate(primaries)) if primaries else np.empty(0, dtype=np.int32)
        return found[found >= 0]

    def _age(self, before: Numbers) -> None:
        """Note the oldest contact of the identities that it touched, and its nodes seen."""
        joined = self._joined
        touched: Numbers = np.full(len(joined.oldest), -1, dtype=np.int32)
        for turns in self._turns():
            said = joined.said(turns)
            nodes = np.where(said.e >= 0, said.e, said.p)
            roots = joined.forest.roots(nodes[nodes >= 0])
            first = touched[roots] < 0
            # Assigned backwards, so that the oldest stays.
            touched[roots[first][::-1]] = turns[nodes >= 0][first][::-1]
            joined.see(said)
        roots = joined.forest.roots(self._evidence.hang[before])
        joined.oldest = np.where(touched >= 0, touched, joined.oldest)
        for n in np.argsort(self._evidence.ages[before])[::-1]:
            if joined.is_older(int(before[n]), int(joined.oldest[roots[n]])):
                joined.oldest[roots[n]] = before[n]

    def _check_demotions(self, before: Numbers) -> None:
        roots = self._joined.forest.roots(self._evidence.hang[before])
        expected = self._evidence.ids[before[self._joined.oldest[roots] != before]]
        found = self._fetched("demoted_by")["contact_id"]
        places = places_of(found, self._evidence.ids)
        decided = self._evidence.decided_contacts(places.astype(np.int32))
        wrong = np.setxor1d(expected, found[~decided])
        self._findings.add(
            "demotions_differ",
            (
                f"position {self._position}: contact {contact} became secondary and "
                + ("is said not to have" if contact in expected else "it is not so")
                for contact in wrong.tolist()
            ),
        )

    def _sliced(self, query: str, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
        """Columns of those rows of a table that have its position."""
        (low,), (high,) = self._fetched(query).values()
        return slices(self._evidence.engine, table, columns, int(low), int(high))

    def _fetched(self, query: str) -> dict[str, Any]:
        return self._evidence.engine.connection.execute(
            QUERIES[query], {"position": self._position}
        ).fetchnumpy()
