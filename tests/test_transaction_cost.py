"""Looking at single identities costs as much as is found, whatever else the store holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import apsw
import psycopg
import psycopg.rows
import pytest

import reunite
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
from reunite.repositories import Store
from reunite.repositories.postgresql import transaction as postgresql
from reunite.repositories.sqlite import transaction as sqlite
from reunite.repositories.transaction import Answered
from reunite.url import sqlite_path

MEMBERS = 20


@pytest.fixture
def url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of either kind, of the test's own: its statistics are."""
    if store_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'reunite.db'}"
    return str(request.getfixturevalue("postgres_url"))


def people(count: int) -> Iterator[Row]:
    """Contacts of identities of ``MEMBERS`` each, with what they hold and what ties them."""
    for id_ in range(1, count + 1):
        first = id_ - (id_ - 1) % MEMBERS
        email, phone = f"{id_}@example.com", str(id_)
        yield Contact(id_, first, id_, email, f"+{phone}", id_, "presented", "email")
        yield Holder("email", email, id_)
        yield Holder("phone", phone, id_)
        if id_ > first:
            yield Link("email", email, "phone", str(first), "presented", id_, id_)


def decisions(count: int) -> Iterator[Row]:
    """As many voids, constraints, blocks and held requests, each of an operation of its own."""
    for id_ in range(1, count + 1):
        position = 1_000_000 + id_
        a, b = ("email", f"{id_}@example.com"), ("phone", str(id_ + 1))
        yield Void(position, "contact", id_, id_)
        yield Contact(position, id_, id_, a[1], None, position, "asserted", "email", position + 1)
        yield Link(*a, *b, "asserted", position, id_)
        yield Constraint(*a, *b, position)
        yield Block(*a, position)
        yield Holder("email", f"blocked-{id_}@example.com", None, position)
        yield Held(id_, id_, id_, 1, a[1], b[1], "limit")
        yield Demotion(id_, position)
        yield Entry(id_, "merged", id_, id_, id_ + 1, id_, id_ + 1, id_, id_, id_)


def fill(url: str, workspace: str, count: int, decided: int = 0) -> None:
    with reunite.open(url, workspace=workspace) as store, store.transaction() as transaction:
        transaction.put([*people(count), *decisions(decided)])
        for key in range(decided):
            transaction.answer(Answered(str(key), "", transaction.at, ""))


def analyze(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as live:
        live.execute("analyze")


def look(store: Store, identity_id: int) -> float:
    """The seconds that it takes to see an identity with all its evidence, at best."""
    took = []
    for _ in range(7):
        with store.sight() as sight:
            began = perf_counter()
            contacts = sight.members([identity_id])
            identifiers = {found for contact in contacts for found in contact.presented}
            assert len(sight.links(identifiers)) == MEMBERS - 1
            assert len(sight.holders(identifiers)) == 2 * MEMBERS
            assert sight.demotions([contact.id for contact in contacts]) == []
            for nothing in (sight.voided, sight.constraints, sight.blocks):
                assert nothing(identifiers) == []
            took.append(perf_counter() - began)
        assert len(contacts) == MEMBERS
    return min(took)


def test_an_identity_of_a_hundred_times_larger_store_costs_the_same(
    url: str, store_kind: str
) -> None:
    fill(url, "small", 2_000)
    if store_kind == "postgresql":
        # The large workspace is newer than what the planner knows.
        analyze(url)
    fill(url, "large", 200_000)
    with (
        reunite.open(url, workspace="small") as small,
        reunite.open(url, workspace="large") as large,
    ):
        assert look(large, 100_001) < 4 * look(small, 1_001)


# ── plans ────────────────────────────────────────────────────────────────────────────────────────


def steps_sqlite(url: str) -> Iterator[tuple[str, str]]:
    """Each query, and each way that it takes through a table."""
    with closing(apsw.Connection(sqlite_path(url))) as connection:
        for name, query in sqlite.QUERIES.items():
            values = dict.fromkeys(re.findall(r":(\w+)", query))
            for *_, step in connection.execute(f"explain query plan {query}", values):
                if step.startswith(("SCAN", "SEARCH")) and not re.search(r"VIRTUAL|\(subq", step):
                    yield name, step


def steps_postgresql(url: str) -> Iterator[tuple[str, str]]:
    """Each query, and each way that it takes through a table, as it is planned there."""
    with psycopg.connect(url) as live:
        live.execute(postgresql.QUERIES["settings"].encode(), {"idle_timeout": "60s"})
        for name, query in postgresql.QUERIES.items():
            if name.startswith("begin_"):
                continue
            with live.cursor(row_factory=psycopg.rows.scalar_row) as cursor:
                (plan,) = cursor.execute(b"explain (generic_plan, format json) " + numbered(query))
            for node in nodes(plan[0]["Plan"]):
                if "Index Name" in node or node["Node Type"] == "Seq Scan":
                    yield name, f"{node.get('Index Name', 'SCAN')} {node.get('Index Cond')}"


def numbered(query: str) -> bytes:
    """A query with the server's own names of parameters."""
    names = sorted(set(re.findall(r"%\((\w+)\)", query)))
    return re.sub(r"%\((\w+)\)[sb]", lambda name: f"${names.index(name[1]) + 1}", query).encode()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_every_query_of_sqlite_goes_by_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    reunite.open(url).close()
    require_keys(list(steps_sqlite(url)))


@pytest.mark.parametrize("known", ["nothing", "another workspace", "all"])
def test_every_query_of_postgresql_goes_by_key(postgres_url: str, known: str) -> None:
    fill(postgres_url, "another", 20_000, decided=500)
    if known == "another workspace":
        analyze(postgres_url)
    fill(postgres_url, "asked", 20_000, decided=500)
    if known == "all":
        analyze(postgres_url)
    require_keys(list(steps_postgresql(postgres_url)))


def require_keys(steps: list[tuple[str, str]]) -> None:
    assert {name for name, _ in steps} >= {"members", "links", "holders", "forget", "voids_of"}
    assert not [step for _, step in steps if step.startswith("SCAN")]
    # A table's key begins with the workspace, so that by key means by something more than that.
    by_less = {name for name, step in steps if " AND " not in step and "(rowid=?)" not in step}
    assert by_less <= {"presenting", "standing_blocks", "note_what_stands", "lock", "state"}
