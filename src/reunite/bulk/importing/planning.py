"""What an import does to a store: worked out before anything is written.

A plan only reads the store, so that a dry run makes it of a snapshot and an import of a store that
it holds the lock of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from reunite.bulk.engine import Engine, QueryRows
from reunite.bulk.importing.components import smallest_of_each
from reunite.bulk.importing.constraints import HELD, require_constraints
from reunite.bulk.importing.glue import glue_of
from reunite.bulk.importing.joining import join_rows
from reunite.errors import ImportStopped
from reunite.reconcile import Head, Microseconds
from reunite.repositories import queries
from reunite.repositories.bulk import TABLES, Snapshot

QUERIES = queries.load("reunite.bulk.importing", "planning.sql")

_STANDING = {
    "identity_id": "bigint",
    "contacts": "bigint",
    "identifiers": "bigint",
    "primary_id": "bigint",
    "created_at": "bigint",
}

_WRITTEN = {
    **{
        # What is new stands.
        table: tuple(column for column in columns if column != "voided")
        for table, columns in TABLES.items()
    },
    "block": ("type", "key"),
    "repointed": ("identity_id", "into"),
}
"""The columns of what a plan writes."""


@dataclass(frozen=True)
class Plan:
    """What an import does, in tables of the engine; and where the workspace stands around it.

    ``before`` is the head that it was made for, ``after`` the one that it leaves, dated the time of
    the import.
    """

    engine: Engine
    before: Head
    after: Head
    new_identities: int
    merged_away: int

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to be written."""
        return self.after.position > self.before.position

    def rows(self, name: str) -> QueryRows:
        """The rows of a query of planning.sql that says what is to be written."""
        return _rows(
            self.engine, name, _WRITTEN[name], position=self.after.position, at=self.after.at
        )


def plan_import(
    engine: Engine, store: Snapshot, at: Microseconds, *, renumber: bool, allow_oversized: bool
) -> Plan:
    """Plan what the joined rows do to a store.

    Args:
        engine: with the tables of joining.sql, as they are after `look_up` in the same snapshot,
            and ``block`` with what is to be blocked.
        store: a snapshot, or a loading that holds the lock.
        at: when the rows were read, by the store's clock.
        renumber: give new ids to all rows, by age.
        allow_oversized: take identities that are past the limit.

    Raises `ImportStopped`.
    """
    _require_free_blocks(engine)
    if renumber:
        _execute(engine, "number_anew", last_contact_id=store.head.last_contact_id)
    else:
        _require_free_ids(engine, store)
    _gather(engine, store)
    require_constraints(engine, store)
    if not allow_oversized:
        _require_limit(engine, store.identity_limit)
    return _planned(engine, store.head, max(at, store.at), renumber=renumber)


def look_up(engine: Engine, store: Snapshot, *, renumber: bool) -> bool:
    """Ask a store for what the joined rows have; tells whether that joined them anew.

    They are, where it blocks other identifiers of theirs than those that they were joined by: it
    says so only now, or somebody blocked or unblocked one since it was last asked.
    """
    asked = _rows(engine, "asked", ("type", "key"))
    engine.fill("held", HELD, store.holders(asked) if store.head.position else ())
    _execute(engine, "make_blocked_now")
    (changed,) = _only(_execute(engine, "number_of_changed_blocks").fetchone())
    if changed:
        _execute(engine, "take_blocked_now")
        join_rows(engine, renumber=renumber)
    return bool(changed)


def _require_free_blocks(engine: Engine) -> None:
    held = _execute(engine, "blocks_of_held_identifiers").fetchall()
    if held:
        examples = ", ".join(f"{type_} {key} (contact {holder})" for type_, key, holder in held[:5])
        raise ImportStopped(
            f"{len(held)} of the identifiers to block are in the store already: {examples}; an "
            "import can block only what the store does not hold"
        )


def _require_free_ids(engine: Engine, store: Snapshot) -> None:
    ids = _rows(engine, "ids", ("id",), last_contact_id=store.head.last_contact_id)
    taken = [str(id_) for chunk in store.taken(ids) for id_ in chunk]
    if taken:
        raise ImportStopped(
            f"{len(taken)} ids are taken in the store, the first {', '.join(taken[:5])}; "
            "--renumber gives new ones to all rows"
        )


def _gather(engine: Engine, store: Snapshot) -> None:
    """Put what becomes one identity together: components of the rows, identities of the store."""
    _execute(engine, "make_new_identifier")
    _execute(engine, "make_touched")
    touched = _execute(engine, "touched").fetchnumpy()
    firsts, first = np.unique(touched["first"], return_inverse=True)
    identities, identity = np.unique(touched["identity_id"], return_inverse=True)
    group = smallest_of_each(
        len(firsts) + len(identities),
        first.astype(np.int32),
        (identity + len(firsts)).astype(np.int32),
    )
    engine.keep("grouped", {**touched, "grp": group[first]})
    asked = _rows(engine, "touched_identities", ("identity_id",))
    engine.fill("standing", _STANDING, store.identities(asked) if len(identities) else ())
    _execute(engine, "make_merged")
    _execute(engine, "make_home")
    _settle(engine)
    _execute(engine, "make_size")


def _settle(engine: Engine) -> None:
    """Say of each row which identity it belongs to and what it hangs on; of each component, what
    it brings.
    """
    first = _execute(engine, "firsts").fetchnumpy()["first"]
    homes = _execute(engine, "homes").fetchnumpy()
    bringers = _execute(engine, "bringers").fetchnumpy()
    rows = len(first)
    identity_of = np.zeros(rows, dtype=np.int64)
    identity_of[homes["first"]] = homes["identity_id"]
    brings_phone, brings_email = np.zeros((2, rows), dtype=np.bool_)
    brings_phone[bringers["n"][bringers["is_phone"]]] = True
    brings_email[bringers["n"][~bringers["is_phone"]]] = True
    engine.keep(
        "settled",
        {
            "n": np.arange(rows, dtype=np.int32),
            "identity_id": identity_of[first],
            "brings_only_phone": brings_phone & ~brings_email,
        },
    )
    _execute(engine, "make_contact")
    roots = homes["first"]
    engine.keep(
        "brought",
        {
            "first": roots,
            "contacts": np.bincount(first, minlength=rows)[roots],
            "identifiers": np.bincount(first[bringers["n"]], minlength=rows)[roots],
        },
    )


def _require_limit(engine: Engine, limit: int) -> None:
    oversized = _execute(engine, "oversized", identity_limit=limit).fetchall()
    if oversized:
        identity_id, primary_id, identifiers = oversized[0]
        glue = glue_of(engine, identity_id)
        joined_by = (
            f"the {glue.type} {glue.value}, on {glue.rows} rows: --block it, or"
            if glue
            else "its linkedIds: give"
        )
        others = f" ({len(oversized) - 1} more are past it)" if len(oversized) > 1 else ""
        raise ImportStopped(
            f"the identity of contact {primary_id} would have {identifiers} identifiers, the limit "
            f"is {limit}{others}; what joins most of it is {joined_by} --allow-oversized to take "
            "it as it is"
        )


def _planned(engine: Engine, head: Head, at: Microseconds, *, renumber: bool) -> Plan:
    contacts, new_identities, merged_away = _only(_execute(engine, "totals").fetchone())
    (last_contact_id,) = _only(
        _execute(
            engine, "last_contact_id", last_contact_id=head.last_contact_id, renumber=renumber
        ).fetchone()
    )
    writes = contacts or engine.count("left_out") or len(_rows(engine, "block", ("type", "key")))
    after = Head(
        head.position + 1 if writes else head.position,
        at,
        head.contacts + contacts,
        head.identities + new_identities - merged_away,
        last_contact_id,
    )
    return Plan(engine, head, after, new_identities, merged_away)


def _rows(engine: Engine, query: str, columns: Sequence[str], **known: object) -> QueryRows:
    return engine.rows(QUERIES[query], columns, _used(query, known))


def _execute(engine: Engine, query: str, **known: object) -> duckdb.DuckDBPyConnection:
    return engine.connection.execute(QUERIES[query], _used(query, known))


def _used(query: str, known: dict[str, object]) -> dict[str, object]:
    """Those parameters that a query names; DuckDB refuses others."""
    return {name: value for name, value in known.items() if f"${name}" in QUERIES[query]}


def _only(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise AssertionError("a query without a table gives a row")
    return row
