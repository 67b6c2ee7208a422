"""Imports written into a store row by row with SQL, as naively as can be, to see them served."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import apsw
import psycopg

from oracle import Node, components, nodes_of
from tables import SQLITE, Tables

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = {"contact": {"created_at"}, "link": {"at"}, "journal": {"at"}}


@dataclass(frozen=True)
class Past:
    """A row of the past in normal form; ``created_at`` is microseconds, None the import's time."""

    id: int
    created_at: int | None
    email: str | None = None
    phone: str | None = None

    @property
    def pair(self) -> tuple[str | None, str | None]:
        return self.email, self.phone


@dataclass
class Plan:
    """An import; ``links`` are pairs of ids, the second may be of a row that is not taken."""

    rows: Sequence[Past]
    links: Sequence[tuple[int, int]] = ()
    blocked: Sequence[Node] = ()
    tombstones: Collection[int] = ()
    inserts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def insert(self, table: str, **row: Any) -> None:
        self.inserts.setdefault(table, []).append(row)


def plant(database: str, workspace: str, plan: Plan) -> list[list[Node]]:
    """Write an import; returns the links that it left, by their nodes."""
    tables = Tables.read(database, workspace)
    position = len(tables.journal) + 1
    at = max([time.time_ns() // 1000, *(_microseconds(row["at"]) for row in tables.journal)])
    _plan_rows(plan, tables, position, at)
    links = _plan_links(plan, position, at)
    repointed = _plan_identities(plan, tables, links, position, at)
    with Writer(database, workspace) as writer:
        for identity_id, into in repointed:
            writer.run(
                "update contact set identity_id = ? where identity_id = ? and workspace = {}",
                [into, identity_id],
            )
        for table, rows in plan.inserts.items():
            for row in rows:
                writer.insert(table, row)
        if plan.blocked:
            writer.run("update workspace set has_blocks = (1 = 1) where id = {}", [])
    return links


def _plan_rows(plan: Plan, tables: Tables, position: int, at: int) -> None:
    blocked = tables.blocked() | set(plan.blocked)
    holders = tables.holders()
    for type_, key in plan.blocked:
        plan.insert("identifier", type=type_, key=key, contact_id=None, blocked_by=position)
        plan.insert("block", type=type_, key=key, position=position)
    for row in sorted(
        plan.rows, key=lambda row: (at if row.created_at is None else row.created_at, row.id)
    ):
        free = [node for node in nodes_of(row.email, row.phone) if node not in blocked]
        new = [node for node in free if node not in holders]
        holders.update(dict.fromkeys(new, row.id))
        plan.insert(
            "contact",
            id=row.id,
            created_at=at if row.created_at is None else row.created_at,
            email=row.email,
            phone=row.phone,
            position=position,
            source="imported",
            anchor=(new or free)[0][0],
        )
        for type_, key in new:
            plan.insert("identifier", type=type_, key=key, contact_id=row.id, blocked_by=None)
    for id_ in plan.tombstones:
        plan.insert("tombstone", contact_id=id_, position=position)


def _plan_links(plan: Plan, position: int, at: int) -> list[list[Node]]:
    """Between anchors; a row with such an anchor twice is joined already."""
    anchors = {row["id"]: anchor_of(row) for row in plan.inserts.get("contact", [])}
    links = []
    for one, other in plan.links:
        ends = [(anchors[one], one), (anchors.get(other, ("row", f"{position}:{other}")), other)]
        (a, a_id), (b, b_id) = sorted(ends)
        if a == b:
            continue
        links.append([a, b])
        plan.insert(
            "link",
            a_type=a[0],
            a_key=a[1],
            b_type=b[0],
            b_key=b[1],
            source="imported",
            position=position,
            at=at,
            a_contact_id=a_id,
            b_contact_id=0 if b[0] == "row" else b_id,
        )
    return links


def anchor_of(row: dict[str, Any]) -> Node:
    """The identifier that a contact hangs on."""
    return (row["anchor"], row[row["anchor"]].lstrip("+"))


def _plan_identities(
    plan: Plan, tables: Tables, links: list[list[Node]], position: int, at: int
) -> list[tuple[int, int]]:
    """Say whose everyone is; returns which identities become part of which."""
    new = plan.inserts.get("contact", [])
    age = {
        row["id"]: (_microseconds(row["created_at"]), row["id"]) for row in [*tables.contacts, *new]
    }
    connected = components(
        [*tables.evidence(), *([anchor_of(row)] for row in new), *_pairs(plan, tables), *links]
    )
    groups: dict[frozenset[Node], list[dict[str, Any]]] = {}
    for row in [*tables.contacts, *new]:
        groups.setdefault(connected[anchor_of(row)], []).append(row)
    repointed = []
    for group in groups.values():
        old: dict[int, list[int]] = {}
        for row in group:
            if "identity_id" in row:
                old.setdefault(row["identity_id"], []).append(row["id"])
        primary = min((row["id"] for row in group), key=age.__getitem__)
        firsts = {identity: min(ids, key=age.__getitem__) for identity, ids in old.items()}
        into = max(
            old,
            key=lambda one: (len(old[one]), -age[firsts[one]][0], -firsts[one]),
            default=primary,
        )
        repointed += [(identity, into) for identity in old if identity != into]
        for first in set(firsts.values()) - {primary}:
            plan.insert("demotion", contact_id=first, position=position)
        for row in group:
            if "identity_id" not in row:
                row["identity_id"] = into
    last = tables.journal[-1]["last_contact_id"] if tables.journal else 0
    plan.insert(
        "journal",
        position=position,
        type="imported",
        at=at,
        contacts=len(age),
        identities=len(groups),
        last_contact_id=max([last, *age, *plan.tombstones, *(b for _, b in plan.links)]),
    )
    return repointed


def _pairs(plan: Plan, tables: Tables) -> Iterable[list[Node]]:
    blocked = tables.blocked() | set(plan.blocked)
    for row in plan.rows:
        yield [node for node in nodes_of(row.email, row.phone) if node not in blocked]


def _microseconds(when: int | datetime) -> int:
    return when if isinstance(when, int) else (when - EPOCH) // timedelta(microseconds=1)


class Writer:
    """One transaction on a store of either kind; ``{}`` stands for the workspace's id."""

    def __init__(self, database: str, workspace: str) -> None:
        self._is_sqlite = database.startswith(SQLITE)
        self._workspace = f"(select id from workspace where name = '{workspace}')"
        if self._is_sqlite:
            self._sqlite = apsw.Connection(database.removeprefix(SQLITE))
        else:
            self._postgresql = psycopg.connect(database, options="-c search_path=reunite")

    def insert(self, table: str, row: dict[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        values = [self._value(table, name, value) for name, value in row.items()]
        self.run(
            f"insert into {table} (workspace, {', '.join(row)}) values ({{}}, {marks})", values
        )

    def run(self, sql: str, values: Sequence[Any]) -> None:
        sql = sql.format(self._workspace)
        if self._is_sqlite:
            self._sqlite.execute(sql, values)
        else:
            self._postgresql.execute(sql.replace("?", "%s").encode(), values)

    def _value(self, table: str, name: str, value: Any) -> Any:
        is_time = not self._is_sqlite and name in TIMES.get(table, ())
        return EPOCH + timedelta(microseconds=value) if is_time else value

    def __enter__(self) -> Writer:
        if self._is_sqlite:
            self._sqlite.execute("begin immediate")
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_sqlite:
            self._sqlite.execute("commit")
            self._sqlite.close()
        else:
            self._postgresql.commit()
            self._postgresql.close()
