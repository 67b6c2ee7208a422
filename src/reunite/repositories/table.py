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
    key_columns: tuple[str, ...]
    key: Callable[[Any], Any]


def _table(name: str, *key_columns: str) -> Table:
    return Table(name, key_columns, attrgetter(*key_columns))


_PAIR = ("a_type", "a_key", "b_type", "b_key")
_CONTACTS = ("a_contact_id", "b_contact_id")

TABLES: dict[type[Any], Table] = {
    Contact: _table("contact", "id"),
    Link: _table("link", *_PAIR, "source", "position", *_CONTACTS),
    Void: _table("void", "position", "target", "target_position", "contact_id", *_PAIR, *_CONTACTS),
    Constraint: _table("identity_constraint", *_PAIR, "position"),
    Block: _table("block", "type", "key", "position"),
    Held: _table("held", "id"),
    Holder: _table("identifier", "type", "key"),
    Demotion: _table("demotion", "contact_id", "position"),
    Entry: _table("journal", "position"),
}


def latest(rows: Iterable[Row]) -> dict[type[Row], list[Row]]:
    """Rows by type; of several with the same key the last."""
    by_key: dict[type[Row], dict[Any, Row]] = {}
    for row in rows:
        kind = type(row)
        by_key.setdefault(kind, {})[TABLES[kind].key(row)] = row
    return {kind: list(found.values()) for kind, found in by_key.items()}
