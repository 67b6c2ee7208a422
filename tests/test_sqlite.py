"""The SQLite store: its plans, its constraints, its clock, and what it refuses to open."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

import reunite
from audit import Tables, faults
from reunite import (
    Policy,
    PolicyMismatch,
    SchemaMismatch,
    StoreUnavailable,
    UnsuitableStore,
)
from reunite.repositories.sqlite import SqliteRepository
from reunite.repositories.sqlite.checkpointer import EVERY
from reunite.repositories.sqlite.connection import LOG_BYTES, connect
from reunite.repositories.sqlite.schema import BATCH, QUERIES
from server import wait_until

ACCESSES = {
    "schema_exists": ["SCAN sqlite_schema"],
    "create_migration": [],
    "applied_migrations": ["SEARCH migration"],
    "note_migration": [],
    "workspace": ["SEARCH workspace USING INDEX sqlite_autoindex_workspace_1 (name=?)"],
    "create_workspace": [],
    "identity_limit": ["SEARCH workspace USING INTEGER PRIMARY KEY (rowid=?)"],
    "set_identity_limit": ["SEARCH workspace USING INTEGER PRIMARY KEY (rowid=?)"],
    "totals": ["SEARCH journal USING PRIMARY KEY (workspace=?)"],
    "known": [
        "SEARCH workspace USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH identifier USING PRIMARY KEY (workspace=? AND type=? AND key=?)",
        "SEARCH contact USING PRIMARY KEY (workspace=? AND id=?)",
        "SEARCH identifier USING PRIMARY KEY (workspace=? AND type=? AND key=?)",
        "SEARCH contact USING PRIMARY KEY (workspace=? AND id=?)",
        "SEARCH contact USING COVERING INDEX contact_identity (workspace=? AND identity_id=?)",
        "SEARCH link USING PRIMARY KEY"
        " (workspace=? AND a_type=? AND a_key=? AND b_type=? AND b_key=? AND source=?)",
        # These only where the workspace blocks anything: within its `case`.
        "SEARCH identifier USING INDEX identifier_blocked (workspace=? AND type=? AND key=?)",
        "SEARCH link USING PRIMARY KEY (workspace=? AND a_type=? AND a_key=?)",
        "SEARCH link USING INDEX link_b (workspace=? AND b_type=? AND b_key=?)",
        "SEARCH other USING INDEX identifier_blocked (workspace=? AND type=? AND key=?)",
        "SEARCH identifier USING INDEX identifier_blocked (workspace=? AND type=? AND key=?)",
        "SEARCH identifier USING INDEX identifier_blocked (workspace=? AND type=? AND key=?)",
        "SEARCH identifier USING INDEX identifier_blocked (workspace=? AND type=? AND key=?)",
        "SEARCH contact USING PRIMARY KEY (workspace=? AND id=?)",
        # This only where a constraint stands.
        "SEARCH it USING PRIMARY KEY (workspace=? AND a_type=? AND a_key=?)",
        "SEARCH journal USING PRIMARY KEY (workspace=?)",
    ],
    "hold_again": [
        "SEARCH held USING PRIMARY KEY (workspace=? AND id=?)",
        "SEARCH held USING INDEX held_waiting (workspace=? AND email=? AND <expr>=?)",
    ],
    "hold": ["SEARCH held USING PRIMARY KEY (workspace=?)"],
    "write_batch": [],
}
"""How each named query reads the tables; none may walk one that grows."""

BATCH_ACCESSES = [
    [
        "SEARCH workspace USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH journal USING PRIMARY KEY (workspace=?)",
    ],
    [
        "SEARCH contact USING PRIMARY KEY (workspace=? AND id=?)",
        "SEARCH member USING COVERING INDEX contact_identity (workspace=? AND identity_id=?)",
    ],
    *([[]] * 4),
]
"""The same of each statement of the trigger, which no plan of `write_batch` shows."""

TREE_ACCESSES = [
    "SEARCH workspace USING COVERING INDEX sqlite_autoindex_workspace_1 (name=?)",
    "SEARCH contact USING PRIMARY KEY (workspace=? AND id=?)",
    "SEARCH head USING PRIMARY KEY (workspace=? AND id=?)",
    "SEARCH oldest USING COVERING INDEX contact_identity (workspace=? AND identity_id=?)",
    "SEARCH journal USING INDEX journal_demoted (workspace=? AND demoted_id=?)",
    "SEARCH demotion USING PRIMARY KEY (workspace=? AND contact_id=?)",
    "SEARCH journal USING PRIMARY KEY (workspace=? AND position=?)",
]

VALUES = {
    "name": "default",
    "phone_region": None,
    "rule_version": 1,
    "at": 1,
    "workspace": 1,
    "identity_limit": 3,
    "after": 0,
    "repointed": '{"1": 2}',
    "requests": '[["a@x.co", "1"]]',
    "contacts": "[]",
    "identifiers": "[]",
    "links": "[]",
    "entries": "[]",
    "identity_id": 1,
    "into": 2,
    "number": 1,
    "to_join": True,
    "email": "a@x.co",
    "phone": "1",
    "key": "1",
    "reason": "limit",
    "a_type": "",
    "a_key": "",
    "b_type": "",
    "b_key": "",
    "constraint_position": 0,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reunite.db"


@contextmanager
def raw(path: Path) -> Iterator[apsw.Connection]:
    """A connection as any other program would have it."""
    connection = apsw.Connection(str(path))
    try:
        yield connection
    finally:
        connection.close()


def accesses(connection: apsw.Connection, sql: str) -> list[str]:
    """How a query reads tables, in the plan's order; its own intermediate results left out."""
    plan = [str(row[3]) for row in connection.execute(f"explain query plan {sql}", VALUES)]
    own = {line.removeprefix("MATERIALIZE ") for line in plan if line.startswith("MATERIALIZE ")}
    read = [
        line
        for line in plan
        if re.match("(SCAN|SEARCH) (?!CONSTANT ROW|jsonb?_each |moved )", line)
    ]
    return [line for line in read if line.split()[1] not in own]


def batch_statements() -> list[str]:
    """What the trigger does, as statements of their own."""
    body = BATCH.partition(" begin\n")[2].rpartition("end;")[0]
    by_hand = body.replace("new.", ":").replace("raise(abort, 'overtaken')", "1")
    return [statement for statement in by_hand.split(";\n") if statement.strip()]


def assert_plans_are_right(path: Path) -> None:
    with closing(connect(str(path), busy_timeout=1)) as connection:
        connection.execute(BATCH)
        assert {name: accesses(connection, sql) for name, sql in QUERIES.items()} == ACCESSES
        assert [accesses(connection, sql) for sql in batch_statements()] == BATCH_ACCESSES
    with raw(path) as connection:
        tree = "select * from contact_tree where workspace = :name and id = :identity_id"
        assert accesses(connection, tree) == TREE_ACCESSES


def test_a_walk_through_a_table_shows_in_the_plan(path: Path) -> None:
    SqliteRepository(path).close()
    with raw(path) as connection:
        walk = "select 1 from contact where phone = :name"
        assert accesses(connection, walk) == ["SCAN contact USING COVERING INDEX contact_identity"]
        assert accesses(connection, "select * from journal") == ["SCAN journal"]


def test_every_query_goes_through_its_key_while_the_tables_are_empty(path: Path) -> None:
    SqliteRepository(path).close()
    assert_plans_are_right(path)


def test_every_query_goes_through_its_key_when_the_tables_have_grown(path: Path) -> None:
    with SqliteRepository(path) as store:
        store.identify_many([(f"a{n}@x.co", str(n)) for n in range(10_000)])
        store.identify_many([(f"a{n}@x.co", str(n + 1)) for n in range(0, 1000, 2)])
    assert_plans_are_right(path)
    with raw(path) as connection:
        connection.execute("analyze")
    assert_plans_are_right(path)


def test_plans_are_kept_whatever_values_are_bound(path: Path) -> None:
    with SqliteRepository(path) as store:
        for connection in (store._writer, store._reader):
            assert connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1) == 1


def test_the_view_is_the_tasks_own_table(path: Path) -> None:
    times = iter(range(1_700_000_000_000_000, 1_800_000_000_000_000, 1_500_000))
    with SqliteRepository(path, clock=lambda: next(times)) as store:
        store.identify("old@x.co", "1")
        store.identify("young@x.co", "2")
        store.identify("young@x.co", "3")
        store.identify("old@x.co", "2")
        store.identify("old@x.co", "3")
    first, second, third, merged = (
        f"2023-11-14T22:13:{seconds}Z" for seconds in ("23.000", "24.500", "26.000", "27.500")
    )
    names = (
        "id, phone_number, email, linked_id, link_precedence, created_at, updated_at, deleted_at"
    )
    with raw(path) as connection:
        cursor = connection.execute(f"select {names} from contact_tree where workspace = 'default'")
        assert sorted(cursor.fetchall()) == [
            (1, "1", "old@x.co", None, "primary", first, first, None),
            (2, "2", "young@x.co", 1, "secondary", second, merged, None),
            (3, "3", "young@x.co", 1, "secondary", third, third, None),
        ]


GOOD: dict[str, dict[str, Any]] = {
    "migration": {"number": 99, "name": "x", "applied_at": 1},
    "workspace": {
        "id": 99,
        "name": "other",
        "phone_region": "IN",
        "rule_version": 1,
        "identity_limit": 2,
        "created_at": 1,
    },
    "contact": {
        "workspace": 1,
        "id": 99,
        "identity_id": 99,
        "created_at": 1,
        "email": "a@x.co",
        "phone": "+1",
        "position": 1,
        "source": "presented",
        "anchor": "email",
    },
    "identifier": {"workspace": 1, "type": "phone", "key": "1", "contact_id": 99},
    "provenance": {"workspace": 1, "contact_id": 99, "position": 1, "linked_id": "7"},
    "tombstone": {"workspace": 1, "contact_id": 98, "position": 1},
    "link": {
        "workspace": 1,
        "a_type": "email",
        "a_key": "a@x.co",
        "b_type": "phone",
        "b_key": "1",
        "source": "presented",
        "position": 1,
        "at": 1,
    },
    "journal": {
        "workspace": 1,
        "position": 99,
        "type": "extended",
        "at": 1,
        "contact_id": 99,
        "with_contact_id": 1,
        "primary_id": 1,
        "demoted_id": None,
        "contacts": 1,
        "identities": 1,
        "last_contact_id": 99,
    },
    "void": {"workspace": 1, "position": 99, "target": "operation", "target_position": 1},
    "identity_constraint": {
        "workspace": 1,
        "a_type": "email",
        "a_key": "y@x.co",
        "b_type": "phone",
        "b_key": "1",
        "position": 1,
    },
    "block": {"workspace": 1, "type": "phone", "key": "1", "position": 1},
    "held": {
        "workspace": 1,
        "id": 1,
        "at": 1,
        "last_at": 1,
        "email": "y@x.co",
        "phone": "1",
        "reason": "limit",
    },
}
"""A row that each table takes."""

BAD_EMAILS = ["", "a", "@x.co", "a@x", "A@x.co", "a b@x.co", "a@b@x.co", "a@.co", "a@x..co"]
BAD_EMAILS += ["a@x.co.", "a@ä.co", "a@x .co", "a@x.co\n", f"{'a' * 250}@x.co"]
BAD_PHONES = ["", "+", "++1", "1+2", "x1", "+x1", "1x", "1x2x3", "1-2", " 1", "1" * 67]

BAD: list[tuple[str, dict[str, Any]]] = [
    ("migration", {"number": 0}),
    ("workspace", {"name": ""}),
    ("workspace", {"phone_region": "india"}),
    ("workspace", {"rule_version": 0}),
    ("workspace", {"identity_limit": 1}),
    ("workspace", {"has_blocks": 2}),
    ("contact", {"id": 0}),
    ("contact", {"position": 0}),
    ("contact", {"email": None, "phone": None}),
    ("contact", {"anchor": "fax"}),
    ("contact", {"email": None}),
    ("contact", {"source": "guessed"}),
    *(("contact", {"email": email}) for email in BAD_EMAILS),
    *(("contact", {"phone": phone}) for phone in BAD_PHONES),
    ("identifier", {"type": "fax"}),
    ("identifier", {"key": ""}),
    ("identifier", {"contact_id": None}),
    ("identifier", {"blocked_by": 0}),
    ("link", {"a_type": "fax"}),
    ("link", {"a_key": ""}),
    ("link", {"b_type": "zip"}),
    ("link", {"b_type": "row"}),
    ("link", {"b_type": "email", "b_key": ""}),
    ("link", {"source": "guessed"}),
    ("link", {"position": 0}),
    ("link", {"a_type": "phone", "a_key": "2"}),
    ("contact", {"voided": 1}),
    ("link", {"voided": 1}),
    ("workspace", {"has_constraints": 2}),
    ("void", {"target": "workspace"}),
    ("void", {"target_position": 99}),
    ("void", {"voided": 99}),
    ("identity_constraint", {"a_type": "fax"}),
    ("identity_constraint", {"a_key": ""}),
    ("identity_constraint", {"b_type": "row"}),
    ("identity_constraint", {"b_type": "email", "b_key": ""}),
    ("identity_constraint", {"a_type": "phone", "a_key": "2"}),
    ("identity_constraint", {"voided": 1}),
    ("block", {"type": "fax"}),
    ("block", {"key": ""}),
    ("block", {"voided": 1}),
    ("held", {"id": 0}),
    ("held", {"requests": 0}),
    ("held", {"reason": "mood"}),
    ("held", {"constraint_position": 1}),
    ("provenance", {"linked_id": None}),
    ("tombstone", {"contact_id": 0}),
    ("journal", {"position": 0}),
    ("journal", {"type": "erased"}),
    ("journal", {"contacts": -1}),
    ("journal", {"identities": -1}),
    ("journal", {"last_contact_id": -1}),
    ("journal", {"type": "imported"}),
    ("journal", {"type": "imported", "primary_id": None, "with_contact_id": None}),
    ("journal", {"contact_id": None}),
    ("journal", {"primary_id": None}),
    ("journal", {"type": "created"}),
    ("journal", {"with_contact_id": None}),
    ("journal", {"type": "merged"}),
    ("journal", {"demoted_id": 2}),
]


def add(connection: apsw.Connection, table: str, row: dict[str, Any]) -> None:
    values = ", ".join(f":{name}" for name in row)
    connection.execute(f"insert into {table} ({', '.join(row)}) values ({values})", row)


def test_the_database_itself_refuses_what_the_code_never_writes(path: Path) -> None:
    SqliteRepository(path).close()
    broken = set()
    with raw(path) as connection:
        for table, change in BAD:
            with pytest.raises(apsw.ConstraintError, match="CHECK constraint failed") as refused:
                add(connection, table, GOOD[table] | change)
            broken.add((table, str(refused.value)))
        for table, row in GOOD.items():
            add(connection, table, row)
        schema = "".join(
            sql for (sql,) in connection.execute("select sql from sqlite_schema") if sql
        )
    assert len(broken) == len(re.findall(r"\bcheck \(", schema))


def test_the_longest_identifiers_and_an_extension_pass_the_constraints(path: Path) -> None:
    with SqliteRepository(path) as store:
        store.identify("ü" * 64 + "@" + "b" * 185 + ".com", "+" + "9" * 32 + "x" + "1" * 32)
        store.identify("a.b+c@xn--bcher-kva.example", "1x0")
        assert store.totals().contacts == 2


def test_time_never_runs_backwards_in_the_store_whatever_the_clocks_say(path: Path) -> None:
    clocks = {"one": 500, "other": 100}
    with (
        SqliteRepository(path, clock=lambda: clocks["one"]) as one,
        SqliteRepository(path, clock=lambda: clocks["other"]) as other,
    ):
        one.identify("a@x.co", "1")
        other.identify("b@x.co", "2")
        clocks["one"] = 400
        one.identify("c@x.co", "3")
        clocks["other"] = 900
        other.identify("c@x.co", "4")
        clocks["one"] = 700
        assert one.identify("c@x.co", "2").primary_contact_id == 2
        assert other.identify("a@x.co", "4").secondary_contact_ids == (2, 3, 4)
    tables = Tables.read(f"sqlite:///{path}")
    assert [row["at"] for row in tables.journal] == [500, 500, 500, 900, 900, 900]
    assert [(row["id"], row["created_at"]) for row in tables.contacts] == [
        (1, 500),
        (2, 500),
        (3, 500),
        (4, 900),
    ]
    assert faults(tables) == []


@contextmanager
def refused(error: type[Exception], *words: str) -> Iterator[None]:
    """What is refused says what is wrong and what to do."""
    with pytest.raises(error) as raised:
        yield
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize("migrate", [True, False])
def test_a_store_of_a_newer_program_is_refused(path: Path, migrate: bool) -> None:
    SqliteRepository(path).close()
    with raw(path) as connection:
        add(connection, "migration", GOOD["migration"])
    with refused(SchemaMismatch, str(path), "has schema 99", "install the newer reunite"):
        SqliteRepository(path, migrate=migrate)


def test_a_store_that_may_not_be_migrated_says_who_may(path: Path) -> None:
    with refused(SchemaMismatch, "has schema 0", "run `reunite migrate`"):
        SqliteRepository(path, migrate=False)
    SqliteRepository(path).close()
    SqliteRepository(path, migrate=False).close()


def test_another_policy_is_refused(path: Path) -> None:
    SqliteRepository(path).close()
    SqliteRepository(path, workspace="india", policy=Policy("IN")).close()
    with refused(PolicyMismatch, "phone region none", "unset REUNITE_PHONE_REGION"):
        SqliteRepository(path, policy=Policy("IN"))
    with refused(PolicyMismatch, "'india'", "phone region IN", "set REUNITE_PHONE_REGION=IN"):
        SqliteRepository(path, workspace="india")
    with raw(path) as connection:
        connection.execute("update workspace set rule_version = 7 where name = 'default'")
    with refused(PolicyMismatch, "rule version 7", "use a release of reunite with that version"):
        SqliteRepository(path)


@pytest.mark.parametrize("table", ["person", "migration", "contact"])
def test_another_programs_database_is_refused_and_left_as_it_was(path: Path, table: str) -> None:
    with raw(path) as connection:
        connection.execute(f"create table {table} (x)")
    before = path.read_bytes()
    for migrate in (True, False):
        with refused(UnsuitableStore, "of something else", "name a file of reunite's own"):
            SqliteRepository(path, migrate=migrate)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("size", [5, 600, 5000])
def test_what_is_no_database_is_refused_and_left_as_it_was(path: Path, size: int) -> None:
    path.write_text("x" * size)
    with refused(UnsuitableStore, "is not a SQLite database", "name a file of reunite's own"):
        SqliteRepository(path)
    assert path.read_text() == "x" * size
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with SqliteRepository(path) as store:
        assert store.identify("a@x.co").primary_contact_id == 1


def test_a_missing_folder_is_named(path: Path) -> None:
    for place in (path / "missing" / "reunite.db", path.parent):
        with refused(StoreUnavailable, str(place), "it must be a file in a folder that exists"):
            SqliteRepository(place)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user to whom permissions apply; the superuser passes them all."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            yield Path(folder)
            return
        nobody = 65534
        os.chown(folder, nobody, nobody)
        os.seteuid(nobody)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("is_made", [True, False])
def test_what_may_not_be_written_is_refused_at_once(unprivileged: Path, is_made: bool) -> None:
    path = unprivileged / "reunite.db"
    path.touch()
    if is_made:
        SqliteRepository(path).close()
    path.chmod(0o444)
    with refused(StoreUnavailable, str(path), "read-only", "must be allowed to write it"):
        SqliteRepository(path)
    path.chmod(0o644)
    unprivileged.chmod(0o555)
    with refused(StoreUnavailable, str(path), "both must be writable"):
        SqliteRepository(path)
    unprivileged.chmod(0o755)
    SqliteRepository(path).close()


def test_a_sqlite_that_can_corrupt_files_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    with refused(UnsuitableStore, "3.51.2", "3.51.3 or newer", "pip install --upgrade apsw"):
        SqliteRepository(path)
    assert not path.exists()
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.3")
    SqliteRepository(path).close()


def test_a_place_without_wal_is_refused() -> None:
    with refused(UnsuitableStore, "WAL mode is not available"):
        SqliteRepository(":memory:")


def test_a_refused_store_is_not_left_open(path: Path) -> None:
    SqliteRepository(path).close()
    for _ in range(3):
        with pytest.raises(PolicyMismatch):
            SqliteRepository(path, policy=Policy("IN"))
        assert not path.with_name("reunite.db-wal").exists()


def test_commits_are_flushed_and_the_file_says_whose_it_is(path: Path) -> None:
    with SqliteRepository(path) as store:
        store.identify("a@x.co")
        assert store._writer.pragma("synchronous") == 2  # full: each commit is flushed
        assert store._writer.pragma("journal_mode") == "wal"
    assert path.read_bytes()[68:72] == b"reun"


def test_the_url_and_the_class_open_the_same_file(path: Path) -> None:
    with reunite.open(f"sqlite:///{path}") as store, SqliteRepository(path) as other:
        store.identify("a@x.co", "1")
        assert other.identify("a@x.co").phone_numbers == ("1",)


def test_the_log_is_moved_into_the_file_beside_the_writer(path: Path) -> None:
    with SqliteRepository(path) as store:
        store.identify("first@x.co", "1")
        size = path.stat().st_size
        store.identify_many([(f"a{n}@x.co", str(n)) for n in range(2, EVERY + 2)])
        wait_until(lambda: path.stat().st_size > size, "moved into the file")
        assert store.identify("first@x.co", "2").primary_contact_id == 1


@pytest.mark.parametrize("page_size", [1024, 4096, 16384])
def test_the_log_begins_anew_at_the_same_length_whatever_the_pages(
    path: Path, page_size: int
) -> None:
    SqliteRepository(path).close()
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "delete")
        connection.pragma("page_size", page_size)
        connection.execute("vacuum")
    with SqliteRepository(path) as store:
        assert store._writer.pragma("page_size") == page_size
        assert store._writer.pragma("wal_autocheckpoint") * page_size == LOG_BYTES


def test_a_checkpoint_that_fails_is_told_and_loses_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with SqliteRepository(path) as store:
        store._checkpointer._connection.close()
        store.identify_many([(f"a{n}@x.co", str(n)) for n in range(EVERY)])
        wait_until(lambda: "checkpoint failed" in caplog.text, "told")
        assert store.identify("a7@x.co", "7").outcome == "known"


def test_a_store_that_cannot_be_opened_whole_leaves_nothing_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[apsw.Connection] = []

    def connect_twice(*arguments: Any, **settings: Any) -> apsw.Connection:
        if len(opened) == 2:
            raise StoreUnavailable("no more")
        opened.append(connect(*arguments, **settings))
        return opened[-1]

    monkeypatch.setattr("reunite.repositories.sqlite.repository.connect", connect_twice)
    with pytest.raises(StoreUnavailable):
        SqliteRepository(path)
    for connection in opened:
        with pytest.raises(apsw.ConnectionClosedError):
            connection.execute("select 1")
