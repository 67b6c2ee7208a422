"""Stores as live requests leave them, written at once: requests would take much longer."""

from __future__ import annotations

from bench.importing import table
from reunite.bulk.engine import Engine
from reunite.repositories import Loading, queries
from reunite.repositories.bulk import TABLES

QUERIES = queries.load("bench.importing", "grown.sql")


def grow(engine: Engine, store: Loading, contacts: int) -> None:
    """Write so many contacts, each with its row of the journal, into an empty workspace.

    It is left to be committed. The same number gives the same contacts on every store.
    """
    table.define_identifiers(engine.connection)
    engine.connection.execute(QUERIES["make_request"], {"contacts": contacts})
    for name in ("contact", "identifier", "journal"):
        store.write(name, engine.rows(QUERIES[name], TABLES[name]))
