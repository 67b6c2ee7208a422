"""What only the SQLite store does with whole tables: files built beside, leftovers, plans."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

import reunite
from disk import Disk
from filled import everything, load_people
from reunite import StoreError, StoreFull, StoreMissing, StoreUnavailable, repositories
from reunite.bulk.engine import Engine
from reunite.identifier import present
from reunite.repositories.sqlite import SqliteRepository
from reunite.repositories.sqlite.connection import connect
from reunite.repositories.sqlite.snapshot import QUERIES

VALUES = {
    "workspace": 1,
    "name": "default",
    "type": "email",
    "keys": '["a@example.com"]',
    "ids": "[1]",
    "has_blocks": 1,
    "identity_id": 1,
    "into": 2,
    "key": "a@example.com",
    "position": 1,
    "identity_limit": 5,
    "table": "contact",
}
LOOKED_UP = {"holders", "taken", "identities", "repoint", "head"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    folder = tmp_path / "engine"
    folder.mkdir()
    with Engine(64 << 20, folder) as engine:
        yield engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file that does not exist, alone in its folder."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "reunite.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def load(url: str, engine: Engine, ids: range) -> None:
    with repositories.loading(url) as loading:
        load_people(engine, loading, ids)
        loading.commit()


def files(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


# ── a file that does not exist yet ───────────────────────────────────────────────────────────────


def test_a_new_file_is_built_beside_and_is_like_any_other(
    path: Path, url: str, engine: Engine, tmp_path: Path
) -> None:
    with repositories.loading(url) as loading:
        load_people(engine, loading, range(1, 3000))
        assert files(path) == ["reunite.db.importing", "reunite.db.importing.lock"]
        loading.commit()
        assert path.exists()
    assert files(path) == ["reunite.db"]
    assert path.read_bytes()[18:20] == b"\x02\x02", "a file in WAL mode"
    ordinary = tmp_path / "ordinary.db"
    reunite.open(f"sqlite:///{ordinary}").close()
    schema = "select type, name, sql from sqlite_schema order by type, name"
    with closing(apsw.Connection(str(path))) as new, closing(apsw.Connection(str(ordinary))) as old:
        assert new.execute(schema).fetchall() == old.execute(schema).fetchall()
        assert new.execute("pragma integrity_check").get == "ok"
        assert new.pragma("page_size") == old.pragma("page_size")


def test_a_file_that_appears_meanwhile_is_not_replaced(
    path: Path, url: str, engine: Engine
) -> None:
    with repositories.loading(url) as loading:
        load_people(engine, loading, range(1, 30))
        with reunite.open(url) as other:
            other.identify("first@example.com")
        with pytest.raises(StoreError, match="appeared"):
            loading.commit()
    assert files(path) == ["reunite.db"]
    assert [row[3] for row in everything(url, "default")["contact"]] == ["first@example.com"]
    load(url, engine, range(11, 30))
    assert len(everything(url, "default")["contact"]) == 20


def test_nothing_is_left_of_a_file_that_is_given_up(path: Path, url: str, engine: Engine) -> None:
    with repositories.loading(url) as loading:
        load_people(engine, loading, range(1, 30))
    assert files(path) == []


@pytest.mark.parametrize("exists", [False, True])
def test_what_a_killed_import_left_is_removed_by_the_next(
    path: Path, url: str, engine: Engine, exists: bool
) -> None:
    if exists:
        reunite.open(url).close()
    path.with_name("reunite.db.importing").write_bytes(b"half a database")
    path.with_name("reunite.db.importing.lock").touch()
    load(url, engine, range(1, 30))
    assert files(path) == ["reunite.db"]
    assert len(everything(url, "default")["contact"]) == 29


def test_a_leftover_that_is_the_store_itself_by_another_name_takes_nothing_with_it(
    path: Path, url: str, engine: Engine
) -> None:
    """An import that was killed between giving the file its name and taking away the other."""
    load(url, engine, range(1, 30))
    os.link(path, path.with_name("reunite.db.importing"))
    load(url, engine, range(30, 40))
    assert files(path) == ["reunite.db"]
    assert len(everything(url, "default")["contact"]) == 39


def test_a_file_that_another_import_builds_is_left_alone(path: Path, url: str) -> None:
    building = path.with_name("reunite.db.importing")
    building.write_bytes(b"half a database")
    with path.with_name("reunite.db.importing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            pytest.raises(StoreUnavailable, match="another import"),
            repositories.loading(url, patience=0.2),
        ):
            pytest.fail("two imports build one file")
        reunite.open(url).close()
        with repositories.loading(url):
            assert building.exists()


def test_a_log_without_its_file_is_not_played_into_a_new_one(path: Path, url: str) -> None:
    log = path.with_name("reunite.db-wal")
    log.write_bytes(b"what was not checkpointed")
    with pytest.raises(StoreError, match=r"reunite\.db-wal"), repositories.loading(url):
        pytest.fail("a file was built beside the log of another")
    assert files(path) == ["reunite.db-wal"]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreUnavailable, match="nowhere"),
        repositories.loading(f"sqlite:///{tmp_path}/nowhere/reunite.db"),
    ):
        pytest.fail("a file was made in a folder that does not exist")


def test_a_file_behind_a_link_is_built_where_it_will_be(
    path: Path, url: str, engine: Engine, tmp_path: Path
) -> None:
    target = tmp_path / "target.db"
    path.symlink_to(target)
    load(url, engine, range(1, 30))
    assert path.is_symlink()
    assert target.stat().st_size > 16384
    assert len(everything(url, "default")["contact"]) == 29


@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_leaves_what_was_there(
    path: Path, url: str, engine: Engine, exists: bool
) -> None:
    if exists:
        load(url, engine, range(1, 30))
    before = files(path)
    with Disk("write") as disk:
        disk.fill(1_000_000)
        with pytest.raises(StoreFull):
            load(url, engine, range(30, 30_000))
    assert disk.broke
    assert files(path) == before
    assert len(everything(url, "default")["contact"]) == (29 if exists else 0)


# ── a file that exists ───────────────────────────────────────────────────────────────────────────


def test_a_loading_ends_with_an_empty_log_where_nobody_reads(
    path: Path, url: str, engine: Engine
) -> None:
    with reunite.open(url) as store:
        store.identify("first@example.com")
        load(url, engine, range(2, 3000))
        assert path.with_name("reunite.db-wal").stat().st_size == 0
        assert store.identify("2999@example.com").primary_contact_id == 2999


def test_a_request_that_waits_too_long_for_a_loading_is_surely_not_done(
    path: Path, url: str, engine: Engine
) -> None:
    with closing(SqliteRepository(path, busy_timeout=0.1)) as store:
        with repositories.loading(url) as loading:
            load_people(engine, loading, range(1, 30))
            with pytest.raises(StoreUnavailable):
                store.identify("first@example.com")
            assert store.recognise_many([present(store.policy, "3@example.com", None)]) == [None]
            loading.commit()
        assert store.identify("first@example.com").primary_contact_id == 30


def test_a_reader_keeps_neither_the_loading_nor_its_checkpoint_waiting(
    url: str, engine: Engine
) -> None:
    reunite.open(url).close()
    with repositories.snapshot(url) as snapshot:
        load(url, engine, range(1, 3000))
        assert b"".join(snapshot.csv("contact")) == b""


def test_the_indexes_of_a_store_are_those_of_its_schema_after_it_was_filled_at_once(
    path: Path, url: str, engine: Engine
) -> None:
    reunite.open(url).close()
    schema = "select type, name, sql from sqlite_schema order by type, name"
    with closing(apsw.Connection(str(path))) as connection:
        before = connection.execute(schema).fetchall()
        load(url, engine, range(1, 3000))
        assert connection.execute(schema).fetchall() == before
        assert connection.execute("pragma integrity_check").get == "ok"


def test_a_snapshot_leaves_an_empty_file_empty(path: Path, url: str) -> None:
    path.touch()
    with repositories.snapshot(url, or_empty=True) as snapshot:
        assert snapshot.head.position == 0
    with pytest.raises(StoreMissing), repositories.snapshot(url):
        pytest.fail("there is none")
    assert files(path) == ["reunite.db"]
    assert path.read_bytes() == b""


def test_lookups_go_through_keys_while_the_tables_are_empty(path: Path, url: str) -> None:
    reunite.open(url).close()
    with closing(connect(str(path), busy_timeout=1)) as connection:
        for name in sorted(LOOKED_UP):
            plan = [
                str(row[3])
                for row in connection.execute(f"explain query plan {QUERIES[name]}", VALUES)
            ]
            scans = [line for line in plan if re.match("SCAN (?!CONSTANT ROW|asked )", line)]
            assert scans == [], name
            # Walking a workspace is as bad, but for the last of all.
            searches = [line for line in plan if line.startswith("SEARCH")]
            assert searches, name
            walks = [line for line in searches if line.endswith("(workspace=?)")]
            if name != "head":
                assert walks == [], name


def test_tables_are_told_in_order_without_sorting(path: Path, url: str) -> None:
    reunite.open(url).close()
    with closing(connect(str(path), busy_timeout=1)) as connection:
        plan = [
            str(row[3])
            for row in connection.execute(f"explain query plan {QUERIES['tree']}", VALUES)
        ]
    assert not [line for line in plan if "TEMP B-TREE" in line]
