"""What the tests share: a PostgreSQL server, and stores of both kinds."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import postgres
import reunite
from reunite.repositories import Store
from shell import Reunite

OpenStore = Callable[..., Store]

_workspaces = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A server shared by the whole run; nobody stops it."""
    server = postgres.shared_server()
    yield server
    server.close()


@pytest.fixture
def own_postgres_server() -> Iterator[postgres.OwnServer]:
    """A server of this test's own, to be stopped and started at will."""
    server = postgres.OwnServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: postgres.Server) -> str:
    """A database that tests share, each in workspaces of its own."""
    return postgres_server.fresh_database()


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> str:
    """An empty database."""
    return postgres_server.fresh_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Which store; a test that asks for it runs on both."""
    return str(request.param)


@pytest.fixture
def store_url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of either kind: a new file, or the shared database."""
    if store_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'reunite.db'}"
    return str(request.getfixturevalue("shared_postgres_url"))


@pytest.fixture
def fresh_workspace() -> str:
    """The name of a workspace that no other test uses."""
    return f"test-{next(_workspaces)}"


@pytest.fixture
def workspaces() -> Callable[[], str]:
    """Gives the name of a workspace that no other test uses, each time it is called."""
    return lambda: f"test-{next(_workspaces)}"


@pytest.fixture
def open_store(store_url: str, fresh_workspace: str) -> Iterator[OpenStore]:
    """Opens the test's workspace, as often as asked; closed at the end."""
    with ExitStack() as stack:

        def open_it(**settings: Any) -> Store:
            settings.setdefault("workspace", fresh_workspace)
            return stack.enter_context(reunite.open(store_url, **settings))

        yield open_it


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """An empty store."""
    return open_store()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and no settings around."""
    for name in [name for name in os.environ if name.startswith("REUNITE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(
    shell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Reunite:
    """The command `reunite`, in that folder."""
    return Reunite(monkeypatch, capsys)
