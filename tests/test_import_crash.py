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

import reunite
from audit import Tables, faults
from reunite.bulk.importing import Import, Store, run_import
from reunite.bulk.progress import Progress
from reunite.bulk.reading import sources_of
from reunite.errors import OutcomeUnknown
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


def test_the_map_of_new_ids_stays_where_nobody_knows_whether_they_were_given(
    tmp_path: Path, store_url: str, fresh_workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, new_ids = tmp_path / "rows.csv", tmp_path / "ids.csv"
    source.write_text("id,email\nx1,a@x.co\nx2,b@x.co\n")
    for loading in (SqliteLoading, PostgresqlLoading):
        monkeypatch.setattr(loading, "commit", committed_and_lost(loading.commit))
    order = Import(sources_of([str(source)]), renumber=new_ids)
    with pytest.raises(OutcomeUnknown, match=r"\.ids\.csv\.part is the map") as unknown:
        run_import(Store(store_url, fresh_workspace), order, Progress())
    assert "be renamed ids.csv" in str(unknown.value)
    assert (tmp_path / ".ids.csv.part").read_text() == "old,new\nx1,1\nx2,2\n"
    assert not new_ids.exists()
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        assert store.totals().contacts == 2


def committed_and_lost(commit: Callable[[Any], None]) -> Callable[[Any], None]:
    """A commit that goes through, and of which nobody hears."""

    def lose(loading: Any) -> None:
        commit(loading)
        raise OutcomeUnknown("the connection was lost during the commit")

    return lose
