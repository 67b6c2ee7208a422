"""An import that is killed leaves the store as it was; one beside a live service loses nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

import reunite
from audit import Tables, faults
from reunite.bulk.importing import Import, Store, run_import
from reunite.bulk.progress import Progress
from reunite.bulk.reading import sources_of
from reunite.cli.main import app
from reunite.errors import OutcomeUnknown, SchemaMismatch, StoreFull
from reunite.repositories.postgresql.loading import PostgresqlLoading
from reunite.repositories.sqlite.loading import SqliteLoading
from server import Server

ROWS = 30_000
COMMAND = [sys.executable, "-m", "reunite"]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows of which every tenth shares a phone with the one before it."""
    path = tmp_path / "rows.csv"
    lines = [
        f"{number},user{number}@x.co,{9_000_000 + number - (number % 10 == 0)}"
        for number in range(1000, 1000 + ROWS)
    ]
    path.write_text("\n".join(["id,email,phone", *lines]))
    return path


def importing(rows: Path, url: str, workspace: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "import", str(rows), "--database", url, "--workspace", workspace],
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("seconds", [0.8, 1.2, 1.5, 1.8, 2.2])
def test_an_import_that_is_killed_is_whole_or_nothing(
    seconds: float, rows: Path, store_url: str, fresh_workspace: str
) -> None:
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.identify("user1001@x.co", "5")
        before = Tables.read(store_url, fresh_workspace)
        process = importing(rows, store_url, fresh_workspace)
        time.sleep(seconds)
        process.kill()
        process.wait()
        after = Tables.read(store_url, fresh_workspace)
        assert after == before or len(after.contacts) == 1 + ROWS
        assert faults(after) == []
        assert store.identify("user1001@x.co").primary_contact_id in (1, 1001)


def test_a_service_goes_on_while_a_file_is_imported(
    rows: Path, store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    answered: list[tuple[dict[str, str], httpx.Response]] = []
    with (
        Server(store_url, tmp_path / "log", workspace=fresh_workspace) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        done = threading.Event()

        def ask() -> None:
            for number in range(1_000_000):
                if done.wait(0.005):
                    return
                body = {"email": f"live{number}@x.co", "phoneNumber": str(9_001_000 + number)}
                answered.append((body, client.post("/identify", json=body)))

        asking = threading.Thread(target=ask)
        asking.start()
        assert importing(rows, store_url, fresh_workspace).wait() == 0
        done.set()
        asking.join()
        statuses = {response.status_code for _, response in answered}
        assert statuses <= {200, 503}
        for body, response in answered:
            if response.status_code == 200:
                again = client.post("/identify", json={"email": body["email"]}).json()["contact"]
                assert body["phoneNumber"] in again["phoneNumbers"]
    assert faults(Tables.read(store_url, fresh_workspace)) == []


class Renumbering:
    """An import of two rows whose ids are numbered anew, and the map of them.

    Attributes:
        place: where the map goes.
        beside: where it waits until the rows are committed.
    """

    def __init__(self, folder: Path, url: str, workspace: str) -> None:
        self._folder, self._url, self._workspace = folder, url, workspace
        self.place, self.beside = folder / "ids.csv", folder / ".ids.csv.part"

    def run(self) -> None:
        source = self._folder / "rows.csv"
        source.write_text("id,email\nx1,a@x.co\nx2,b@x.co\n")
        order = Import(sources_of([str(source)]), renumber=self.place)
        run_import(Store(self._url, self._workspace), order, Progress())

    def contacts(self) -> int:
        """How many the store has."""
        with reunite.open(self._url, workspace=self._workspace) as store:
            return store.totals().contacts


@pytest.fixture
def renumbering(tmp_path: Path, store_url: str, fresh_workspace: str) -> Renumbering:
    return Renumbering(tmp_path, store_url, fresh_workspace)


@pytest.mark.parametrize("kind", [OutcomeUnknown, KeyboardInterrupt, RuntimeError])
def test_the_map_of_new_ids_stays_where_nobody_knows_whether_they_were_given(
    renumbering: Renumbering, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    for loading in (SqliteLoading, PostgresqlLoading):
        monkeypatch.setattr(loading, "commit", failing(kind("lost"), after=loading.commit))
    with pytest.raises(kind) as raised:
        renumbering.run()
    told = " ".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert f"{renumbering.beside} is the map of their ids, to be renamed ids.csv" in told
    assert renumbering.beside.read_text() == "old,new\nx1,1\nx2,2\n"
    assert not renumbering.place.exists()
    assert renumbering.contacts() == 2


def test_a_shell_that_interrupts_an_import_is_told_where_the_map_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("id,email\nx1,a@x.co\n")
    interrupted = failing(KeyboardInterrupt(), after=SqliteLoading.commit)
    monkeypatch.setattr(SqliteLoading, "commit", interrupted)
    command = ["import", str(tmp_path / "rows.csv"), "--renumber", str(tmp_path / "ids.csv")]
    ended = CliRunner().invoke(app, [*command, "--database", f"sqlite:///{tmp_path / 'new.db'}"])
    assert ended.exit_code != 0
    assert ".ids.csv.part is the map of their ids" in ended.stderr


@pytest.mark.parametrize("kind", [StoreFull, SchemaMismatch])
def test_no_map_of_new_ids_is_left_where_they_were_surely_not_given(
    renumbering: Renumbering, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    for loading in (SqliteLoading, PostgresqlLoading):
        monkeypatch.setattr(loading, "commit", failing(kind("refused")))
    with pytest.raises(kind):
        renumbering.run()
    assert not renumbering.beside.exists()
    assert not renumbering.place.exists()
    assert renumbering.contacts() == 0


def failing(
    error: BaseException, *, after: Callable[[Any], None] = lambda _: None
) -> Callable[[Any], None]:
    """A commit that fails, perhaps after it went through."""

    def fail(loading: Any) -> None:
        after(loading)
        raise error

    return fail
