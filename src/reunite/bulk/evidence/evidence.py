"""The evidence of a store with numbers for names, in arrays: a few bytes a contact.

Nodes are identifiers, numbered by type and key in byte order, and behind them the rows that imports
named and did not take; contacts are numbered by id, all from 0. -1 stands for none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.decided import decided_nodes
from reunite.bulk.evidence.forest import Numbers, without
from reunite.bulk.evidence.tables import (
    Column,
    Flags,
    column_of,
    ids_of,
    number_identifiers,
    slices,
)
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.evidence", "evidence.sql")


@dataclass(frozen=True)
class Evidence:
    """What was presented by whom.

    Attributes:
        engine: with the tables of evidence.sql.
        nodes: how many there are.
        ids: of each contact.
        ages: of each contact how many are older.
        stands: whether no void that stands names the contact's pair.
        emails, phones: the nodes of each contact.
        blocked: whether each identifier is.
        first: for each identifier the contact that presented it first.
        hang: for each contact the identifier that it hangs on; -1 for those that are alone because
            that is blocked, and for the retired, whom nobody sees.
        decided: whether anything was ever decided by hand about whom a node belongs to, or about
            what was ever joined with it; empty where nothing was decided at all.
    """

    engine: Engine
    nodes: int
    ids: Column
    ages: Numbers
    stands: Flags
    emails: Numbers
    phones: Numbers
    blocked: Flags
    first: Numbers
    hang: Numbers
    decided: Flags

    def free(self, nodes: Numbers) -> Numbers:
        """The same nodes, but none in place of those that are blocked."""
        return without(nodes, self.blocked)

    def is_older(self, contact: int, other: int) -> bool:
        """Whether a contact is older than another."""
        return bool(self.ages[contact] < self.ages[other])

    @property
    def has_decisions(self) -> bool:
        """Whether anything was decided at all."""
        return len(self.decided) > 0

    def decided_contacts(self, contacts: Numbers) -> Flags:
        """Of which contacts something was decided; -1 is none."""
        if not self.has_decisions or not len(self.ids):
            return np.zeros(len(contacts), dtype=np.bool_)
        return self.decided_pairs(
            np.where(contacts >= 0, self.emails[contacts], -1),
            np.where(contacts >= 0, self.phones[contacts], -1),
        )

    def decided_pairs(self, a: Numbers, b: Numbers) -> Flags:
        """Of which pairs of nodes something was decided; -1 is none."""
        if not self.has_decisions:
            return np.zeros(len(a), dtype=np.bool_)
        return ((a >= 0) & self.decided[a]) | ((b >= 0) & self.decided[b])

    def may_have_moved(self, identifiers: slice | Column) -> Flags:
        """Which identifiers decisions may have given to another contact: blocked ones any may."""
        if not self.has_decisions:
            return np.zeros(len(self.blocked[identifiers]), dtype=np.bool_)
        found: Flags = self.decided[: len(self.blocked)][identifiers] | self.blocked[identifiers]
        return found


def read_evidence(engine: Engine) -> Evidence:
    """Number what the tables of a store (`bring_table`) have."""
    ages = _ages(engine)
    ids = ids_of(engine)
    number_identifiers(engine)
    emails, phones = (_found(engine, type_, len(ids)) for type_ in ("email", "phone"))
    engine.connection.execute("drop table found")
    blocked = column_of(engine, "node", "blocked_by is not null")
    stands = column_of(engine, "contact", "voided is null")
    hang = _hang(engine, emails, phones, blocked, stands)
    _execute(engine, "make_turn")
    first = _first(engine, emails, phones, len(blocked))
    engine.keep("holding", {"id": ids, "hang": hang, "e": emails, "p": phones})
    _execute(engine, "make_silent", nodes=len(blocked))
    nodes = len(blocked) + engine.count("silent")
    _execute(engine, "make_tied")
    decided = decided_nodes(engine, nodes, emails, phones, blocked, first)
    return Evidence(engine, nodes, ids, ages, stands, emails, phones, blocked, first, hang, decided)


def _ages(engine: Engine) -> Numbers:
    """Of each contact how many are older: by (created_at, id)."""
    order = np.argsort(column_of(engine, "contact", "created_at"), kind="stable")
    ages = np.empty(len(order), dtype=np.int32)
    ages[order] = np.arange(len(order), dtype=np.int32)
    return ages


def _found(engine: Engine, type_: str, contacts: int) -> Numbers:
    """The node of each contact's e-mail or phone."""
    _execute(engine, "make_found", type=type_)
    nodes = np.full(contacts, -1, dtype=np.int32)
    for c, n in slices(engine, "found", "c, n"):
        nodes[c] = n
    return nodes


def _hang(
    engine: Engine, emails: Numbers, phones: Numbers, blocked: Flags, stands: Flags
) -> Numbers:
    """What each contact hangs on: its anchor; if that is blocked, the other that it ties to it."""
    hang = np.empty(len(emails), dtype=np.int32)
    low = 0
    for is_email, is_live in slices(engine, "contact", "anchor = 'email', identity_id is not null"):
        some = slice(low, low + len(is_email))
        e, p = without(emails[some], blocked), without(phones[some], blocked)
        anchors, others = np.where(is_email, e, p), np.where(is_email, p, e)
        found = np.where((anchors < 0) & stands[some], others, anchors)
        hang[some] = np.where(is_live, found, -1)
        low = some.stop
    return hang


def _first(engine: Engine, emails: Numbers, phones: Numbers, identifiers: int) -> Numbers:
    first = np.full(identifiers, -1, dtype=np.int32)
    for (turn,) in slices(engine, "turn", "c"):
        for held in (emails[turn], phones[turn]):
            # Assigned backwards, so that of several in this slice the first one stays.
            is_first = held >= 0
            is_first[is_first] = first[held[is_first]] < 0
            nodes, contacts = held[is_first], turn[is_first]
            first[nodes[::-1]] = contacts[::-1]
    return first


def _execute(engine: Engine, query: str, **parameters: object) -> None:
    engine.connection.execute(QUERIES[query], parameters)
