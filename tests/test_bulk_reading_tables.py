"""Tables and queries of both kinds of databases are read, and never changed."""

from __future__ import annotations

from pathlib import Path

import apsw
import psycopg
import pytest

from reunite.errors import ImportStopped
from sources import reading

ROWS = """
  (1, 'Ann@Shop.com', '98765 43210', null, '2024-01-02 03:04:05.678+00', null),
  (2, null, '5', 1, null, '2024-01-02'),
  (3, 'bad', '', 1, null, null),
  (4, 'two' || chr(10) || 'lines', '6', null, null, null)
"""
TAKEN = [
    (1, 1704164645678000, "ann@shop.com", "9876543210", None),
    (4, 1_800_000_000_000_000, None, "6", None),
]
FAULTS = [
    (3, "email", "bad", "has no @"),
    (4, "email", "two lines", "holds a blank or a control character"),
]


@pytest.fixture
def database_url(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind with a table Contact."""
    create = 'create table "Contact" (id {}, email text, phone text, "linkedId" {}, created_at {}, '
    if store_kind == "sqlite":
        connection = apsw.Connection(str(tmp_path / "shop.db"))
        connection.execute(create.format("integer", "real", "text") + "deleted_at text)")
        connection.execute(f'insert into "Contact" values {ROWS.replace("chr", "char")}')
        connection.close()
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(url) as postgresql:
        postgresql.execute(create.format("int", "int", "timestamptz") + "deleted_at date)")
        postgresql.execute(
            'insert into "Contact" select v.column1, v.column2, v.column3, v.column4::int,'
            f" v.column5::timestamptz, v.column6::date from (values {ROWS}) v"
        )
    return url


@pytest.mark.parametrize("table", ["Contact", '"Contact"', "main.Contact", 'main."Contact"'])
def test_reads_a_table(database_url: str, store_kind: str, tmp_path: Path, table: str) -> None:
    table = table if store_kind == "sqlite" else table.replace("main", "public")
    with reading(tmp_path, database_url, table=table) as found:
        assert found.rows("select id, created_at, email, phone, linked from taken") == TAKEN
        assert found.faults == FAULTS
        assert found.rows("select id, why from left_out") == [(2, "deleted"), (3, "refused")]


def test_reads_a_query(database_url: str, tmp_path: Path) -> None:
    query = 'select id + 10 as id, email as "Mail" from "Contact" where id = 1'
    for end in ("", ";\n", " -- {} %", "\n/* ; */ -- ) ;"):
        with reading(tmp_path, database_url, query=query + end) as found:
            assert found.taken == [(11, "ann@shop.com", None)]


def test_reads_a_query_in_its_order_and_columns_of_one_name(
    database_url: str, tmp_path: Path
) -> None:
    query = 'select 0 as x, id, phone, 1 as x from "Contact" where id > 2 order by id desc'
    with reading(tmp_path, database_url, query=query) as found:
        assert found.taken == [(4, None, "6")]
        assert found.rows("select id, record from left_out") == [(3, 1)]


def test_text_that_is_no_utf_8_is_refused_and_the_row_keeps_its_other(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "shop.db"))
    connection.execute(
        "create table contact (id, email, phone);"
        "insert into contact values (1, cast(x'61ff40782e636f' as text), 5.0),"
        " (2, x'61ff40782e636f', '6'), (3, cast('é@x.co' as blob), null), (4, 'ü@x.co', x'37')"
    )
    connection.close()
    with reading(tmp_path, f"sqlite:///{tmp_path}/shop.db", table="contact") as found:
        assert found.taken == [
            (1, None, "5"),
            (2, None, "6"),
            (3, "é@x.co", None),
            (4, "ü@x.co", "7"),
        ]
        wrong = ("email", "a\N{REPLACEMENT CHARACTER}@x.co", "is not UTF-8")
        assert found.faults == [(1, *wrong), (2, *wrong)]


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_reads_text_in_the_encodings_that_sqlite_has(tmp_path: Path, encoding: str) -> None:
    connection = apsw.Connection(str(tmp_path / "shop.db"))
    connection.execute(
        f"pragma encoding = '{encoding}'; create table contact (id, email);"
        "insert into contact values (1, 'é@x.co'), (2, cast(x'78ff' as blob))"
    )
    connection.close()
    with reading(tmp_path, f"sqlite:///{tmp_path}/shop.db", table="contact") as found:
        assert found.taken == [(1, "é@x.co", None)]
        assert [fault[3] for fault in found.faults] == ["is not UTF-8"]


def test_reads_a_table_without_rows(database_url: str, tmp_path: Path) -> None:
    with reading(tmp_path, database_url, query='select * from "Contact" where id > 9') as found:
        assert found.reading.rows == 0
        assert "email" in found.reading.sources[0].mapping


@pytest.mark.parametrize("name", ['Contact"; drop table "Contact', "a.b.c", "", "none"])
def test_a_tables_name_is_only_a_name(database_url: str, tmp_path: Path, name: str) -> None:
    if not name:
        return
    with pytest.raises(ImportStopped), reading(tmp_path, database_url, table=name):
        pass
    with reading(tmp_path, database_url, table="Contact") as found:
        assert found.reading.rows == 4


def test_a_query_cannot_write(database_url: str, tmp_path: Path) -> None:
    query = 'delete from "Contact" returning *'
    with pytest.raises(ImportStopped), reading(tmp_path, database_url, query=query):
        pass
    with reading(tmp_path, database_url, table="Contact") as found:
        assert found.reading.rows == 4


def test_says_why_a_database_cannot_be_read(tmp_path: Path) -> None:
    places = [f"sqlite:///{tmp_path}/none.db", "postgresql://me:secret@127.0.0.1:1/shop"]
    for place, why in zip(places, ["no such file", "cannot be reached"], strict=True):
        with (
            pytest.raises(ImportStopped, match=why) as stopped,
            reading(tmp_path, place, table="contact"),
        ):
            pass
        assert "secret" not in str(stopped.value)
