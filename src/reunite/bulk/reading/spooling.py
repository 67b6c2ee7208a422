"""A source as a plain file of this machine: copied from tables and pipes, decompressed."""

from __future__ import annotations

import csv
import gzip
import re
import shutil
import sys
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw
import psycopg
from apsw.ext import query_info
from psycopg import sql

from reunite.bulk.engine import Engine
from reunite.bulk.reading.source import STANDARD_INPUT, Source
from reunite.errors import ImportStopped
from reunite.url import sqlite_path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Plain:
    """A plain file with a source's rows.

    Attributes:
        path: where it is.
        format: one of `source.FORMATS`.
        has_lines: whether a row is found again by its line, or else by its number.
    """

    path: Path
    format: str
    has_lines: bool


def spool(engine: Engine, source: Source, number: int) -> Plain:
    """Bring a source into a plain file; one that already is remains where it is.

    ``number`` tells the files of several sources apart. Raises `ImportStopped` where it cannot be
    read.
    """
    path = engine.folder / f"source-{number}"
    if source.format == "postgresql":
        return Plain(_postgresql(path, source), "csv", has_lines=False)
    if source.format == "sqlite":
        return Plain(_sqlite(path, source), "csv", has_lines=False)
    try:
        given = _standard_input(path) if source.place == STANDARD_INPUT else Path(source.place)
        path = _decompressed(engine, source, given, f"{path.name}-plain")
    except OSError as error:
        raise ImportStopped(f"{source.name}: {_said(error)}") from None
    return Plain(path, source.format, has_lines=source.format != "parquet")


def _standard_input(path: Path) -> Path:
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    return path


def _said(error: OSError) -> str:
    meaning = {
        FileNotFoundError: "there is no such file",
        IsADirectoryError: "is a directory; name its files, as in directory/*.csv",
        PermissionError: "may not be read by this user",
    }
    return meaning.get(type(error), f"cannot be read: {error.strerror or error}")


def _decompressed(engine: Engine, source: Source, path: Path, name: str) -> Path:
    with path.open("rb") as file:
        begin = file.read(4)
    if begin[:2] in _UTF_16:
        raise ImportStopped(f"{source.name}: is in UTF-16; save it as UTF-8")
    if begin.startswith(_GZIP):
        return _unpacked(source, gzip.open(path), engine.folder / name)
    if begin == _ZSTANDARD:
        return _unpacked(source, zstd.open(path), engine.folder / name)
    return path


def _unpacked(source: Source, packed: gzip.GzipFile | zstd.ZstdFile, path: Path) -> Path:
    try:
        with packed, path.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
        raise ImportStopped(f"{source.name}: is damaged: {error}") from None
    return path


# ── tables ───────────────────────────────────────────────────────────────────────────────────────


def _postgresql(path: Path, source: Source) -> Path:
    statement = sql.SQL("copy ({}\n) to stdout (format csv, header)").format(_asked(source))
    try:
        with psycopg.connect(source.place, client_encoding="UTF8") as connection:
            connection.read_only = True
            with connection.cursor() as cursor:
                cursor.execute("set local timezone to 'UTC'; set local datestyle to 'ISO'")
                with cursor.copy(statement) as copy, path.open("wb") as file:
                    for block in copy:
                        file.write(block)
    except psycopg.Error as error:
        # Only the server's own words: those of the driver may repeat the URL and its password.
        wrong = error.diag.message_primary or "the database cannot be reached"
        raise ImportStopped(f"{source.name}: {wrong}") from None
    return path


def _asked(source: Source) -> sql.Composable:
    if source.query is not None:
        # As given: whoever gives the query has the database's password too.
        return sql.SQL(_bare(source.query))
    return sql.SQL("select * from {}").format(sql.Identifier(*_parts(source)))


def _bare(query: str) -> str:
    """A query as a part of another; its last line may be a comment."""
    return query.strip().rstrip(";")


def _parts(source: Source) -> list[str]:
    """A table's name and its schema's, each perhaps in double quotes."""
    parts = re.fullmatch(r'(?:("[^"]+"|[^".]+)\.)?("[^"]+"|[^".]+)', source.table or "")
    if parts is None:
        raise ImportStopped(
            f"{source.table!r} is no name of a table; it has the form table or schema.table"
        )
    return [part.strip('"') for part in parts.groups() if part is not None]


def _sqlite(path: Path, source: Source) -> Path:
    database = Path(sqlite_path(source.place))
    if not database.is_file():
        raise ImportStopped(f"{source.name}: there is no such file")
    if source.query is not None:
        query = _bare(source.query)
    else:
        query = f"select * from {'.'.join(_quoted(part) for part in _parts(source))}"
    try:
        with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            header = [column[0] for column in query_info(connection, query).description]
            statement = _with_texts_as_bytes(connection, query, len(header))
            with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(header)
                rows.writerows(map(_texts, connection.execute(statement)))
    except (apsw.Error, UnicodeError) as error:
        raise ImportStopped(f"{source.name}: {error}") from None
    return path


def _with_texts_as_bytes(connection: apsw.Connection, query: str, width: int) -> str:
    """A query's rows with bytes for texts: what is no UTF-8 would be an error, and not of its row.

    Where texts are UTF-16 SQLite itself makes UTF-8 of them, which is never wrong.
    """
    if connection.pragma("encoding") != "UTF-8":
        return query
    columns = [f"c{place}" for place in range(width)]
    values = [f"iif(typeof({name}) = 'text', cast({name} as blob), {name})" for name in columns]
    return f"with asked({', '.join(columns)}) as ({query}\n) select {', '.join(values)} from asked"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _texts(row: tuple[object, ...]) -> list[str]:
    return [text_of(value) for value in row]


def text_of(value: object) -> str:
    """The text of a typed value; a fraction without any is a whole number that lost its type.

    Of bytes those that are no UTF-8 come as lone surrogates.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)
