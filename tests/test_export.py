"""What export tells is what the store answers; import reads it back."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import reunite
from grown import ask, grow, verified
from pipe import Pipe
from reunite.errors import BlockedIdentifier
from sabotage import sabotage
from shell import Reunite

COLUMNS = [
    "id",
    "phoneNumber",
    "email",
    "linkedId",
    "linkPrecedence",
    "createdAt",
    "updatedAt",
    "deletedAt",
]


def where(url: str, workspace: str) -> tuple[str, ...]:
    return "--database", url, "--workspace", workspace


def read(path: Path, format_: str) -> list[dict[str, Any]]:
    """The rows of a file, lists as lists; what is absent as None."""
    if format_ == "parquet":
        result = duckdb.connect().execute("select * from read_parquet($1)", [str(path)])
        names = [name for name, *_ in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    text = path.read_text()
    if format_ == "ndjson":
        return [json.loads(line) for line in text.splitlines()]
    return [
        {name: _value(value) for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(text))
    ]


def _value(text: str) -> Any:
    if text.startswith("["):
        return json.loads(text)
    return int(text) if text.isdecimal() and len(text) < 6 else text or None


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_identities_are_what_the_store_answers(
    command: Reunite,
    monkeypatch: pytest.MonkeyPatch,
    store_url: str,
    fresh_workspace: str,
    tmp_path: Path,
    format_: str,
) -> None:
    grow(store_url, fresh_workspace, 7, tmp_path)
    path = tmp_path / "out"
    monkeypatch.setattr("reunite.bulk.exporting.exporting.STEP", 20)
    done = command(
        "export",
        *("--what", "identities", "--format", format_, "--output", str(path)),
        *where(store_url, fresh_workspace),
    )
    assert (done.status, done.out) == (0, "")
    rows = read(path, format_)
    ids = [row["primaryContactId"] for row in rows]
    assert ids == sorted(ids)
    assert len(rows) == verified(store_url, fresh_workspace).counts.identities
    assert any(key.startswith("+999") for row in rows for key in row["phoneNumbers"])
    assert any(key.startswith("999") for row in rows for key in row["phoneNumbers"]), (
        "blocked, and held by a link alone"
    )
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        for row in rows:
            answer = _answer(store, row["emails"], row["phoneNumbers"])
            assert row == {
                "primaryContactId": answer.primary_contact_id,
                "emails": list(answer.emails),
                "phoneNumbers": list(answer.phone_numbers),
                "secondaryContactIds": list(answer.secondary_contact_ids),
            }


def _answer(store: reunite.Repository, emails: list[str], phones: list[str]) -> reunite.Identified:
    """What the store answers to the first of these that is not blocked."""
    for request in [{"email": each} for each in emails] + [
        {"phone_number": each} for each in phones
    ]:
        try:
            return store.identify(**request)
        except BlockedIdentifier:
            continue
    raise AssertionError("all are blocked")


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_contacts_can_be_imported_again(
    command: Reunite,
    store_url: str,
    fresh_workspace: str,
    tmp_path: Path,
    format_: str,
) -> None:
    ask(store_url, fresh_workspace, random.Random(3), 60, 20)
    path = tmp_path / f"out.{format_}"
    done = command(
        *("export", "--format", format_, "--output", str(path)),
        *where(store_url, fresh_workspace),
    )
    assert done.status == 0
    assert "--full" in done.err
    rows = read(path, format_)
    assert list(rows[0]) == COLUMNS
    assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
    again = f"sqlite:///{tmp_path / 'again.db'}"
    assert command("import", str(path), "--database", again).status == 0
    before, after = verified(store_url, fresh_workspace), verified(again, "default")
    assert (after.findings, after.digests) == ([], before.digests)
    assert after.counts.contacts == before.counts.contacts == len(rows)


def test_dates_are_told_in_full_and_in_utc(
    command: Reunite, store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    began = datetime.now(UTC)
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.identify("ada@example.com")
    (row,) = csv.DictReader(io.StringIO(command("export", *where(store_url, fresh_workspace)).out))
    assert row["createdAt"].endswith("Z")
    created_at = datetime.fromisoformat(row["createdAt"])
    assert began <= created_at <= datetime.now(UTC)
    assert row["updatedAt"] == row["createdAt"]
    with reunite.repositories.snapshot(store_url, workspace=fresh_workspace) as snapshot:
        assert int(created_at.timestamp() * 1e6) // 10 == snapshot.head.at // 10


def test_hostile_values_come_back(
    command: Reunite, store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    emails = ['"a,b"@example.com', "';--@example.com", "=1+1@example.com", "naïve@example.com"]
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        for email in emails:
            store.identify(email)
    out = command("export", *where(store_url, fresh_workspace)).out
    assert [row["email"] for row in csv.DictReader(io.StringIO(out))] == emails
    out = command("export", "--what", "identities", *where(store_url, fresh_workspace)).out
    told = [json.loads(row["emails"]) for row in csv.DictReader(io.StringIO(out))]
    assert told == [[email] for email in emails]


def test_parquet_does_not_go_to_a_terminal(
    command: Reunite, store_url: str, fresh_workspace: str
) -> None:
    done = command("export", "--format", "parquet", *where(store_url, fresh_workspace))
    assert done.status == 2
    assert "--output" in done.err


def test_a_file_is_whole_or_as_it_was(command: Reunite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    ask(url, "default", random.Random(3), 20, 20)
    sabotage(url, "default", "drop view contact_tree")
    path = tmp_path / "out.csv"
    path.write_text("as it was")
    done = command("export", "--output", str(path), "--database", url)
    assert done.status == 4
    assert path.read_text() == "as it was"
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


@pytest.fixture
def filled(store_url: str, fresh_workspace: str) -> tuple[str, ...]:
    """A store that has somebody."""
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.identify("ada@example.com")
    return where(store_url, fresh_workspace)


def test_where_a_file_cannot_be_it_says_so(
    command: Reunite, filled: tuple[str, ...], tmp_path: Path
) -> None:
    for output in (tmp_path, tmp_path / "nowhere" / "out.csv"):
        done = command("export", "--output", str(output), *filled)
        assert done.status == 6
        assert str(output) in done.err


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_replaced(
    command: Reunite, filled: tuple[str, ...], tmp_path: Path, is_there: bool
) -> None:
    (tmp_path / "kept").mkdir()
    link, file = tmp_path / "latest.csv", tmp_path / "kept" / "monday.csv"
    if is_there:
        file.write_text("as it was")
    link.symlink_to("kept/monday.csv")
    assert command("export", "--output", str(link), *filled).status == 0
    assert link.readlink() == Path("kept/monday.csv")
    assert "ada@example.com" in file.read_text()
    assert list(file.parent.iterdir()) == [file]


def test_a_link_to_a_folder_stays_too(
    command: Reunite, filled: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "monday").mkdir()
    (tmp_path / "latest").symlink_to("monday")
    assert command("export", "--full", str(tmp_path / "latest"), *filled).status == 0
    assert (tmp_path / "latest").readlink() == Path("monday")
    assert (tmp_path / "monday" / "manifest.json").exists()


def test_a_link_to_itself_is_refused(
    command: Reunite, filled: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert command("export", "--output", str(tmp_path / "loop"), *filled).status == 6
    assert (tmp_path / "loop").is_symlink()


def test_a_pipe_is_written_into(command: Reunite, filled: tuple[str, ...], tmp_path: Path) -> None:
    with Pipe(tmp_path / "pipe") as pipe:
        assert command("export", "--output", str(pipe.path), *filled).status == 0
        assert "ada@example.com" in pipe.read()
    assert sorted(path.name for path in tmp_path.glob("*pipe*")) == ["pipe"]


@pytest.mark.parametrize("option", ["--output", "--full"])
def test_an_empty_name_is_no_file(
    command: Reunite, filled: tuple[str, ...], shell: Path, option: str
) -> None:
    (shell / "file").touch()
    done = command("export", option, "", *filled)
    assert done.status == 6
    assert re.fullmatch(r"reunite: [^\n]+\n", done.err), done.err


def test_standard_output_by_its_name_is_written_into(
    filled: tuple[str, ...], tmp_path: Path
) -> None:
    # Reached by a link of the test's own, because a root user could replace the one in /dev.
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")
    (tmp_path / "log").write_text("as it was\n")
    command = [sys.executable, "-m", "reunite", "export", "--output", str(tmp_path / "stdout")]
    piped = subprocess.run([*command, *filled], stdout=subprocess.PIPE, check=True, text=True)
    with (tmp_path / "log").open("a") as log:
        subprocess.run([*command, *filled], stdout=log, check=True)
    assert piped.stdout.startswith("id,")
    assert (tmp_path / "log").read_text() == "as it was\n" + piped.stdout
