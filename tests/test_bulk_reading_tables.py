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
    query = 'select id + 10 as id, email as "Mail" from "Contact" where id = 1 -- {} % ;\n;'
    with reading(tmp_path, database_url, query=query.replace("-- {} % ;", "")) as found:
        assert found.taken == [(11, "ann@shop.com", None)]


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
