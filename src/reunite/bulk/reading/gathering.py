"""The rows of all sources as text, in one table, with where each was found.

``raw`` has a row for each row of a source, in order: its rowid is the row's record. A healthy CSV
file goes straight through DuckDB. What is not is read once more, with care (`records`): it is not
healthy if DuckDB refuses it, or if it has not exactly one line for each row.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from reunite.bulk.engine import CHUNK, Engine
from reunite.bulk.literal import literal
from reunite.bulk.reading import records
from reunite.bulk.reading.columns import COLUMNS, recognise
from reunite.bulk.reading.lines import even_lines, header_of
from reunite.bulk.reading.records import Record
from reunite.bulk.reading.source import Source
from reunite.bulk.reading.spooling import Plain, spool
from reunite.errors import ImportStopped
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.reading", "gathering.sql")

_FIELDS = dict(zip(COLUMNS, ("id", "email", "phone", "linked", "created", "deleted"), strict=True))
"""Our columns, and their names in the tables."""


class Gathered(NamedTuple):
    """What a source gave: how many rows, our columns by its names, and its other columns."""

    rows: int
    mapping: dict[str, str]
    ignored: list[str]


class _Spot(NamedTuple):
    """A source on its way in: the record of its first row, and how it is called."""

    engine: Engine
    source: Source
    plain: Plain
    first: int
    number: int


def begin(engine: Engine) -> None:
    """Make the tables that `gather` adds to."""
    engine.connection.execute(QUERIES["begin"])


def gather(
    engine: Engine,
    source: Source,
    number: int,
    mapping: Mapping[str, str],
    *,
    needs_id: bool,
    advance: Callable[[int], None],
) -> Gathered:
    """Add the rows of a source, whose number among all of them is given.

    Raises `ImportStopped` where it cannot be read or lacks a column.
    """
    plain = spool(engine, source, number)
    spot = _Spot(engine, source, plain, engine.count("raw"), number)

    def places(found: Sequence[str]) -> dict[str, int]:
        return recognise(source.name, found, mapping, needs_id=needs_id)

    if plain.format == "parquet":
        names, chosen, first_line = *_parquet(spot, places), 1
    elif plain.format == "ndjson":
        names, chosen, first_line = *_ndjson(spot, places), 1
    else:
        names, chosen, first_line = _csv(spot, places)
    for spooled in engine.folder.glob(f"source-{number}*"):
        spooled.unlink()
    rows = engine.count("raw") - spot.first
    engine.connection.execute(
        "insert into span values ($name, $first, $rows, $first_line)",
        {"name": source.name, "first": spot.first, "rows": rows, "first_line": first_line},
    )
    engine.connection.execute(QUERIES["drop_fractions_of_phones"], {"first": spot.first})
    advance(rows)
    return Gathered(
        rows,
        {ours: names[place] for ours, place in chosen.items()},
        [name for place, name in enumerate(names) if place not in chosen.values()],
    )


_Places = Callable[[Sequence[str]], dict[str, int]]


def _csv(spot: _Spot, places: _Places) -> tuple[list[str], dict[str, int], int]:
    path = spot.plain.path
    header = header_of(path, spot.plain.format, spot.source.name)
    chosen = places(header.names)
    lines = even_lines(path, header.delimiter) if header.is_first_line else None
    if lines is None or not _through_duckdb(
        spot, header.delimiter, len(header.names), chosen, lines
    ):
        found = records.csv_records(path, header.delimiter)
        next(found)
        _with_care(spot, records.fitted(found, len(header.names)), chosen)
    return header.names, chosen, 2 if spot.plain.has_lines else 1


def _ndjson(spot: _Spot, places: _Places) -> tuple[list[str], dict[str, int]]:
    names = records.json_keys(spot.plain.path)
    if not names:
        raise ImportStopped(
            f"{spot.source.name}: has no JSON object; each line must be one (of an array they are "
            "made by jq -c '.[]')"
        )
    chosen = places(names)
    _with_care(spot, records.json_records(spot.plain.path, names), chosen)
    return names, chosen


def _parquet(spot: _Spot, places: _Places) -> tuple[list[str], dict[str, int]]:
    table = f"read_parquet({literal(spot.plain.path)}, hive_partitioning = false)"
    try:
        described = spot.engine.connection.execute(f"describe select * from {table}").fetchall()
        names = [str(row[0]) for row in described]
        chosen = places(names)
        columns = {
            ours: f'"{names[place].replace(chr(34), chr(34) * 2)}"'
            for ours, place in chosen.items()
        }
        types = {ours: str(described[place][1]) for ours, place in chosen.items()}
        _insert(spot.engine, table, {ours: _typed(columns[ours], types[ours]) for ours in chosen})
        for ours in chosen:
            if types[ours] == "BLOB":
                _note_what_is_no_text(spot, ours, columns[ours])
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        wrong = str(error).splitlines()[0]
        raise ImportStopped(
            f"{spot.source.name}: is no Parquet file, or damaged: {wrong}"
        ) from None
    return names, chosen


def _typed(column: str, type_: str) -> str:
    """The text of a typed column; a fraction without any is a whole number that lost its type."""
    if type_.startswith("TIMESTAMP"):
        time = f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%d %H:%M:%S.%f')"
        return f"case when isfinite({column}) then {time} else {column}::varchar end"
    if type_ in {"DOUBLE", "FLOAT"} or type_.startswith("DECIMAL"):
        is_whole = f"{column} = trunc({column}) and abs({column}) < 1e18"
        return f"case when {is_whole} then {column}::bigint::varchar else {column}::varchar end"
    # Those who wrote text before it could be marked as such left bytes.
    text = f"try(decode({column}))" if type_ == "BLOB" else f"{column}::varchar"
    return f"replace(replace({text}, chr(13), ' '), chr(10), ' ')"  # as `_one_line`


def _note_what_is_no_text(spot: _Spot, ours: str, column: str) -> None:
    """Note the bytes of a Parquet file's column that are no UTF-8."""
    path = spot.engine.folder / f"source-{spot.number}-unread"
    cursor = spot.engine.connection.cursor()
    cursor.execute(
        f"select file_row_number, {column} from read_parquet({literal(spot.plain.path)},"
        " hive_partitioning = false, file_row_number = true)"
        f" where {column} is not null and try(decode({column})) is null"
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        unread = csv.writer(file, lineterminator="\n")
        while rows := cursor.fetchmany(CHUNK):
            for row, value in rows:
                text = _printable(value[:4000].decode("utf-8", "surrogateescape"))
                unread.writerow((spot.first + row, ours, text, "is not UTF-8", "false"))
    _take_unread(spot.engine, path)


def _through_duckdb(
    spot: _Spot, delimiter: str, width: int, chosen: Mapping[str, int], lines: int
) -> bool:
    """Add a CSV file if it is healthy: one row a line, the header included.

    Of a single column nothing tells a row without a value from a blank line, which is no row.
    """
    texts = {ours: f"c{place}" for ours, place in chosen.items()}
    connection = spot.engine.connection
    connection.begin()
    try:
        rows = _insert(spot.engine, _read_csv(spot.plain.path, delimiter, width), texts)
    except duckdb.InvalidInputException:
        connection.rollback()
        return False
    if rows + 1 != lines or (width == 1 and _has_an_empty_row(spot)):
        connection.rollback()
        return False
    connection.commit()
    return True


def _has_an_empty_row(spot: _Spot) -> bool:
    found = spot.engine.connection.execute(QUERIES["empty_rows"], {"first": spot.first})
    return bool(found.fetchall())


def _with_care(spot: _Spot, found: Iterator[Record], chosen: Mapping[str, int]) -> None:
    """Add records; those that are no rows, and values that are no text, are noted as such."""
    rows_path = spot.engine.folder / f"source-{spot.number}-rows"
    unread_path = spot.engine.folder / f"source-{spot.number}-unread"
    with (
        rows_path.open("w", encoding="utf-8", newline="") as rows_file,
        unread_path.open("w", encoding="utf-8", newline="") as unread_file,
    ):
        rows = csv.writer(rows_file, lineterminator="\n")
        unread = csv.writer(unread_file, lineterminator="\n")
        for record, (line, values, wrong, text) in enumerate(found, spot.first):
            shown = line if spot.plain.has_lines else ""
            if wrong is not None:
                rows.writerow((shown, "true", *[""] * len(chosen)))
                unread.writerow((record, "", _printable(text), wrong, "true"))
                continue
            used = [values[place] for place in chosen.values()]
            for place, (ours, value) in enumerate(zip(chosen, used, strict=True)):
                if not _is_text(value):
                    used[place] = ""
                    unread.writerow((record, ours, _printable(value), "is not UTF-8", "false"))
            rows.writerow((shown, "false", *map(_one_line, used)))
    texts = {ours: f"c{place}" for place, ours in enumerate(chosen, 2)}
    table = _read_csv(rows_path, ",", len(chosen) + 2, has_header=False)
    _insert(spot.engine, table, texts, line="c0::bigint", is_broken="c1::boolean")
    _take_unread(spot.engine, unread_path)


def _take_unread(engine: Engine, path: Path) -> None:
    found = _read_csv(path, ",", 5, has_header=False)
    engine.connection.execute(
        f"insert into unread select c0::bigint, coalesce(c1, ''), c2, c3, c4::boolean from {found}"
    )


def _is_text(value: str) -> bool:
    """Whether all of it was UTF-8 where it came from; what was not has become lone surrogates."""
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def _printable(value: str) -> str:
    return _one_line(value[:1000].encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _one_line(value: str) -> str:
    """A value on one line: for normalisation an end of line is a blank as any other."""
    return value.replace("\r", " ").replace("\n", " ") if value else value


def _insert(
    engine: Engine,
    table: str,
    texts: Mapping[str, str],
    *,
    line: str = "null",
    is_broken: str = "false",
) -> int:
    """Add rows to ``raw``, of which these expressions are our columns; returns how many."""
    fields = [f"value_of({texts.get(ours, 'null::varchar')})" for ours in _FIELDS]
    row = engine.connection.execute(
        f"insert into raw select {line}, {is_broken}, {', '.join(fields)} from {table}"
    ).fetchone()
    return 0 if row is None else int(row[0])


def _read_csv(path: Path, delimiter: str, width: int, *, has_header: bool = True) -> str:
    columns = ", ".join(f"'c{place}': 'varchar'" for place in range(width))
    return (
        f"read_csv({literal(path)}, auto_detect = false, delim = '{delimiter}', quote = '\"',"
        f" escape = '\"', header = {has_header}, columns = {{{columns}}},"
        " compression = 'none', hive_partitioning = false)"
    )
