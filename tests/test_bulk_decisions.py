"""Commands on whole tables beside what was decided by hand: it is not called damage, nor lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

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
    options = ["--database", store_url, "--workspace", fresh_workspace]
    commands = (["verify"], ["export", "--full", str(tmp_path / "full")])
    assert all(CliRunner().invoke(app, [*one, *options]).exit_code == 0 for one in commands[:1])

    DECISIONS[decision](Operations(store))

    for command in commands:
        refused = CliRunner().invoke(app, [*command, *options])
        assert isinstance(refused.exception, OperationRefused), command
        assert "decided by hand" in str(refused.exception)
    assert not (tmp_path / "full").exists()
