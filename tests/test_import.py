"""`reunite import` adopts rows as they would have come one by one, plus their linkedIds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import imported
import reunite
from audit import Tables, faults
from imported import Row
from oracle import Node, nodes_of
from reunite.bulk.importing import Import, Outcome, Store, run_import
from reunite.bulk.progress import Progress
from reunite.bulk.reading import Source

EMAILS, PHONES = ["a@x.co", "b@x.co", "c@x.co"], ["1", "+2", "3"]
LIVE = st.tuples(st.sampled_from([None, *EMAILS]), st.sampled_from([None, *PHONES])).filter(any)
FIRST_ID = 1000


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Rows with ids from 1000 on, ages in any order, links anywhere."""
    ids = draw(st.permutations(range(FIRST_ID, FIRST_ID + draw(st.integers(0, 7)))))
    return [
        Row(
            id_,
            draw(st.integers(0, 3)) * 1_000_000,
            *draw(LIVE),
            draw(st.none() | st.integers(FIRST_ID, FIRST_ID + 8)),
            draw(st.sampled_from([False, False, False, True])),
        )
        for id_ in ids
    ]


def write(path: Path, rows: Sequence[Row]) -> Path:
    """A file as people export it."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["id", "phoneNumber", "email", "linkedId", "createdAt", "deletedAt"])
    for row in rows:
        created = f"1970-01-01T00:00:{row.created_at / 1e6:09.6f}Z"
        deleted = "2024-01-01" if row.deleted else None
        out.writerow([row.id, row.phone, row.email, row.linked, created, deleted])
    path.write_text(text.getvalue())
    return path


def evidence_of(tables: Tables) -> list[list[Node]]:
    """What a store holds already, its contacts named."""
    contacts = [
        [("contact", str(row["id"])), *nodes_of(row["email"], row["phone"])]
        for row in tables.contacts
    ]
    links = [
        [(link["a_type"], link["a_key"]), (link["b_type"], link["b_key"])] for link in tables.links
    ]
    return contacts + links


def adopt(url: str, workspace: str, path: Path, **order: object) -> Outcome:
    """Import a file into a workspace."""
    store = Store(url, workspace)
    return run_import(store, Import([Source(str(path), "csv")], **order), Progress())  # type: ignore[arg-type]


@given(
    before=st.lists(LIVE, max_size=5),
    batches=st.lists(rows(), min_size=1, max_size=2),
    after=st.lists(LIVE, max_size=4),
    blocked=st.sets(st.sampled_from(["a@x.co", "2", "3"]), max_size=1),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_make_the_identities_that_their_evidence_makes(
    before: list[tuple[str | None, str | None]],
    batches: list[list[Row]],
    after: list[tuple[str | None, str | None]],
    blocked: set[str],
    store_url: str,
    tmp_path: Path,
    workspaces: Callable[[], str],
) -> None:
    """Whatever was there before, whatever comes later, and for several imports one by one."""
    workspace = workspaces()
    blocks = frozenset(("email" if "@" in key else "phone", key) for key in blocked)
    with reunite.open(store_url, workspace=workspace) as store:
        store.identify_many([ask for ask in before if not _presents(ask, blocks)])
        expected = evidence_of(Tables.read(store_url, workspace))
        (tmp_path / "block.txt").write_text("\n".join(blocked))
        for number, batch in enumerate(batches):
            moved = [_moved(row, 100 * number) for row in batch]
            adopt(
                store_url,
                workspace,
                write(tmp_path / "rows.csv", moved),
                block=tmp_path / "block.txt",
            )
            for fact in imported.evidence(moved, blocks):
                expected.append([_scoped(node, number) for node in fact])
            tables = Tables.read(store_url, workspace)
            assert tables.partition() == imported.identities(expected)
            assert len(tables.partition()) == store.totals().identities
            assert len(tables.contacts) == store.totals().contacts
        store.identify_many([ask for ask in after if not blocks.issuperset(nodes_of(*ask))])
    assert faults(Tables.read(store_url, workspace)) == []


@given(rows=rows(), blocked=st.sets(st.sampled_from(["a@x.co", "2", "3"]), max_size=1))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_import_joins_whom_the_same_rows_one_by_one_would_join(
    rows: list[Row],
    blocked: set[str],
    store_url: str,
    tmp_path: Path,
    workspaces: Callable[[], str],
) -> None:
    """Rows without linkedIds, in age order, each a request."""
    at_once, one_by_one = workspaces(), workspaces()
    blocks = frozenset(("email" if "@" in key else "phone", key) for key in blocked)
    (tmp_path / "block.txt").write_text("\n".join(blocked))
    plain = [replace(row, linked=None) for row in rows]
    nobody = write(tmp_path / "nobody.csv", [])
    adopt(store_url, one_by_one, nobody, block=tmp_path / "block.txt")
    adopt(store_url, at_once, write(tmp_path / "rows.csv", plain), block=tmp_path / "block.txt")
    with reunite.open(store_url, workspace=one_by_one) as store:
        for row in imported.taken(plain, blocks):
            store.identify(row.email, row.phone)
    assert people(store_url, at_once, blocks) == people(store_url, one_by_one, blocks)


def people(url: str, workspace: str, blocks: frozenset[Node]) -> set[frozenset[Node]]:
    """The identities of a workspace as sets of identifiers that are not blocked."""
    groups: dict[int, set[Node]] = {}
    for row in Tables.read(url, workspace).contacts:
        groups.setdefault(row["identity_id"], set()).update(nodes_of(row["email"], row["phone"]))
    return {frozenset(group - blocks) for group in groups.values()}


def _presents(ask: tuple[str | None, str | None], blocks: frozenset[Node]) -> bool:
    return not blocks.isdisjoint(nodes_of(*ask))


def _moved(row: Row, by: int) -> Row:
    linked = None if row.linked is None else row.linked + by
    return replace(row, id=row.id + by, linked=linked)


def _scoped(node: Node, number: int) -> Node:
    """A silent node is one of its own import."""
    return (node[0], f"{number}:{node[1]}") if node[0] == "silent" else node
