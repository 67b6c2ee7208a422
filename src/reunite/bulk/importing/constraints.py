"""Whether what would become one identity is kept apart by a constraint."""

from __future__ import annotations

from reunite.bulk.engine import Engine
from reunite.errors import ImportStopped
from reunite.repositories import queries
from reunite.repositories.bulk import Snapshot

QUERIES = queries.load("reunite.bulk.importing", "constraints.sql")

_ENDS = {
    "a_type": "varchar",
    "a_key": "varchar",
    "b_type": "varchar",
    "b_key": "varchar",
    "position": "bigint",
}
HELD = {
    "type": "varchar",
    "key": "varchar",
    "contact_id": "bigint",
    "identity_id": "bigint",
    "blocked": "boolean",
}
"""Identifiers, by which contacts of which identities they are held."""


def require_constraints(engine: Engine, store: Snapshot) -> None:
    """Raise `ImportStopped` where rows would join what a standing constraint keeps apart.

    To be asked when it is known which identity each row will be of (`planning.sql`).
    """
    kept = store.constraints()
    if not kept:
        return
    engine.fill("kept_apart", _ENDS, [kept])
    asked = engine.rows(QUERIES["ends"], ("type", "key"))
    engine.fill("end_held", HELD, store.holders(asked))
    forbidden = engine.connection.execute(QUERIES["forbidden"]).fetchall()
    if forbidden:
        a_type, a_key, b_type, b_key, position = forbidden[0]
        others = f" ({len(forbidden) - 1} more are in the way)" if len(forbidden) > 1 else ""
        raise ImportStopped(
            f"the rows would join the {a_type} {a_key} and the {b_type} {b_key}, which the "
            f"constraint of position {position} keeps apart{others}; remove it, or leave out the "
            "rows that join them"
        )
