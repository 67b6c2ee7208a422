"""Looking from the shell, on both stores: what is printed, as text and as JSON, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import decided
import reunite
from shell import Reunite

ADA, BOB, CYD = "ada@x.co", "bob@x.co", "cyd@x.co"
PEOPLE = [(ADA, "+1555"), (ADA, "777"), (BOB, "888"), (BOB, "777"), (CYD, None)]


@pytest.fixture
def there(store_url: str, fresh_workspace: str) -> tuple[str, ...]:
    """A store with Ada and Bob, one by the phone 777, and with Cyd: the options that name it."""
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        for email, phone in PEOPLE:
            store.identify(email, phone)
    return "--database", store_url, "--workspace", fresh_workspace


@pytest.fixture
def parted(there: tuple[str, ...], store_url: str, fresh_workspace: str) -> tuple[str, ...]:
    """The phone was taken from Ada by hand, for a reason that a terminal must not obey."""
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        decided.unlink(store, 2, gone_with=(3,))
    return there


def test_explain_prints_the_chain_step_by_step(command: Reunite, there: tuple[str, ...]) -> None:
    done = command("explain", "+1555", "#3", *there)
    assert (done.status, done.err) == (0, "")
    first, *steps = done.out.splitlines()
    assert first == "One person:"
    assert [step.partition(" on ")[0] for step in steps] == [
        "  1. +1555 and ada@x.co were presented together in contact 1",
        "  2. ada@x.co and 777 were presented together in contact 2",
        "  3. 777 and bob@x.co were presented together",
    ]
    data = command("explain", "+1555", "#3", "--json", *there).data
    assert [step["position"] for step in data["chain"]] == [1, 2, 4]


def test_explain_prints_what_each_has_where_nothing_joins(
    command: Reunite, parted: tuple[str, ...]
) -> None:
    lines = command("explain", ADA, BOB, *parted).out.splitlines()
    assert lines[0] == "Not one person:"
    assert lines[1:4] == [
        "  - nothing joins ada@x.co and bob@x.co",
        "  - ada@x.co is of contact 1, who has ada@x.co, +1555",
        "  - bob@x.co is of contact 2, who has bob@x.co, 777, 888",
    ]
    assert "by Ann" in lines[4]
    assert lines[5].startswith("  - what joined them: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("explain", "nobody@x.co", ADA), "the first identifier is not in the store"),
        (("explain", ADA, "#99"), "the second, contact 99 is not in the store"),
        (("explain", ADA, "words"), "has no digit"),
        (("show", "99"), "contact 99 is not in the store"),
        (("graph", "99", "--json"), "contact 99 is not in the store"),
        (("lookup", "--email", "nobody@x.co"), "nobody has what was presented"),
        (("lookup",), "neither"),
        (("identify", "--dry-run", "--email", "a"), "has no @"),
    ],
)
def test_what_is_unknown_or_wrong_is_one_line_and_a_status(
    command: Reunite, there: tuple[str, ...], arguments: tuple[str, ...], says: str
) -> None:
    done = command(*arguments, *there)
    assert (done.status, done.out) == (5, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert "nobody@" not in done.err


def test_show_prints_an_identity_and_its_history(command: Reunite, there: tuple[str, ...]) -> None:
    out = command("show", "3", *there).out
    for word in (ADA, BOB, "+1555", "created", "merged (contact 3 became secondary)"):
        assert word in out
    assert "link: bob@x.co and 777" in out
    data = command("show", "3", "--json", *there).data
    assert data["contact"]["secondaryContactIds"] == [2, 3]
    assert [event["position"] for event in data["history"]["events"]] == [1, 2, 3, 4]


def test_show_pages_a_long_history(command: Reunite, there: tuple[str, ...]) -> None:
    first = command("show", "1", "--limit", "3", *there).out
    assert first.endswith("There is more: --after 3\n")
    rest = command("show", "1", "--after", "3", *there).out
    assert "merged" in rest
    assert "created" not in rest


def test_show_tells_who_parted_what_and_why(command: Reunite, parted: tuple[str, ...]) -> None:
    out = command("show", "1", *parted).out
    assert "contact 2: ada@x.co and 777, taken back at position 6 (unlinked)" in out
    assert "unlinked by Ann: the phone was recycled" in out
    assert "took back contact 2: ada@x.co and 777" in out
    assert "constraint: ada@x.co and 777" in out


def test_what_somebody_wrote_does_not_steer_the_terminal(
    command: Reunite,
    there: tuple[str, ...],
    store_url: str,
    fresh_workspace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decided, "WHY", "\x1b[2J[bold]\r\nnothing[/bold]\x07")
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        decided.unlink(store, 2, gone_with=(3,))
    for arguments in (("show", "1"), ("explain", ADA, BOB)):
        out = command(*arguments, *there).out
        assert "[bold]" in out
        assert not {"\x1b", "\r", "\x07"} & set(out)


@pytest.mark.parametrize(
    "asked", [["constraint", "add", BOB, "+1555"], ["unlink", "1", BOB, "+1555"]]
)
def test_a_refusal_prints_the_chain_that_joins_the_two(
    command: Reunite, there: tuple[str, ...], asked: list[str]
) -> None:
    *steps, message = command(*asked, *there).err.splitlines()
    assert [step.partition(" were ")[0] for step in steps] == [
        "  1. bob@x.co and 777",
        "  2. 777 and ada@x.co",
        "  3. ada@x.co and +1555",
    ]
    assert message == "reunite: other evidence still joins the two: unlink what is in the chain"


def test_a_refusal_by_a_constraint_names_the_ways_out_that_there_are(
    command: Reunite, parted: tuple[str, ...]
) -> None:
    kept = "the constraint of position 6 keeps two of these identifiers apart; remove it"
    tried = command("identify", "--email", ADA, "--phone", "777", "--dry-run", *parted)
    assert tried.err.splitlines() == [
        "  1. ada@x.co and 777 come together in the request that was refused",
        f"reunite: {kept}",
    ]
    assert command("merge", "1", "3", *parted).err.splitlines()[-1] == f"reunite: {kept}"
    refused = command("identify", "--email", ADA, "--phone", "777", *parted)
    assert refused.err.splitlines()[-1] == f"reunite: {kept}, or allow held request 1"


def test_lookup_prints_each_person(command: Reunite, there: tuple[str, ...]) -> None:
    out = command("lookup", "--email", CYD, "--phone", "888", *there).out
    assert out.index(ADA) < out.index(CYD)
    data = command("lookup", "--email", CYD, "--phone", "888", "--json", *there).data
    assert [one["primaryContactId"] for one in data["identities"]] == [1, 4]


def test_a_dry_run_prints_what_would_be_and_writes_nothing(
    command: Reunite, there: tuple[str, ...]
) -> None:
    asked = ("identify", "--dry-run", "--email", CYD, "--phone", "777", *there)
    out = command(*asked).out
    assert command(*asked).out == out
    assert "It would link cyd@x.co and 777.\nContact 4 would become secondary.\n" in out
    assert out.endswith("Nothing was written.\n")
    assert json.loads(command(*asked, "--json").out)["outcome"] == "merged"
    new = command("identify", "--dry-run", "--phone", "42", *there).out
    assert "It would make contact 5 of 42." in new
    known = command("identify", "--dry-run", "--email", ADA, *there).out
    assert known.endswith("It would write nothing.\n")


@pytest.mark.parametrize(
    "asked",
    [
        ["lookup", "--email", ADA],
        ["show", "1"],
        ["explain", ADA, BOB],
        ["graph", "1", "--json"],
        ["block", "list"],
        ["constraint", "list"],
        ["held", "list"],
    ],
)
def test_a_store_that_is_not_there_is_not_made_by_looking(
    command: Reunite, store_url: str, there: tuple[str, ...], tmp_path: Path, asked: list[str]
) -> None:
    missing = tmp_path / "typo.db"
    result = command(*asked, "--database", f"sqlite:///{missing}")
    assert (result.status, result.out) == (4, "")
    assert not missing.exists()
    result = command(*asked, "--database", store_url, "--workspace", "typo")
    assert (result.status, result.out) == (5, "")
    assert "workspace" in result.err
