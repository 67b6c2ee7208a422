"""`reunite import` as its user sees it: what it takes, tells, refuses, and leaves as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import apsw
import pytest

import reunite
from audit import Tables, faults
from pipe import Pipe
from shell import Reunite

PEOPLE = """\
id,phoneNumber,email,linkedId,linkPrecedence,createdAt,updatedAt,deletedAt
1,123456,Lorraine@hillvalley.edu,,primary,2023-04-01 00:00:00.374+00,2023-04-01 00:00:00.374+00,
23,123-456,mcfly@hillvalley.edu,1,secondary,2023-04-20 05:30:00.11+00,2023-04-20 05:30:00.11+00,
27,,george@hillvalley.edu,1,secondary,2023-04-21 05:30:00.11+00,2023-04-21 05:30:00.11+00,
31,none,biff@hillvalley.edu,99,secondary,2023-04-22,,
32,919191,,99,secondary,2023-04-23,,
40,none,,,primary,2023-04-24,,
41,919191,doc@hillvalley.edu,,primary,2023-04-25,,2023-05-01
"""


@pytest.fixture
def people(shell: Path) -> Path:
    path = shell / "contacts.csv"
    path.write_text(PEOPLE)
    return path


@pytest.fixture
def database(store_url: str, monkeypatch: pytest.MonkeyPatch, fresh_workspace: str) -> str:
    """A store of either kind, by the settings, and an empty workspace in it."""
    monkeypatch.setenv("REUNITE_DATABASE", store_url)
    monkeypatch.setenv("REUNITE_WORKSPACE", fresh_workspace)
    return store_url


@pytest.fixture
def tables(database: str, fresh_workspace: str) -> Any:
    return lambda: Tables.read(database, fresh_workspace)


def test_a_table_is_adopted_with_its_ids_its_ages_and_its_links(
    people: Path, command: Reunite, database: str, fresh_workspace: str, tables: Any
) -> None:
    result = command("import", str(people), "--json")
    assert result.status == 0, result.err
    assert result.data["effect"]["contacts"] == {"before": 0, "after": 5}
    assert result.data["effect"]["identities"] == {"before": 0, "after": 2}
    with reunite.open(database, workspace=fresh_workspace) as store:
        person = store.identify("george@hillvalley.edu")
        assert person.primary_contact_id == 1
        assert person.emails == (
            "lorraine@hillvalley.edu",
            "mcfly@hillvalley.edu",
            "george@hillvalley.edu",
        )
        assert person.phone_numbers == ("123456",)
        assert person.secondary_contact_ids == (23, 27)
        assert store.identify("biff@hillvalley.edu").secondary_contact_ids == (32,)
        assert store.identify("new@hillvalley.edu").primary_contact_id == 100
    assert faults(tables()) == []


def test_people_are_told_what_was_read_taken_and_refused(
    people: Path, command: Reunite, database: str
) -> None:
    out = command("import", str(people), "--dry-run").out
    assert "7 rows read: 5 taken, 1 soft-deleted, 1 refused" in out
    assert "linkedId from linkedId" in out
    assert "contacts    0 → 5" in out
    assert "identities  0 → 2" in out
    assert "Nothing was written" in out


def test_a_dry_run_makes_no_store(people: Path, command: Reunite, shell: Path) -> None:
    assert command("import", str(people), "--dry-run", "--database", "sqlite:///no.db").status == 0
    assert not list(shell.glob("no.db*"))


def test_a_dry_run_of_a_store_changes_nothing_and_foretells_the_import(
    people: Path, command: Reunite, database: str, fresh_workspace: str, tables: Any
) -> None:
    with reunite.open(database, workspace=fresh_workspace) as store:
        store.identify("mcfly@hillvalley.edu", "5")
        store.identify("biff@hillvalley.edu", "6")
        store.identify("other@hillvalley.edu", "123456")
    people.write_text(PEOPLE.replace("\n1,", "\n11,").replace(",1,", ",11,"))
    before = tables()
    foretold = command("import", str(people), "--dry-run", "--json").data["effect"]
    assert tables() == before
    assert foretold["numberOfMerges"] == 1
    assert foretold["merges"] == [{"primaryContactIds": [1, 3], "contacts": 2, "identifiers": 4}]
    assert command("import", str(people), "--json").data["effect"] == foretold
    assert faults(tables()) == []


def test_what_was_not_taken_is_listed_with_line_column_value_and_reason(
    people: Path, command: Reunite, database: str, shell: Path
) -> None:
    command("import", str(people), "--rejects", "rejects.csv")
    lines = (shell / "rejects.csv").read_text().splitlines()
    assert lines[0] == "source,line,column,value,reason"
    assert [line.split(",", 1)[1] for line in lines[1:]] == [
        "5,phoneNumber,none,has no digit",
        "7,phoneNumber,none,has no digit",
    ]


@pytest.mark.parametrize("option", ["--rejects", "--renumber"])
@pytest.mark.parametrize("place", ["nowhere/map.csv", "folder"])
def test_what_cannot_be_written_is_told_before_anything_is_read(
    people: Path, command: Reunite, database: str, shell: Path, option: str, place: str
) -> None:
    (shell / "folder").mkdir()
    people.unlink()
    result = command("import", str(people), option, place)
    assert result.status == 6
    assert result.err.startswith(f"reunite: {place}: cannot be written: name a file in a folder")


@pytest.fixture
def read_files(shell: Path) -> dict[str, bytes]:
    """The names of files that an import can read, and what is in them."""
    for name in ("one.csv", "two.csv"):
        (shell / name).write_text("id,email\n1,a@x.co\n")
    (shell / "block.txt").write_text("5\n")
    (shell / "link.csv").symlink_to("one.csv")
    connection = apsw.Connection("shop.db")
    connection.execute("create table contact (id, email); insert into contact values (1, 'a@x.co')")
    connection.close()
    return {name: (shell / name).read_bytes() for name in ("one.csv", "two.csv", "shop.db")}


@pytest.mark.parametrize("option", ["--rejects", "--renumber"])
@pytest.mark.parametrize(
    ("named", "sources"),
    [
        ("one.csv", "one.csv"),
        ("./one.csv", "two.csv one.csv"),
        ("link.csv", "one.csv"),
        ("one.csv", "link.csv"),
        ("two.csv", "t*.csv"),
        ("one.csv", "-"),
        ("shop.db", "sqlite:///shop.db --table contact"),
        ("block.txt", "one.csv"),
    ],
)
def test_no_file_is_written_over_that_is_read(
    command: Reunite,
    read_files: dict[str, bytes],
    database: str,
    option: str,
    named: str,
    sources: str,
) -> None:
    for dry in ([], ["--dry-run"]):
        with Path("one.csv").open() as standard_input, replaced(0, standard_input):
            stopped = command(
                "import", *sources.split(), "--block", "block.txt", option, named, *dry
            )
        assert stopped.status == 6
        assert re.match(
            rf"reunite: {re.escape(str(Path(named)))}: is the (source|file of --block)", stopped.err
        )
    assert {name: Path(name).read_bytes() for name in read_files} == read_files


@contextmanager
def replaced(descriptor: int, file: IO[str]) -> Iterator[None]:
    """Another file for a descriptor of this process, for a while."""
    kept = os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


@pytest.mark.parametrize("both", ["out.csv", "one.csv"])
def test_rejects_and_the_map_of_ids_are_two_files(
    command: Reunite, read_files: dict[str, bytes], database: str, shell: Path, both: str
) -> None:
    stopped = command(
        "import", "two.csv", "--rejects", both, "--renumber", f"../{shell.name}/{both}"
    )
    assert stopped.status == 6
    assert "is the file of --renumber as well" in stopped.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "one.csv", "--rejects", "reunite.db"),
        ("import", "one.csv", "--renumber", "reunite.db"),
        ("export", "--output", "reunite.db"),
        ("graph", "1", "--html", "reunite.db"),
    ],
)
def test_no_file_is_written_over_the_store(
    command: Reunite, read_files: dict[str, bytes], shell: Path, arguments: tuple[str, ...]
) -> None:
    assert command("identify", "--email", "a@x.co").status == 0
    stopped = command(*arguments)
    assert stopped.status == 6
    assert stopped.err.startswith("reunite: reunite.db: is the store as well")
    assert command("verify").status == 0


def test_a_map_of_ids_that_cannot_be_written_leaves_the_store_as_it_was(
    people: Path, command: Reunite, database: str, shell: Path, fresh_workspace: str
) -> None:
    (shell / ".map.csv.part").mkdir()
    result = command("import", str(people), "--renumber", "map.csv")
    assert result.status == 6
    assert result.err.startswith("reunite: map.csv: cannot be written: ")
    with reunite.open(database, workspace=fresh_workspace) as store:
        assert store.totals().contacts == 0


def test_rejects_go_through_a_link_and_the_map_of_ids_too(
    people: Path, command: Reunite, database: str, shell: Path
) -> None:
    for name in ("rejects", "map"):
        (shell / name).symlink_to(f"monday-{name}.csv")
    assert command("import", str(people), "--rejects", "rejects", "--renumber", "map").status == 0
    assert (shell / "rejects").is_symlink()
    assert (shell / "map").is_symlink()
    assert (shell / "monday-rejects.csv").read_text().startswith("source,line,")
    assert (shell / "monday-map.csv").read_text().startswith("old,new\n1,")


def test_rejects_can_go_into_a_pipe_and_the_map_of_ids_cannot(
    people: Path, command: Reunite, database: str, shell: Path
) -> None:
    with Pipe(shell / "pipe") as pipe:
        stopped = command("import", str(people), "--renumber", "pipe")
        assert stopped.status == 6
        assert stopped.err.startswith("reunite: pipe: is no file")
        assert command("import", str(people), "--rejects", "pipe").status == 0
        assert pipe.read().startswith("source,line,")


def test_columns_that_nobody_knows_are_named_by_hand(
    shell: Path, command: Reunite, database: str
) -> None:
    (shell / "odd.csv").write_text("Nr,Elektropost\n7,a@x.co\n")
    refused = command("import", "odd.csv")
    assert refused.status == 6
    assert "Nr" in refused.err
    assert "--map" in refused.err
    taken = command("import", "odd.csv", "--map", "id=Nr", "--map", "email=Elektropost", "--json")
    assert taken.data["effect"]["contacts"]["after"] == 1


def test_ids_that_are_taken_stop_the_import_and_new_ones_let_it_go_on(
    people: Path, command: Reunite, database: str, shell: Path, tables: Any
) -> None:
    command("import", str(people))
    before = tables()
    stopped = command("import", str(people))
    assert stopped.status == 6
    assert "7 ids are taken in the store, the first 1, 23, 27, 31, 32" in stopped.err
    assert tables() == before
    assert command("import", str(people), "--renumber", "ids.csv").status == 0
    assert (shell / "ids.csv").read_text().splitlines() == [
        "old,new",
        *(f"{old},{new}" for new, old in enumerate([1, 23, 27, 31, 32], start=100)),
    ]
    assert faults(tables()) == []


def test_the_identifier_that_glues_an_identity_past_the_limit_is_named(
    shell: Path, command: Reunite, database: str, tables: Any
) -> None:
    rows = [f"{number},user{number}@x.co,0000000000" for number in range(1, 21)]
    (shell / "junk.csv").write_text("\n".join(["id,email,phone", *rows]))
    command("workspace", "--identity-limit", "10")
    stopped = command("import", "junk.csv")
    assert stopped.status == 6
    assert "contact 1 would have 21 identifiers, the limit is 10" in stopped.err
    assert "phone 0000000000" in stopped.err
    assert tables().contacts == []
    (shell / "block.txt").write_text("0000000000\n")
    blocked = command("import", "junk.csv", "--block", "block.txt", "--json").data["effect"]
    assert blocked["identities"]["after"] == 20
    assert blocked["blocked"] == 1
    assert faults(tables()) == []
    assert "0000000000" in command("block", "list").out


def test_an_identity_past_the_limit_is_taken_where_one_says_so(
    shell: Path, command: Reunite, database: str
) -> None:
    (shell / "big.csv").write_text("id,email,phone\n1,a@x.co,1\n2,b@x.co,1\n")
    command("workspace", "--identity-limit", "2")
    taken = command("import", "big.csv", "--allow-oversized", "--json")
    assert taken.data["effect"]["identities"]["after"] == 1


def test_only_what_the_store_does_not_hold_can_be_blocked(
    people: Path, command: Reunite, database: str, shell: Path
) -> None:
    command("import", str(people))
    (shell / "block.txt").write_text("123456\n")
    (shell / "more.csv").write_text("id,email\n500,x@x.co\n")
    stopped = command("import", "more.csv", "--block", "block.txt")
    assert stopped.status == 6
    assert "phone 123456 (contact 1)" in stopped.err


def test_rows_with_nothing_but_blocked_identifiers_are_refused_and_told(
    shell: Path, command: Reunite, database: str, tables: Any
) -> None:
    (shell / "block.txt").write_text("0000\n")
    (shell / "rows.csv").write_text("id,email,phone\n1,a@x.co,0000\n2,,0000\n")
    outcome = command("import", "rows.csv", "--block", "block.txt", "--json").data
    assert outcome["effect"]["contacts"]["after"] == 1
    assert outcome["effect"]["refusedAsBlocked"] == 1
    reading = outcome["reading"]
    assert (reading["taken"], reading["refused"]) == (1, 1)
    assert [fault["reason"] for fault in reading["faults"]] == [
        "is blocked, and the row has nothing that is not"
    ]
    assert [each["line"] for each in reading["examples"]] == [3]
    assert [row["contact_id"] for row in tables().tombstones] == [2]
    assert faults(tables()) == []


def test_old_ids_mean_rows_of_their_own_source(
    shell: Path, command: Reunite, database: str, tables: Any
) -> None:
    (shell / "one.csv").write_text("id,email,linkedId\nA,a@x.co,\nB,b@x.co,A\nC,c@x.co,Z\n")
    (shell / "two.csv").write_text("id,email,linkedId\nA,d@x.co,\nB,e@x.co,A\nC,f@x.co,Z\n")
    command("import", "one.csv", "two.csv", "--renumber", "ids.csv")
    together = {
        frozenset(row["email"][0] for row in tables().contacts if row["identity_id"] == identity)
        for identity in {row["identity_id"] for row in tables().contacts}
    }
    assert together == {frozenset(each) for each in ("ab", "c", "de", "f")}
    assert faults(tables()) == []


def test_all_of_a_workspace_goes_into_an_empty_one_of_either_kind(
    people: Path, command: Reunite, database: str, shell: Path
) -> None:
    command("import", str(people))
    command("identify", "--email", "doc@hillvalley.edu", "--phone", "123456")
    exported = command("export", "--full", "all")
    assert exported.status == 0, exported.err
    copied = command("import", "--full", "all", "--database", "sqlite:///copy.db", "--json")
    assert copied.status == 0, copied.err
    first = command("verify", "--json").data
    second = command("verify", "--database", "sqlite:///copy.db", "--json").data
    assert first["digests"] == second["digests"] == copied.data["digests"]
    assert command("import", "--full", "all").status == 6


def test_a_full_import_takes_nothing_beside_it(command: Reunite, shell: Path) -> None:
    refused = command("import", "contacts.csv", "--full", "all")
    assert refused.status == 2
    assert "--full" in refused.err
