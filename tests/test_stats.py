"""Stats counts what is there, on both stores alike, and shows it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import reunite
from audit import Tables
from grown import grow
from oracle import nodes_of
from shell import Reunite


def where(url: str, workspace: str) -> tuple[str, ...]:
    return "--database", url, "--workspace", workspace


@pytest.fixture
def family(store_url: str, fresh_workspace: str) -> tuple[str, ...]:
    """A phone that joins five e-mails, and two strangers."""
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        for name in ("ada", "ben", "cyd", "dan", "eve"):
            store.identify(f"{name}@example.com", "+123")
        store.identify("fay@example.com", "456")
        store.identify("gus@example.com")
    return where(store_url, fresh_workspace)


def test_it_counts(command: Reunite, family: tuple[str, ...]) -> None:
    data = command("stats", "--json", *family).data
    assert {name: data[name] for name in ("contacts", "identities", "emails", "phones")} == {
        "contacts": 7,
        "identities": 3,
        "emails": 7,
        "phones": 2,
    }
    assert data["sizes"] == [
        {"from": 1, "to": 1, "identities": 1, "contacts": 1},
        {"from": 2, "to": 2, "identities": 1, "contacts": 1},
        {"from": 5, "to": 8, "identities": 1, "contacts": 5},
    ]
    assert data["largest"][0] == {
        "primaryContactId": 1,
        "identifiers": 6,
        "contacts": 5,
        "example": "ada@example.com",
    }
    assert data["busiest"] == [
        {"type": "phone", "value": "123", "contacts": 5, "others": 5, "blocked": False}
    ]


def test_it_shows(command: Reunite, family: tuple[str, ...]) -> None:
    shown = command("stats", *family)
    assert (shown.status, shown.err) == (0, "")
    assert "7 contacts of 3 identities; 7 e-mails and 2 phones" in shown.out
    assert "5 to 8" in shown.out
    assert "5 e-mails" in shown.out


def test_what_is_long_is_cut_and_what_looks_like_markup_is_not(
    command: Reunite, store_url: str, fresh_workspace: str
) -> None:
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.identify("[red]" + "a" * 100 + "@example.com", "1")
        store.identify("[bold]ada[/bold]@example.com", "2")
    out = command("stats", *where(store_url, fresh_workspace)).out
    assert "[red]aaa" in out
    assert "a" * 60 not in out
    assert "[bold]ada[/bold]@example.com" in out


def test_an_empty_store_has_nothing(command: Reunite, store_url: str, fresh_workspace: str) -> None:
    reunite.open(store_url, workspace=fresh_workspace).close()
    shown = command("stats", *where(store_url, fresh_workspace))
    assert shown.status == 0
    assert shown.out.startswith("0 contacts of 0 identities")


def test_the_sizes_are_those_of_the_identities(
    command: Reunite, store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    grow(store_url, fresh_workspace, 21, tmp_path)
    data = command("stats", "--json", *where(store_url, fresh_workspace)).data
    tables = Tables.read(store_url, fresh_workspace)
    blocked = ("999", "nobody")
    sizes: dict[int, set[str]] = {}
    for row in tables.contacts:
        keys = {key for _, key in nodes_of(row["email"], row["phone"])}
        sizes.setdefault(row["identity_id"], set()).update(
            key for key in keys if not key.startswith(blocked)
        )
    counted = Counter(len(keys) for keys in sizes.values())
    for step in data["sizes"]:
        fit = [n for size, n in counted.items() if step["from"] <= size <= step["to"]]
        assert step["identities"] == sum(fit)
    assert sum(step["identities"] for step in data["sizes"]) == len(sizes)
    assert sum(step["contacts"] for step in data["sizes"]) == len(tables.contacts)
    assert data["largest"][0]["identifiers"] == max(counted)
    assert data["blocked"] == 4


@pytest.mark.parametrize("name", ["verify", "export", "stats", "import"])
def test_what_needs_more_says_what_to_install(
    command: Reunite, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("reunite.cli.extra.find_spec", lambda _: None)
    done = command(name)
    assert done.status == 2
    assert "pip install 'reunite[bulk]'" in done.err
