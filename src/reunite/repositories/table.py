"""The tables that rows of evidence are kept in, and the keys of those, the same in both stores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, NamedTuple

from reunite.evidence import (
    Block,
    Constraint,
    Contact,
    Demotion,
    Entry,
    Held,
    Holder,
    Link,
    Row,
    Void,
)


class Table(NamedTuple):
    """A table by name, and what tells one of its rows from all others of the workspace.

    Comparing keys orders text by code point, as the stores do.
    """

    name: str
    key: Callable[[Any], Any]


TABLES: dict[type[Any], Table] = {
    Contact: Table("contact", attrgetter("id")),
    Link: Table(
        "link",
        attrgetter(
            *("a_type", "a_key", "b_type", "b_key", "source", "position"),
            *("a_contact_id", "b_contact_id"),
        ),
    ),
    Void: Table("void", lambda void: void[:10]),
    Constraint: Table("identity_constraint", lambda constraint: constraint[:5]),
    Block: Table("block", lambda block: block[:3]),
    Held: Table("held", attrgetter("id")),
    Holder: Table("identifier", lambda holder: holder[:2]),
    Demotion: Table("demotion", tuple),
    Entry: Table("journal", attrgetter("position")),
}


def latest(rows: Iterable[Row]) -> dict[type[Row], list[Row]]:
    """Rows by type; of several with the same key the last."""
    by_key: dict[type[Row], dict[Any, Row]] = {}
    for row in rows:
        kind = type(row)
        by_key.setdefault(kind, {})[TABLES[kind].key(row)] = row
    return {kind: list(found.values()) for kind, found in by_key.items()}
