"""Commands on whole tables beside what was decided by hand: it is not called damage, nor lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reunite
from reunite.cli.main import app
from reunite.errors import OperationRefused
from reunite.evidence import Identifier
from reunite.operations import Operations
from reunite.repositories import Store

EMAIL, PHONE = Identifier("email", "a@x.co"), Identifier("phone", "1")

DECISIONS: dict[str, Callable[[Operations], object]] = {
    "an unlink": lambda operations: operations.unlink(1, pair=(EMAIL, PHONE)),
    "a merge": lambda operations: operations.merge(1, 2),
    "a constraint": lambda operations: operations.constrain(1, 2),
    "a block": lambda operations: operations.block(PHONE),
    "an undo": lambda operations: operations.undo(1),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_verify_and_a_full_export_refuse_what_they_do_not_know_yet(
    store: Store, store_url: str, fresh_workspace: str, tmp_path: Path, decision: str
) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co")
    options = named(store_url, fresh_workspace)
    commands = (["verify"], ["export", "--full", str(tmp_path / "full")])
    assert all(CliRunner().invoke(app, [*one, *options]).exit_code == 0 for one in commands[:1])

    DECISIONS[decision](Operations(store))

    for command in commands:
        refused = CliRunner().invoke(app, [*command, *options])
        assert isinstance(refused.exception, OperationRefused), command
        assert "decided by hand" in str(refused.exception)
    assert not (tmp_path / "full").exists()


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


def named(store_url: str, workspace: str) -> list[str]:
    """The options that name a workspace."""
    return ["--database", store_url, "--workspace", workspace]
