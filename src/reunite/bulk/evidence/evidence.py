"""The evidence of a store with numbers for names, in arrays: a few bytes a contact.

Nodes are identifiers, numbered by type and key in byte order, and behind them the rows that imports
named and did not take; contacts are numbered by id, all from 0. -1 stands for none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column, slices
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.evidence", "evidence.sql")


@dataclass(frozen=True)
class Evidence:
    """What was presented by whom.

    Attributes:
        engine: with the tables of evidence.sql.
        nodes: how many there are.
        ids, created_at: of each contact.
        emails, phones: the nodes of each contact.
        blocked: whether each identifier is.
        first: for each identifier the contact that presented it first.
        hang: for each contact the identifier that it hangs on, which is not blocked.
    """

    engine: Engine
    nodes: int
    ids: Column
    created_at: Column
    emails: Numbers
    phones: Numbers
    blocked: NDArray[np.bool_]
    first: Numbers
    hang: Numbers

    def free(self, nodes: Numbers) -> Numbers:
        """The same nodes, but none in place of those that are blocked."""
        return free_of(nodes, self.blocked)

    def of_identifiers(self) -> Evidence:
        """The same without what is known of single contacts, which takes most of the memory."""
        none = np.empty(0, dtype=np.int32)
        return replace(self, emails=none, phones=none, hang=none)

    def is_older(self, contact: int, other: int) -> bool:
        """Whether a contact is older than another."""
        one, two = self.created_at[contact], self.created_at[other]
        return bool(one < two or (one == two and contact < other))


def read_evidence(engine: Engine) -> Evidence:
    """Number what the tables of a store (`bring_table`) have."""
    _execute(engine, "make_node")
    engine.connection.execute("drop table identifier")
    ids, created_at = _column(engine, "contact", "id"), _column(engine, "contact", "created_at")
    emails, phones = (_found(engine, type_, len(ids)) for type_ in ("email", "phone"))
    engine.connection.execute("drop table found")
    blocked = _column(engine, "node", "blocked_by is not null")
    anchors_email = _column(engine, "contact", "anchor = 'email'")
    hang = _hang(anchors_email, free_of(emails, blocked), free_of(phones, blocked))
    _execute(engine, "make_turn")
    first = _first(engine, emails, phones, len(blocked))
    engine.keep("holding", {"id": ids, "hang": hang, "e": emails, "p": phones})
    _execute(engine, "make_silent", nodes=len(blocked))
    nodes = len(blocked) + engine.count("silent")
    _execute(engine, "make_tied")
    return Evidence(engine, nodes, ids, created_at, emails, phones, blocked, first, hang)


def free_of(nodes: Numbers, blocked: NDArray[np.bool_]) -> Numbers:
    """The same nodes, but none in place of those that are blocked."""
    if not len(blocked):
        return nodes
    return np.where(blocked[nodes] | (nodes < 0), np.int32(-1), nodes)


def _column(engine: Engine, table: str, expression: str) -> Any:
    parts = [part for (part,) in slices(engine, table, expression)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _found(engine: Engine, type_: str, contacts: int) -> Numbers:
    """The node of each contact's e-mail or phone."""
    _execute(engine, "make_found", type=type_)
    nodes = np.full(contacts, -1, dtype=np.int32)
    for c, n in slices(engine, "found", "c, n"):
        nodes[c] = n
    return nodes


def _hang(anchors_email: NDArray[np.bool_], emails: Numbers, phones: Numbers) -> Numbers:
    one = np.where(anchors_email, emails, phones)
    other = np.where(anchors_email, phones, emails)
    return np.where(one >= 0, one, other)


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
