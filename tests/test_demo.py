"""The demo: other people's records through both stores; and it sees what is wrong with a store."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
from demo import __main__ as demo
from demo.connection import Reply
from demo.judge import Judge, Wrong
from demo.records import Record, make_records
from demo.unionfind import UnionFind, keys_of

from faulty import Atomic
from faulty import Reply as Steps
from linearizability import Answer
from test_history import served

ROOT = Path(__file__).parent.parent
RECORDS = [
    Record("Ada", "Ada@x.io", "+1 23"),
    Record("Bob", "bob@x.io", None),
    Record("Ada", "bob@x.io", "123"),
]


def run_demo(postgres: str, *options: str) -> str:
    command = [sys.executable, "-m", "demo", "--postgres", postgres, *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def test_two_thousand_records_get_the_same_right_answers_from_both_stores(
    postgres_url: str,
) -> None:
    found = json.loads(run_demo(postgres_url, "--records", "2000", "--json"))

    dataset = make_records(2000, seed=42)
    truth = UnionFind()
    for record in dataset.records:
        truth.unite(keys_of([record.email], [record.phone]))
    assert (found["rows"], found["posted"]) == (2000, len(dataset.records))
    assert (found["identifiers"], found["people"]) == (truth.identifiers, truth.sets)
    assert found["outcomes"].keys() == {"created", "extended", "merged", "known"}
    assert sum(found["outcomes"].values()) == found["posted"]
    assert [timing["requests"] for timing in found["timings"]] == [found["posted"]] * 4
    refused = sum(reason["values"] for reason in found["refused"])
    absent = sum(found["absent"].values())
    presented = sum((r.email is not None) + (r.phone is not None) for r in dataset.records)
    assert refused > 0
    assert presented + refused + absent == 2 * 2000
    assert len(found["shown"]["the largest"]["contact"]["secondaryContactIds"]) > 0


def test_in_a_pipe_the_report_is_plain_text(postgres_url: str) -> None:
    printed = run_demo(postgres_url, "--records", "50", "--seed", "7")

    assert "50 customer records" in printed
    assert printed.isascii()
    assert "\x1b" not in printed


def test_the_same_seed_makes_the_same_records() -> None:
    assert make_records(200, seed=3) == make_records(200, seed=3)
    assert make_records(200, seed=3) != make_records(200, seed=4)


class Forgetful(Atomic):
    """Wrong: it answers without the phone numbers."""

    def handle(self, request: tuple[str | None, str | None]) -> Steps:
        answer = yield from super().handle(request)
        return answer._replace(phones=()) if isinstance(answer, Answer) else answer


@pytest.mark.parametrize("kinds", [(Atomic, Forgetful), (Forgetful, Forgetful)])
def test_it_ends_with_status_1_where_the_stores_differ_or_are_both_wrong(
    kinds: Sequence[type[Atomic]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "serving", lambda _: serving(kinds))
    with pytest.raises(typer.Exit) as ended:
        demo.main(records=20, json=True)
    assert ended.value.exit_code == 1


def test_it_ends_well_where_stand_ins_are_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "serving", lambda _: serving([Atomic, Atomic]))
    demo.main(records=20, json=True)
    assert json.loads(capsys.readouterr().out)["rows"] == 20


@contextmanager
def serving(kinds: Sequence[type[Atomic]]) -> Iterator[dict[str, int]]:
    stack = ExitStack()
    try:
        urls = [stack.enter_context(served(kind(random.Random(0)))) for kind in kinds]
        yield {f"store {number}": urlsplit(url).port or 0 for number, url in enumerate(urls)}
    finally:
        # Not left through the error that is looked for: they must be shut down all the same.
        stack.close()


def reply(
    outcome: str, primary: int, emails: str, phones: str, others: Sequence[int] = ()
) -> Reply:
    contact: dict[str, Any] = {
        "primaryContactId": primary,
        "emails": emails.split(),
        "phoneNumbers": phones.split(),
        "secondaryContactIds": others,
    }
    return Reply(200, outcome, json.dumps({"contact": contact}).encode())


ADA = reply("created", 1, "ada@x.io", "+123")
BOB = reply("created", 2, "bob@x.io", "")
BOTH = reply("merged", 1, "ada@x.io bob@x.io", "+123", [2])


def judge_all(first: Sequence[Reply], again: Sequence[Reply]) -> Judge:
    judge = Judge(RECORDS)
    for index, answer in enumerate(first):
        judge.hear(index, {"one": answer, "other": answer})
    for index, answer in enumerate(again):
        judge.hear_again(index, {"one": answer, "other": answer})
    return judge


def test_right_answers_are_not_accused() -> None:
    people = judge_all([ADA, BOB, BOTH], [BOTH._replace(outcome="known")] * 3).people()
    assert [(person.contacts, person.records) for person in people] == [([1, 2], RECORDS)]


@pytest.mark.parametrize(
    "third",
    [
        reply("known", 2, "bob@x.io", "+123"),
        reply("merged", 1, "ada@x.io bob@x.io eve@x.io", "+123", [2]),
        reply("merged", 1, "ada@x.io bob@x.io", "+123 123", [2]),
        BOTH._replace(status=503),
    ],
    ids=["not merged", "somebody else's", "twice", "no answer"],
)
def test_a_wrong_answer_is_seen_though_both_stores_give_it(third: Reply) -> None:
    with pytest.raises(Wrong, match="record 2 "):
        judge_all([ADA, BOB, third], [])


def test_a_difference_between_right_answers_is_seen() -> None:
    with pytest.raises(Wrong, match="record 0 "):
        Judge(RECORDS).hear(0, {"one": ADA, "other": ADA._replace(outcome="known")})


def test_a_repeat_that_makes_something_is_seen() -> None:
    with pytest.raises(Wrong, match="not known but extended"):
        judge_all([ADA, BOB, BOTH], [BOTH._replace(outcome="extended")])


def test_a_contact_that_was_lost_is_seen() -> None:
    known = reply("known", 1, "ada@x.io bob@x.io", "+123")
    with pytest.raises(Wrong, match="contacts of all people"):
        judge_all([ADA, BOB, BOTH], [known] * 3).people()
