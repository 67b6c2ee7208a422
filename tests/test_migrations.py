"""However a store came to its schema, it is the same; one that is interrupted stays as it was."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest

from reunite import StoreError
from reunite.repositories import migration
from reunite.repositories.migration import Migration
from reunite.repositories.sqlite import SqliteRepository, schema

MADE = schema.MIGRATIONS
LATER = [
    Migration(
        len(MADE) + 1, "adds_notes", "create table note (x); create index note_x on note (x)"
    ),
    Migration(len(MADE) + 2, "renames_notes", "alter table note rename to remark"),
]
"""Steps of some later release."""


def interrupted(sql: str) -> list[Migration]:
    """The later steps, the second of which breaks off after half of its work."""
    half = f"alter table note rename to remark; insert into remark values (1); {sql}"
    return [*MADE, LATER[0], Migration(len(MADE) + 2, "breaks_off", half)]


class Place:
    """A SQLite file, and the releases that it goes through."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._monkeypatch = monkeypatch

    def migrate(self, migrations: list[Migration]) -> None:
        """Open it with a release that has these migrations."""
        self._monkeypatch.setattr(schema, "MIGRATIONS", migrations)
        SqliteRepository(self.path).close()

    def applied(self) -> list[int]:
        """The numbers of its migrations."""
        return [number for (number,) in self.rows("select number from migration order by number")]

    def schema(self) -> Any:
        """All that is defined in it."""
        return (
            self.rows("select type, name, tbl_name, sql from sqlite_schema order by name"),
            self.rows("pragma application_id"),
            self.rows("select number, name from migration order by number"),
        )

    def rows(self, sql: str) -> list[Any]:
        connection = apsw.Connection(str(self.path))
        rows = connection.execute(sql).fetchall()
        connection.close()
        return list(rows)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path / "fresh.db", monkeypatch)


@pytest.fixture
def grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path / "grown.db", monkeypatch)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_migrations_are_numbered_from_one_without_gaps(store: str) -> None:
    migrations = migration.load(f"reunite.repositories.{store}")
    assert [step.number for step in migrations] == list(range(1, len(migrations) + 1))
    assert migrations


@pytest.mark.parametrize("first", range(1, len([*MADE, *LATER]) + 1))
def test_migrating_step_by_step_gives_the_schema_of_a_fresh_store(
    first: int, fresh: Place, grown: Place
) -> None:
    steps = [*MADE, *LATER]
    for number in range(first, len(steps) + 1):
        grown.migrate(steps[:number])
        assert grown.applied() == list(range(1, number + 1))
    fresh.migrate(steps)
    assert grown.schema() == fresh.schema()


def test_what_was_stored_before_a_migration_is_there_after_it(grown: Place) -> None:
    with SqliteRepository(grown.path) as store:
        store.identify("a@x.co", "1")
    grown.migrate([*MADE, *LATER])
    with SqliteRepository(grown.path) as store:
        assert store.identify("a@x.co").phone_numbers == ("1",)


def test_a_migration_that_fails_leaves_the_store_where_it_was(grown: Place) -> None:
    grown.migrate(MADE)
    before = grown.schema()
    with pytest.raises(StoreError, match="no_such_table"):
        grown.migrate(interrupted("insert into no_such_table values (1)"))
    assert grown.schema() == before
    grown.migrate([*MADE, *LATER])
    assert grown.applied() == list(range(1, len(MADE) + 3))


def test_a_new_store_that_fails_to_migrate_stays_empty(fresh: Place) -> None:
    with pytest.raises(StoreError, match="no_such_table"):
        fresh.migrate(interrupted("insert into no_such_table values (1)"))
    assert fresh.rows("select * from sqlite_schema") == []
    fresh.migrate(MADE)
    assert fresh.applied() == list(range(1, len(MADE) + 1))


def migrate_until_killed(path: Path) -> None:
    """Migrate in a process that dies, as by kill -9, in the middle of the second later step."""

    def die(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    apsw.connection_hooks.append(
        lambda connection: connection.create_scalar_function("die", die, 0)
    )
    schema.MIGRATIONS = interrupted("select die()")
    SqliteRepository(path)


@pytest.mark.parametrize("is_made", [True, False])
def test_a_process_killed_while_it_migrates_leaves_the_store_where_it_was(
    is_made: bool, grown: Place
) -> None:
    if is_made:
        grown.migrate(MADE)
    before = grown.rows("select * from sqlite_schema")
    process = multiprocessing.get_context("spawn").Process(
        target=migrate_until_killed, args=(grown.path,)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert grown.rows("select * from sqlite_schema") == before
    grown.migrate([*MADE, *LATER])
    assert grown.applied() == list(range(1, len(MADE) + 3))


def test_a_store_that_many_migrate_at_once_is_migrated_once(grown: Place, fresh: Place) -> None:
    grown.migrate(MADE)
    fresh.migrate([*MADE, *LATER])
    with ThreadPoolExecutor(4) as pool:
        for opening in [pool.submit(SqliteRepository, grown.path) for _ in range(4)]:
            opening.result().close()
    assert grown.schema() == fresh.schema()
