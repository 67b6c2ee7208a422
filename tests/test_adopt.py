"""`make adopt`: both stores adopt existing data; and it sees what is wrong with a store."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from demo.adopt import __main__ as adopt
from demo.adopt import partition, tables
from demo.adopt.judge import Judge
from demo.adopt.partition import compare_people, compare_tree
from demo.adopt.people import People
from demo.adopt.rows import IMPORTED, Row, email_key, phone_key
from demo.adopt.truth import Truth
from demo.connection import Reply
from demo.records import Record

ROOT = Path(__file__).parent.parent


def run_adopt(postgres: str, *options: str) -> str:
    command = [sys.executable, "-m", "demo.adopt", "--postgres", postgres, *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert ended.stderr == ""
    return ended.stdout


def test_both_stores_adopt_both_tables(postgres_url: str) -> None:
    found = json.loads(run_adopt(postgres_url, "--rows", "3000", "--posts", "600", "--json"))

    assert found["ok"]
    assert [table["table"] for table in found["tables"]] == ["messy", "dupehell"]
    for table in found["tables"]:
        for said in table["imported"].values():
            assert said["taken"] + said["deleted"] + said["refused"] == 3000
        assert all(check["ok"] for check in table["checks"])
        assert len({json.dumps(said["digests"]) for said in table["verified"].values()}) == 1
        after = {said["counts"]["contacts"] for said in table["verifiedAgain"].values()}
        before = {said["counts"]["contacts"] for said in table["verified"].values()}
        assert min(after) > max(before)
        outcomes = {outcome for kind in table["outcomes"].values() for outcome in kind}
        assert outcomes == {"created", "extended", "merged", "known", "refused"}
        assert sum(sum(kind.values()) for kind in table["outcomes"].values()) == 600


def test_the_report_is_plain_text_in_a_pipe(postgres_url: str) -> None:
    options = ("--rows", "2000", "--posts", "100", "--only", "messy")
    printed = run_adopt(postgres_url, *options)

    assert "The messy table, 2,000 rows." in printed
    assert "OK: everything is as it must be." in printed
    assert printed.isascii()


def test_it_ends_with_status_1_where_a_store_joins_what_the_truth_keeps_apart(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(rows: int, seed: int, folder: Path) -> None:
        tables.make_dupehell(rows, seed, folder)
        path = folder / "components.csv"
        with path.open(newline="") as file:
            header, first, *others = csv.reader(file)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, [first[0], "0"], *others])

    monkeypatch.setitem(tables.TABLES, "dupehell", make)
    with pytest.raises(typer.Exit) as ended:
        adopt.main(2000, 100, 1, adopt.Only.dupehell, None, postgres_url, json=True)

    assert ended.value.exit_code == 1
    found = json.loads(capsys.readouterr().out)
    wrong = [check["what"] for check in found["tables"][0]["checks"] if not check["ok"]]
    assert "SQLite: identities, against the components" in wrong
    assert "PostgreSQL: identities, against the components" in wrong


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ended:
        adopt.main(2000, 100, 1, None, tmp_path, None, json=True)
    assert ended.value.exit_code == 2


TRUTH = Truth(primary_of={1: 1, 2: 1, 3: 3})


@pytest.mark.parametrize(
    ("tree", "wrong"),
    [
        ({1: 1, 2: 1, 3: 3}, []),
        ({1: 1, 2: 1}, ["contacts", "identities"]),
        ({1: 1, 2: 1, 3: 3, 4: 4}, ["contacts", "identities", "primaries"]),
        ({1: 1, 2: 2, 3: 3}, ["identities", "primaries"]),
        ({1: 1, 2: 1, 3: 1}, ["identities", "primaries"]),
        ({1: 2, 2: 2, 3: 3}, ["primaries"]),
    ],
)
def test_a_tree_that_differs_from_the_truth_is_seen(tree: dict[int, int], wrong: list[str]) -> None:
    checks = compare_tree("one", tree, TRUTH)
    assert [check.what.split()[1].strip(",") for check in checks if not check.is_ok] == wrong


@pytest.mark.parametrize(
    ("tree", "is_ok"),
    [
        ({1: 1, 2: 1, 3: 3}, True),
        ({1: 1, 2: 1, 3: 1}, False),
        ({1: 1, 2: 2, 3: 3}, False),
        ({1: 1, 2: 2, 3: 1}, False),
    ],
)
def test_merges_other_than_the_planted_ones_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: dict[int, int], is_ok: bool
) -> None:
    monkeypatch.setattr(partition, "WRONG_MERGES", 1)
    (tmp_path / "people.csv").write_text("id,person\n1,7\n2,8\n3,9\n")
    (tmp_path / "wrong_merges.csv").write_text("person,with_person,identifier\n7,8,a@x.io\n")
    assert compare_people("one", tree, tmp_path).is_ok is is_ok


def row(id_: int, created_at: int, email: str, phone: str) -> Row:
    keys = email_key(email), phone_key(phone)
    return Row(id_, created_at, *keys, email, phone, None, False, ())


ROWS = [row(5, 20, "Ada@x.io", "+1 23"), row(9, 10, "b@x.io", "123"), row(2, IMPORTED, "", "1-23")]


def reply(outcome: str, primary: int, emails: str, secondaries: list[int]) -> Reply:
    contact: dict[str, Any] = {
        "primaryContactId": primary,
        "emails": emails.split(),
        "phoneNumbers": ["+123"],
        "secondaryContactIds": secondaries,
    }
    return Reply(200, outcome, json.dumps({"contact": contact}).encode())


RIGHT = reply("known", 9, "b@x.io ada@x.io", [5, 2])


@pytest.mark.parametrize(
    ("answer", "is_ok"),
    [
        (RIGHT, True),
        (reply("extended", 9, "b@x.io ada@x.io", [5, 2]), False),
        (reply("known", 5, "b@x.io ada@x.io", [9, 2]), False),
        (reply("known", 9, "ada@x.io b@x.io", [5, 2]), False),
        (reply("known", 9, "b@x.io", [5, 2]), False),
        (reply("known", 9, "b@x.io ada@x.io", [5]), False),
        (Reply(503, "none", b"{}"), False),
        (Reply(422, "none", b"{}"), False),
    ],
)
def test_an_answer_that_is_not_the_whole_imported_person_is_seen(
    answer: Reply, is_ok: bool
) -> None:
    judge = Judge([Record("one identifier", "ADA@x.io", None)], People([ROWS], (), 9))
    judge.hear(0, {"one": answer, "other": answer})
    equal, first, _ = judge.checks
    assert (equal.is_ok, first.is_ok) == (True, is_ok)


def test_stores_that_answer_differently_are_seen() -> None:
    judge = Judge([Record("one identifier", None, "123")], People([ROWS], (), 9))
    judge.hear(0, {"one": RIGHT, "other": RIGHT._replace(outcome="extended")})
    equal, first, _ = judge.checks
    assert (equal.is_ok, first.is_ok) == (False, True)


def test_refusals_differ_by_the_request_alone() -> None:
    judge = Judge([Record("blocked alone", None, "000")], People([ROWS], {"000"}, 9))
    one, other = (
        Reply(422, "none", b'{"status":422,"requestId":"%d"}' % number) for number in (1, 2)
    )
    judge.hear(0, {"one": one, "other": other})
    assert all(check.is_ok for check in judge.checks[:2])
