"""DuckDB, set for this work: bounded memory, spilling beside; and rows that come out of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
from numpy.typing import NDArray

from reunite.errors import InvalidSetting
from reunite.repositories.bulk import TIMES, Rows

CHUNK = 50_000
"""Rows that are handed over at a time."""


class Engine:
    """A DuckDB database of its own, gone when closed, with a folder for what needs to be spooled.

    Args:
        memory: bytes that DuckDB may hold before it spills to disk.
        folder: where to spill; None for the system's place for temporary files.
    """

    def __init__(self, memory: int, folder: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reunite-", dir=folder))
        self.connection = duckdb.connect(
            str(self.folder / "work.duckdb"),
            config={
                "memory_limit": f"{memory}B",
                "temp_directory": str(self.folder / "spill"),
                "preserve_insertion_order": "true",
            },
        )

    def spool(self, name: str, blocks: Iterable[bytes]) -> Path:
        """Write blocks to a file of the folder and return its path."""
        path = self.folder / name
        with path.open("wb") as file:
            file.writelines(blocks)
        return path

    def count(self, table: str) -> int:
        """How many rows a table has."""
        # To the end: what is left of a result stands in the way of other work on the connection.
        ((rows,),) = self.connection.execute(f"select count(*) from {table}").fetchall()
        return int(rows)

    def keep(self, table: str, columns: Mapping[str, NDArray[Any]]) -> None:
        """Make a table of these columns, in place of one that has its name."""
        self.connection.register("kept", dict(columns))
        self.connection.execute(f"create or replace table {table} as select * from kept")
        self.connection.unregister("kept")

    def fill(
        self, table: str, types: Mapping[str, str], chunks: Iterable[Sequence[Sequence[object]]]
    ) -> None:
        """Make a table with columns of these SQL types of rows that come many at a time."""
        columns = ", ".join(f"{name} {type_}" for name, type_ in types.items())
        self.connection.execute(f"create or replace table {table} ({columns})")
        casts = ", ".join(f"{name}::{type_}" for name, type_ in types.items())
        for chunk in chunks:
            values = zip(types, zip(*chunk, strict=True), strict=True) if chunk else ()
            arrays = {name: np.array(column, dtype=object) for name, column in values}
            if arrays:
                self.connection.register("filled", arrays)
                self.connection.execute(f"insert into {table} select {casts} from filled")
                self.connection.unregister("filled")

    def rows(
        self, sql: str, columns: Sequence[str], parameters: Mapping[str, object] | None = None
    ) -> QueryRows:
        """The rows of a query, whose columns are these."""
        return QueryRows(self.connection, sql, columns, parameters or {})

    def close(self) -> None:
        """Close the database and remove the folder."""
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if error is not None and _is_interrupt(error):
            interrupt = KeyboardInterrupt()
            for note in getattr(error, "__notes__", ()):
                interrupt.add_note(note)
            raise interrupt from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise InvalidSetting(
                "--memory is too little for this, or the disk for temporary files (TMPDIR) is full;"
                f" give more: {error}"
            ) from None


def _is_interrupt(error: BaseException) -> bool:
    """Whether it is what DuckDB makes of a Ctrl-C while it runs a query."""
    return isinstance(error, duckdb.InterruptException) or (
        type(error) is RuntimeError and str(error) == "Query interrupted"
    )


class QueryRows(Rows):
    """The rows of a query, run anew each time they are gone through."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        columns: Sequence[str],
        parameters: Mapping[str, object],
    ) -> None:
        self.columns = columns
        self._connection = connection
        self._sql = sql
        self._parameters = parameters

    def __len__(self) -> int:
        cursor = self._connection.cursor()
        row = cursor.execute(f"select count(*) from ({self._sql}\n)", self._parameters).fetchone()
        return 0 if row is None else int(row[0])

    def tuples(self) -> Iterator[list[tuple[object, ...]]]:
        columns = ", ".join(f'"{column}"' for column in self.columns)  # "at" is a keyword
        return self._chunks(f"select {columns} from ({self._sql}\n)")

    def copy_text(self, *first: int) -> Iterator[bytes]:
        line = " || chr(9) || ".join([f"'{n}'" for n in first] + [*map(_copied, self.columns)])
        for chunk in self._chunks(f"select {line} || chr(10) from ({self._sql}\n)"):
            yield "".join([str(text) for (text,) in chunk]).encode()

    def _chunks(self, sql: str) -> Iterator[list[tuple[object, ...]]]:
        # A cursor of its own: others may use the connection between two chunks.
        cursor = self._connection.cursor()
        cursor.execute(sql, self._parameters)
        while chunk := cursor.fetchmany(CHUNK):
            yield chunk
        cursor.close()


def _copied(column: str) -> str:
    """An expression for a column's text in ``COPY``: escaped, ``\\N`` for null."""
    name = f'"{column}"'
    if column in TIMES:
        text = f"strftime(make_timestamp({name}), '%Y-%m-%d %H:%M:%S.%f+00')"
    else:
        text = f"{name}::varchar"
        for char, escape in (("chr(92)", "b"), ("chr(9)", "t"), ("chr(10)", "n"), ("chr(13)", "r")):
            replacement = "chr(92) || chr(92)" if escape == "b" else f"chr(92) || '{escape}'"
            text = f"replace({text}, {char}, {replacement})"
    return f"coalesce({text}, chr(92) || 'N')"
