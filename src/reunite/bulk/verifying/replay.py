"""The journal replayed over the evidence: who was joined when, and what each row says of it.

One request after the other goes through a union-find. What makes a new identity is done for a
million rows at once, because nothing before it can matter.

What anything was decided about by hand is left out: a union-find cannot part what it joined. There
rows are taken at their word for what they joined, and the end is judged (`partition`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.evidence.evidence import QUERIES, Evidence
from reunite.bulk.evidence.forest import Forest, Numbers
from reunite.bulk.evidence.tables import Column, Flags, places_of, slices
from reunite.bulk.verifying.findings import Findings
from reunite.bulk.verifying.steps import (
    CREATED,
    DECIDED,
    EXTENDED,
    IMPORTED,
    MERGED,
    NOTED,
    Steps,
    Totals,
    steps_of,
)


class _Presented(NamedTuple):
    """The unblocked nodes of contacts, and whether each of them was new then."""

    e: Numbers
    p: Numbers
    is_new_e: Flags
    is_new_p: Flags


class Replay:
    """A union-find that follows the journal.

    Attributes:
        forest: what the evidence joins, up to where the replay is.
    """

    def __init__(self, evidence: Evidence, findings: Findings) -> None:
        self.forest = Forest(evidence.nodes)
        self._evidence = evidence
        self._findings = findings
        self._oldest: Numbers = np.full(evidence.nodes, -1, dtype=np.int32)
        """Of each root the oldest contact."""
        self._seen = np.zeros(_nodes_to_be_seen(evidence), dtype=np.bool_)
        """What was presented before: only imports ask."""
        self._totals = Totals(findings)

    def run(self, advance: Callable[[int], None]) -> None:
        """Replay the whole journal; ``advance`` is told how many rows are done."""
        self._evidence.engine.connection.execute(QUERIES["make_step"])
        for steps in steps_of(self._evidence.engine):
            if steps.type[0] >= DECIDED:
                self._by_hand(steps)
            elif steps.type[0] == IMPORTED:
                for number in range(len(steps.position)):
                    self._import(steps.where(slice(number, number + 1)))
            else:
                self._requests(steps)
            advance(len(steps.position))

    def _by_hand(self, steps: Steps) -> None:
        nothing = np.zeros(len(steps.position), dtype=np.int64)
        knows = steps.type == NOTED
        self._totals.check(steps, nothing, nothing, knows_contacts=knows, knows_identities=knows)

    # ── requests ─────────────────────────────────────────────────────────────────────────────────

    def _requests(self, steps: Steps) -> None:
        decided = self._evidence.decided_contacts(steps.c)
        decided |= self._evidence.decided_pairs(steps.a_said, steps.b_said)
        identities = (steps.type == CREATED).astype(np.int64) - (steps.type == MERGED)
        identities[~decided] = self._replayed(steps.where(~decided))
        self._totals.check(steps, (steps.c >= 0).astype(np.int64), identities)

    def _replayed(self, steps: Steps) -> Column:
        """Replay requests; returns how many identities each made more."""
        said = self._presented(steps.c)
        self._check_types(steps, said)
        self._check_holders(steps, said)
        self._attach(said)
        created = (steps.type == CREATED) & (steps.c >= 0)
        is_new = created & (said.is_new_e | said.is_new_p)
        hang = np.where(said.e >= 0, said.e, said.p)
        self._oldest[hang[is_new]] = steps.c[is_new]
        self._list(
            "journal_names_another_primary",
            steps.position[is_new & (steps.primary_id != steps.contact_id)],
            "position {} made an identity, and names another contact its primary",
        )
        identities: Column = created.astype(np.int64)
        rest = np.flatnonzero(~is_new)
        identities[rest] -= self._one_by_one(steps.where(rest), _ends(steps, said)[:, rest])
        self._see(said)
        return identities

    def _presented(self, contacts: Numbers) -> _Presented:
        evidence = self._evidence
        no = np.zeros(len(contacts), dtype=np.bool_)
        none = np.full(len(contacts), -1, dtype=np.int32)
        if not len(evidence.ids) or not len(evidence.first):
            return _Presented(none, none, no, no)
        there = contacts >= 0
        e = np.where(there, evidence.free(evidence.emails[contacts]), none)
        p = np.where(there, evidence.free(evidence.phones[contacts]), none)
        return _Presented(
            e,
            p,
            (e >= 0) & (evidence.first[e] == contacts),
            (p >= 0) & (evidence.first[p] == contacts),
        )

    def _attach(self, said: _Presented) -> int:
        """Hang new nodes on what they came with; they have no other way to a root yet."""
        e, p, is_new_e, is_new_p = said
        phones = is_new_p & (e >= 0)
        self.forest.attach(p[phones], e[phones])
        emails = is_new_e & ~is_new_p & (p >= 0)
        self.forest.attach(e[emails], p[emails])
        return int(phones.sum() + emails.sum())

    def _see(self, said: _Presented) -> None:
        for nodes in (said.e, said.p) if len(self._seen) else ():
            self._seen[nodes[nodes >= 0]] = True

    def _one_by_one(self, steps: Steps, ends: NDArray[np.int32]) -> NDArray[np.int64]:
        """Replay what touches identities that are there; returns how many each made fewer."""
        fewer = np.zeros(len(steps.position), dtype=np.int64)
        for number, (a, b) in enumerate(ends.T.tolist()):
            if a >= 0:
                fewer[number] = self._request(steps, number, a, b)
        return fewer

    def _request(self, steps: Steps, number: int, a: int, b: int) -> bool:
        before = int(self._oldest[self.forest.root(a)]), int(self._oldest[self.forest.root(b)])
        joined = self.forest.join(a, b)
        older, younger = before if self._is_older(*before) else before[::-1]
        contact = int(steps.c[number])
        if self._is_older(contact, older):
            older = contact
        self._oldest[self.forest.root(a)] = older
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

    def _is_older(self, contact: int, other: int) -> bool:
        if contact < 0 or other < 0:
            return contact >= 0
        return self._evidence.is_older(contact, other)

    def _check_types(self, steps: Steps, said: _Presented) -> None:
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

    def _check_holders(self, steps: Steps, said: _Presented) -> None:
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

    # ── imports ──────────────────────────────────────────────────────────────────────────────────

    def _import(self, step: Steps) -> None:
        position = int(step.position[0])
        before = self._standing(position)
        more = 0
        for turns in self._turns(position):
            said = self._presented(turns)
            e, p, is_new_e, is_new_p = said
            more += int(is_new_e.sum()) + int(is_new_p.sum()) - self._attach(said)
            is_known = (e >= 0) & (p >= 0) & ~is_new_e & ~is_new_p
            more -= self.forest.join_pairs(e[is_known], p[is_known])
        for a, b in self._sliced("ties_of", "tied", "a, b", position):
            tied = (a >= 0) & (b >= 0) & ~self._evidence.decided_pairs(a, b)
            more -= self.forest.join_pairs(a[tied], b[tied])
        (silent,) = self._fetched("silent_of", position)["silent"]
        self._age(position, before)
        self._check_demotions(position, before)
        (low,), (high,) = self._fetched("turns_of", position).values()
        self._totals.check(
            step,
            high - low,
            np.array([more + int(silent)]),
            seen=self._fetched("last_id_of", position)["last"],
            knows_identities=~self._has_decided(position),
        )

    def _turns(self, position: int) -> Iterator[Numbers]:
        """The contacts of an import of which nothing was decided, by age, many at a time."""
        for (turns,) in self._sliced("turns_of", "turn", "c", position):
            yield turns[~self._evidence.decided_contacts(turns)]

    def _has_decided(self, position: int) -> Flags:
        """Whether anything was decided about what an import brought."""
        several = self._sliced("turns_of", "turn", "c", position)
        decided = self._evidence.decided_contacts
        has_any = self._evidence.has_decisions and any(decided(c).any() for (c,) in several)
        return np.array([has_any])

    def _standing(self, position: int) -> Numbers:
        """The primaries of the identities that have nodes of an import already."""
        primaries = []
        for turns in self._turns(position):
            said = self._presented(turns)
            nodes = np.concatenate((said.e[said.e >= 0], said.p[said.p >= 0]))
            roots = self.forest.roots(np.unique(nodes[self._seen[nodes]]))
            primaries.append(self._oldest[roots])
        found = np.unique(np.concatenate(primaries)) if primaries else np.empty(0, dtype=np.int32)
        return found[found >= 0]

    def _age(self, position: int, before: Numbers) -> None:
        """Note the oldest contact of the identities that an import touched, and its nodes seen."""
        touched: Numbers = np.full(len(self._oldest), -1, dtype=np.int32)
        for turns in self._turns(position):
            said = self._presented(turns)
            nodes = np.where(said.e >= 0, said.e, said.p)
            roots = self.forest.roots(nodes[nodes >= 0])
            first = touched[roots] < 0
            # Assigned backwards, so that the oldest stays.
            touched[roots[first][::-1]] = turns[nodes >= 0][first][::-1]
            self._see(said)
        roots = self.forest.roots(self._evidence.hang[before])
        self._oldest = np.where(touched >= 0, touched, self._oldest)
        for n in np.argsort(self._evidence.ages[before])[::-1]:
            if self._is_older(int(before[n]), int(self._oldest[roots[n]])):
                self._oldest[roots[n]] = before[n]

    def _check_demotions(self, position: int, before: Numbers) -> None:
        roots = self.forest.roots(self._evidence.hang[before])
        expected = self._evidence.ids[before[self._oldest[roots] != before]]
        found = self._fetched("demoted_by", position)["contact_id"]
        places = places_of(found, self._evidence.ids)
        decided = self._evidence.decided_contacts(places.astype(np.int32))
        wrong = np.setxor1d(expected, found[~decided])
        self._findings.add(
            "demotions_differ",
            (
                f"position {position}: contact {contact} became secondary and "
                + ("is said not to have" if contact in expected else "it is not so")
                for contact in wrong.tolist()
            ),
        )

    def _sliced(
        self, query: str, table: str, columns: str, position: int
    ) -> Iterator[tuple[Any, ...]]:
        """Columns of those rows of a table that have a position."""
        (low,), (high,) = self._fetched(query, position).values()
        return slices(self._evidence.engine, table, columns, int(low), int(high))

    def _fetched(self, query: str, position: int) -> dict[str, Any]:
        return self._evidence.engine.connection.execute(
            QUERIES[query], {"position": position}
        ).fetchnumpy()

    def _list(self, rule: str, positions: Column, text: str) -> None:
        self._findings.add(rule, (text.format(position) for position in positions.tolist()))


def _nodes_to_be_seen(evidence: Evidence) -> int:
    imports = evidence.engine.count("journal where type = 'imported'")
    return evidence.nodes if imports else 0


def _ends(steps: Steps, said: _Presented) -> NDArray[np.int32]:
    """What each row found known: its two ends, one twice where it is alone, -1 where none is.

    Where a contact was made but nothing in it was new, that is both that it holds.
    """
    e, p, is_new_e, is_new_p = said
    a = np.where(steps.c >= 0, np.where(is_new_e, p, e), steps.a)
    b = np.where(steps.c >= 0, np.where(is_new_p, e, p), steps.b)
    return np.stack((np.where(a >= 0, a, b), np.where(b >= 0, b, a)))
