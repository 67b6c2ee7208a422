"""The messy table keeps what it promises, by a third simple computation over what it wrote."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from demo.messy import make

from reunite.bulk.reading.blocklist import read_blocks
from reunite.identifier import Policy, normalise_email, normalise_phone
from sources import reading

ROWS = 5_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("messy")
    make(ROWS, 1, folder)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def groups(path: Path, column: str) -> dict[str, set[int]]:
    """The ids of each component, or of each person."""
    found: dict[str, set[int]] = defaultdict(set)
    for row in table(path):
        found[row[column]].add(int(row["id"]))
    return found


Node = tuple[str, object]


def parts(edges: list[tuple[Node, Node]]) -> dict[Node, int]:
    """Components by walking from each node: slow, and of nobody else's making."""
    beside: dict[Node, set[Node]] = defaultdict(set)
    for one, other in edges:
        beside[one].add(other)
        beside[other].add(one)
    part: dict[Node, int] = {}
    for start in beside:
        waiting = [] if start in part else [start]
        while waiting:
            node = waiting.pop()
            if node not in part:
                part[node] = part[start] if node != start else len(part)
                waiting += beside[node]
    return part


def test_components_are_what_the_table_itself_says(folder: Path, tmp_path: Path) -> None:
    blocked = set(read_blocks(folder / "block.txt", Policy()))
    with reading(tmp_path, folder / "contacts.csv") as found:
        rows = found.rows("select id, email, ltrim(phone, '+'), linked from taken")
    shared: list[tuple[Node, Node]] = []
    free: list[tuple[Node, Node]] = []
    links: list[tuple[int, int]] = []
    for id_, email, phone, linked in rows:
        keys = [key for key in (("email", email), ("phone", phone)) if key[1] is not None]
        if all(key in blocked for key in keys):
            continue
        shared += [(("row", id_), key) for key in keys]
        free += [(("row", id_), key) for key in keys if key not in blocked]
        if linked is not None:
            links.append((id_, int(linked)))
    judged = parts(shared)
    for id_, linked in links:
        if judged.get(("row", id_)) != judged.get(("row", linked)):
            free.append((("row", id_), ("row", linked)))
    part = parts(free)
    taken = {id_ for (kind, id_) in judged if kind == "row"}
    mine: dict[int, set[object]] = defaultdict(set)
    for kind, id_ in part:
        if kind == "row" and id_ in taken:
            mine[part[kind, id_]].add(id_)
    theirs = groups(folder / "components.csv", "component")
    assert {frozenset(ids) for ids in mine.values()} == {frozenset(ids) for ids in theirs.values()}


def test_components_differ_from_people_by_fifty_wrong_merges(folder: Path) -> None:
    people = groups(folder / "people.csv", "person")
    components = groups(folder / "components.csv", "component")
    person_of = {id_: person for person, ids in people.items() for id_ in ids}
    merged = [{person_of[id_] for id_ in ids} for ids in components.values()]
    assert sum(len(persons) for persons in merged) == len(people), "nobody is in two components"
    wrong = {tuple(sorted(persons, key=int)) for persons in merged if len(persons) > 1}
    listed = table(folder / "wrong_merges.csv")
    assert wrong == {(row["person"], row["with_person"]) for row in listed}
    assert len(wrong) == len(listed) == 50


def test_the_identifier_to_blame_is_on_rows_of_both_people(folder: Path) -> None:
    person_of = {row["id"]: row["person"] for row in table(folder / "people.csv")}
    holders: dict[str, set[str]] = defaultdict(set)
    for row in table(folder / "contacts.csv"):
        if row["id"] in person_of:
            for value, normalise in (
                (row["email"], normalise_email),
                (row["phoneNumber"], normalise_phone),
            ):
                if any(char.isdigit() or char == "@" for char in value):
                    holders[normalise(value).removeprefix("+")].add(person_of[row["id"]])
    for merge in table(folder / "wrong_merges.csv"):
        assert holders[merge["identifier"]] == {merge["person"], merge["with_person"]}
    blocked = {key for _, key in read_blocks(folder / "block.txt", Policy())}
    assert all(len(holders[key]) > 10 for key in blocked), "junk would glue many"


def test_has_all_that_racing_code_leaves(folder: Path) -> None:
    rows = {row["id"]: row for row in table(folder / "contacts.csv")}
    assert len(rows) == ROWS
    links = {id_: row["linkedId"] for id_, row in rows.items() if row["linkedId"]}
    seen = Counter(
        {
            "missing": sum(linked not in rows for linked in links.values()),
            "chain": sum(linked in links for linked in links.values()),
            "cycle": sum(links.get(links.get(links[id_], "")) == id_ for id_ in links),
            "deleted": sum(bool(row["deletedAt"]) for row in rows.values()),
            "to deleted": sum(bool(rows.get(id_, {}).get("deletedAt")) for id_ in links.values()),
            "future": sum(row["createdAt"] > "2100" for row in rows.values()),
            "undated": sum(not row["createdAt"] for row in rows.values()),
            "upper case": sum(row["email"].isupper() for row in rows.values()),
            "formatted": sum("-" in row["phoneNumber"][1:] for row in rows.values()),
            "primary with a link": sum(rows[id_]["linkPrecedence"] == "primary" for id_ in links),
            "out of order": sum(
                int(one["id"]) > int(other["id"])
                for one in list(rows.values())[:100]
                for other in list(rows.values())[:100]
                if one["createdAt"] < other["createdAt"]
            ),
        }
    )
    assert all(seen.values()), seen


def test_the_same_seed_makes_the_same_table(folder: Path, tmp_path: Path) -> None:
    make(ROWS, 1, tmp_path)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
