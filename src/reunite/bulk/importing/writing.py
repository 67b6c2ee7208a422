"""Writing a plan: all of it in one transaction that holds the workspace's lock."""

from __future__ import annotations

from reunite.bulk.engine import QueryRows
from reunite.bulk.importing.planning import Plan
from reunite.bulk.progress import Progress, Watched
from reunite.repositories.bulk import TABLES, Loading

_TABLES = {
    "contact": "contact",
    "identifier": "new_identifier",
    "link": "tie",
    "provenance": "pointer",
    "tombstone": "left_out",
    "demotion": "standing",
}
"""What is written, and the table of the engine that has about as many rows."""


def write(plan: Plan, store: Loading, progress: Progress) -> None:
    """Write a plan that was made of this very loading; it is left to be committed."""
    store.repoint(plan.rows("repointed"))
    for table, like in _TABLES.items():
        with progress.phase(f"writing {table}s", plan.engine.count(like)) as advance:
            store.write(table, Watched(plan.rows(table), advance))
    store.block(plan.rows("block"))
    store.write("journal", _journal(plan))


def _journal(plan: Plan) -> QueryRows:
    """The one row of the operation."""
    values = {
        "position": plan.after.position,
        "type": "'imported'",
        "at": plan.after.at,
        "contacts": plan.after.contacts,
        "identities": plan.after.identities,
        "last_contact_id": plan.after.last_contact_id,
    }
    columns = TABLES["journal"]
    return plan.engine.rows(
        "select " + ", ".join(f"{values.get(name, 'null')} as {name}" for name in columns), columns
    )
