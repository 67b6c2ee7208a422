"""The same cells say the same, whichever kind of source they stand in and however it is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw
import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources import reading

COLUMNS = ("id", "email", "phone", "linkedId", "createdAt", "deletedAt")

Cells = Sequence[Sequence[str]]


def delimited(cells: Cells, delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    rows.writerows([COLUMNS, *cells])
    return text.getvalue().encode()


def write_csv(path: Path, cells: Cells) -> None:
    path.write_bytes(delimited(cells))


def write_csv_with_a_blank_line(path: Path, cells: Cells) -> None:
    path.write_bytes(b"\n" + delimited(cells))


def write_tsv(path: Path, cells: Cells) -> None:
    path.write_bytes(delimited(cells, "\t"))


def write_ndjson(path: Path, cells: Cells) -> None:
    path.write_text(
        "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in cells)
    )


def write_parquet(path: Path, cells: Cells) -> None:
    connection = duckdb.connect()
    connection.execute(f"create table t ({', '.join(f'{name} varchar' for name in COLUMNS)})")
    connection.executemany(f"insert into t values ({', '.join('?' * len(COLUMNS))})", cells)
    connection.execute("copy t to $path (format parquet)", {"path": str(path)})


def write_sqlite(path: Path, cells: Cells) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(f"create table contact ({', '.join(COLUMNS)})")
    connection.executemany(f"insert into contact values ({', '.join('?' * len(COLUMNS))})", cells)
    connection.close()


WRITERS: dict[str, Callable[[Path, Cells], None]] = {
    "a.csv": write_csv,
    "b.csv": write_csv_with_a_blank_line,
    "a.tsv": write_tsv,
    "a.ndjson": write_ndjson,
    "a.parquet": write_parquet,
    "a.db": write_sqlite,
}


def said(folder: Path, name: str, cells: Cells) -> dict[str, Any]:
    """What a source of these cells says, its lines aside."""
    path = folder / name
    path.unlink(missing_ok=True)
    WRITERS[name](path, cells)
    place = f"sqlite:///{path}" if name == "a.db" else str(path)
    with reading(folder, place, table="contact" if name == "a.db" else None) as found:
        return {
            "taken": found.rows("select * from taken order by record"),
            "left out": found.rows("select * from left_out order by record"),
            "faults": found.rows("select record, col, value, reason from fault order by rowid"),
        }


def cells_of(*rows: tuple[str, str, str, str, str]) -> Cells:
    return [(str(number), *row) for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize("name", WRITERS)
def test_what_stands_for_no_value_is_absent_with_blanks_around_it_too(
    tmp_path: Path, name: str
) -> None:
    cells = cells_of(
        ("a@x.co", "15.0", "", "2020-01-01\n", " NULL"),
        ("b@x.co", "15.0", " NULL", "\tNULL", "\t"),
        (" \\N\t", "15.0", " \N{NO-BREAK SPACE}null\r\n", "", "\n"),
        ("\tc@x.co ", " NULL ", "\t1 ", " null ", " null "),
    )
    found = said(tmp_path, name, cells)
    assert [row[2:5] for row in found["taken"]] == [
        ("a@x.co", "15", None),
        ("b@x.co", "15", None),
        (None, "15", None),
        ("c@x.co", None, "1"),
    ]
    assert found["taken"][0][1] == 1_577_836_800_000_000
    assert found["left out"] == found["faults"] == []


padding = st.sampled_from(["", "", " ", "  ", "\t", "\n", "\r\n", "\N{NO-BREAK SPACE}", " \t\n"])
words = st.sampled_from(
    [
        *("", "\\N", "NULL", "null", "Null", "false", "0", "7", "7.0", '"', ",", "é", "12.0"),
        *("a@x.co", "a b@x.co", '"a@x.co"', "+49 30\t1", "x\ny", "infinity"),
        *("2020-01-01", "2020-01-01T00:00:00Z"),
    ]
)
cells = st.builds(lambda *parts: "".join(parts), padding, words, padding)


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(cells, cells, cells, cells, cells), min_size=1, max_size=25))
def test_the_same_cells_say_the_same_in_every_kind_of_source(
    tmp_path: Path, rows: list[tuple[str, str, str, str, str]]
) -> None:
    numbered = cells_of(*rows)
    expected = said(tmp_path, "a.csv", numbered)
    for name in WRITERS:
        assert said(tmp_path, name, numbered) == expected, name
