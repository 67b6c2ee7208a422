"""Commands on whole tables beside what was decided by hand: they take it as it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reunite
from filled import rows
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.cli.main import app
from reunite.evidence import Identifier
from reunite.operations import Operations
from reunite.repositories import Store
from shell import Reunite

EMAIL, PHONE = Identifier("email", "a@x.co"), Identifier("phone", "1")


def test_what_an_import_of_everything_brought_blocked_is_unblocked(
    store_url: str, workspaces: Callable[[], str], tmp_path: Path
) -> None:
    """Its blocks are as those that were made here."""
    (tmp_path / "contacts.csv").write_text("id,email,phoneNumber\n1,a@x.co,1\n2,b@x.co,1\n")
    (tmp_path / "block.txt").write_text("1\n")
    first, second = workspaces(), workspaces()
    full = str(tmp_path / "full")
    for command in (
        ["import", str(tmp_path / "contacts.csv"), "--block", str(tmp_path / "block.txt")],
        ["export", "--full", full],
    ):
        assert CliRunner().invoke(app, [*command, *named(store_url, first)]).exit_code == 0
    imported = CliRunner().invoke(app, ["import", "--full", full, *named(store_url, second)])
    assert imported.exit_code == 0, imported.output

    for workspace in (first, second):
        with reunite.open(store_url, workspace=workspace) as store:
            decision = Operations(store).unblock(PHONE)
        assert [one.emails for one in decision.identities] == [("a@x.co", "b@x.co")]


ENDS = {
    "both in the store, of one row": ["10,a@x.co,2"],
    "both in the store, through rows that are new": ["10,a@x.co,8", "11,z@x.co,8", "12,z@x.co,2"],
    "both in the store, through others of their identities": ["10,b@x.co,1"],
    "one in the store, one new": ["10,new@x.co,1"],
    "both new": ["10,newer@x.co,8", "11,newest@x.co,8"],
}


@pytest.mark.parametrize("option", ["--dry-run", "--json"])
@pytest.mark.parametrize("case", ENDS)
def test_an_import_that_a_constraint_forbids_is_refused_and_so_is_its_dry_run(
    store: Store,
    store_url: str,
    fresh_workspace: str,
    tmp_path: Path,
    command: Reunite,
    case: str,
    option: str,
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    operations = Operations(store)
    apart = [
        (EMAIL, Identifier("phone", "2")),
        (EMAIL, Identifier("email", "new@x.co")),
        (Identifier("email", "newer@x.co"), Identifier("email", "newest@x.co")),
    ]
    positions = [operations.constrain(*ends).position for ends in apart]
    before = store.totals()
    place = {"one in the store, one new": 1, "both new": 2}.get(case, 0)
    path = written(tmp_path, "9,y@x.co,7", *ENDS[case])

    stopped = command("import", path, option, *named(store_url, fresh_workspace))

    assert stopped.status == 6
    assert f"constraint of position {positions[place]}" in stopped.err
    assert all(f"{end.type} {end.key}" in stopped.err for end in apart[place])
    assert store.totals() == before


def test_an_import_that_keeps_apart_what_a_constraint_does_passes(
    store: Store, store_url: str, fresh_workspace: str, tmp_path: Path, command: Reunite
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    Operations(store).constrain(EMAIL, Identifier("phone", "2"))
    path = written(tmp_path, "10,a@x.co,7", "11,z@x.co,2")
    assert command("import", path, *named(store_url, fresh_workspace)).status == 0
    assert store.identify("z@x.co").primary_contact_id == 2


def test_an_import_after_an_unlink_joins_and_counts_what_contacts_answer_for(
    unlinked: tuple[str, ...], store: Store, store_url: str, tmp_path: Path, command: Reunite
) -> None:
    with (
        Engine(64 << 20, tmp_path) as engine,
        repositories.snapshot(store_url, workspace=unlinked[-1]) as snapshot,
    ):
        asked = rows(engine, ("identity_id",), (1,), (2,))
        found = [one for chunk in snapshot.identities(asked) for one in chunk]
    assert [standing[:4] for standing in found] == [(1, 1, 2, 1), (2, 1, 1, 2)]

    assert command("import", written(tmp_path, "10,b@x.co,5", "11,c@x.co,1"), *unlinked).status == 0
    with_b, with_one = store.identify("b@x.co"), store.identify("c@x.co")
    assert (with_b.primary_contact_id, with_b.phone_numbers) == (2, ("5",))
    assert (with_one.primary_contact_id, with_one.emails) == (1, ("a@x.co", "c@x.co"))


def test_ids_of_retired_contacts_stay_taken(
    retired: tuple[str, ...], tmp_path: Path, command: Reunite
) -> None:
    stopped = command("import", written(tmp_path, "2,z@x.co,9"), *retired)
    assert stopped.status == 6
    assert "1 ids are taken in the store, the first 2" in stopped.err


def test_stats_count_what_contacts_answer_for(unlinked: tuple[str, ...], command: Reunite) -> None:
    data = command("stats", "--json", *unlinked).data
    assert (data["contacts"], data["identities"]) == (2, 2)
    assert [(one["primaryContactId"], one["identifiers"]) for one in data["largest"]] == [
        (1, 2),
        (2, 1),
    ]
    assert data["busiest"] == []


def test_stats_do_not_count_the_retired(retired: tuple[str, ...], command: Reunite) -> None:
    data = command("stats", "--json", *retired).data
    assert (data["contacts"], data["identities"], data["links"]) == (1, 1, 0)
    assert sum(step["contacts"] for step in data["sizes"]) == 1
    assert data["busiest"] == []


def test_an_export_of_people_tells_what_contacts_answer_for(
    unlinked: tuple[str, ...], command: Reunite
) -> None:
    out = command("export", "--what", "identities", "--format", "ndjson", *unlinked).out
    people = [json.loads(line) for line in out.splitlines()]
    assert [(one["emails"], one["phoneNumbers"]) for one in people] == [
        (["a@x.co"], ["1"]),
        (["b@x.co"], []),
    ]


@pytest.fixture
def unlinked(store: Store, store_url: str, fresh_workspace: str) -> tuple[str, ...]:
    """A workspace with two people that shared a phone until the second's was taken back."""
    store.identify_many([("a@x.co", "1"), ("b@x.co", "1")])
    Operations(store).unlink(2, pair=(Identifier("email", "b@x.co"), PHONE))
    return tuple(named(store_url, fresh_workspace))


@pytest.fixture
def retired(
    store: Store, store_url: str, fresh_workspace: str, tmp_path: Path, command: Reunite
) -> tuple[str, ...]:
    """A workspace of contact 1, of which an import that was undone said the same as contact 2."""
    where = named(store_url, fresh_workspace)
    store.identify("a@x.co")
    assert command("import", written(tmp_path, "2,a@x.co,"), *where).status == 0
    Operations(store).undo(2)
    return tuple(where)


def written(folder: Path, *lines: str) -> str:
    """A file of rows of id, email and phoneNumber."""
    path = folder / "rows.csv"
    path.write_text("\n".join(["id,email,phoneNumber", *lines, ""]))
    return str(path)


def named(store_url: str, workspace: str) -> list[str]:
    """The options that name a workspace."""
    return ["--database", store_url, "--workspace", workspace]
