"""Commands that only look at a store need one to be there, and make none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import reunite
from shell import Reunite

LOOKING = [["verify"], ["stats"], ["export"], ["export", "--full", "all"]]


@pytest.mark.parametrize("command_line", LOOKING, ids=" ".join)
def test_a_file_that_is_not_there_is_no_sound_store(
    command: Reunite, shell: Path, command_line: list[str]
) -> None:
    for path in ("typo.db", "no/typo.db"):
        ended = command(*command_line, "--database", f"sqlite:///{path}")
        assert (ended.status, ended.out) == (4, "")
        assert ended.err.startswith(f"reunite: there is no store at {path}: give the URL of one")
    assert list(shell.iterdir()) == []


@pytest.mark.parametrize("command_line", LOOKING, ids=" ".join)
def test_a_database_without_a_store_is_no_sound_store(
    command: Reunite, postgres_url: str, command_line: list[str]
) -> None:
    ended = command(*command_line, "--database", postgres_url)
    assert (ended.status, ended.out) == (4, "")
    assert re.match("reunite: there is no store at postgresql://", ended.err)


@pytest.mark.parametrize("command_line", LOOKING, ids=" ".join)
def test_a_workspace_that_is_not_there_is_not_sound(
    command: Reunite, store_url: str, fresh_workspace: str, shell: Path, command_line: list[str]
) -> None:
    reunite.open(store_url, workspace=fresh_workspace).close()
    where = ("--database", store_url, "--workspace", f"{fresh_workspace}-typo")
    ended = command(*command_line, *where)
    assert (ended.status, ended.out) == (5, "")
    assert f"the store has no workspace '{fresh_workspace}-typo'" in ended.err
    assert not (shell / "all").exists()
