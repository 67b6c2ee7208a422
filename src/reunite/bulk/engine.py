"""DuckDB, set for this work: bounded memory, spilling beside; and rows that come out of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

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

    def rows(self, sql: str, columns: Sequence[str]) -> QueryRows:
        """The rows of a query, whose columns are these."""
        return QueryRows(self.connection, sql, columns)

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


class QueryRows(Rows):
    """The rows of a query, run anew each time they are gone through."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, sql: str, columns: Sequence[str]
    ) -> None:
        self.columns = columns
        self._connection = connection
        self._sql = sql

    def __len__(self) -> int:
        row = self._connection.execute(f"select count(*) from ({self._sql})").fetchone()
        return 0 if row is None else int(row[0])

    def tuples(self) -> Iterator[list[tuple[object, ...]]]:
        return self._chunks(f"select {', '.join(self.columns)} from ({self._sql})")

    def copy_text(self) -> Iterator[bytes]:
        line = " || chr(9) || ".join(map(_copied, self.columns))
        for chunk in self._chunks(f"select {line} || chr(10) from ({self._sql})"):
            yield "".join([str(text) for (text,) in chunk]).encode()

    def _chunks(self, sql: str) -> Iterator[list[tuple[object, ...]]]:
        # A cursor of its own: others may use the connection between two chunks.
        cursor = self._connection.cursor()
        cursor.execute(sql)
        while chunk := cursor.fetchmany(CHUNK):
            yield chunk
        cursor.close()


def _copied(column: str) -> str:
    """An expression for a column's text in ``COPY``: escaped, ``\\N`` for null."""
    if column in TIMES:
        text = f"strftime(make_timestamp({column}), '%Y-%m-%d %H:%M:%S.%f+00')"
    else:
        text = f"{column}::varchar"
        for char, escape in (("chr(92)", "b"), ("chr(9)", "t"), ("chr(10)", "n"), ("chr(13)", "r")):
            replacement = "chr(92) || chr(92)" if escape == "b" else f"chr(92) || '{escape}'"
            text = f"replace({text}, {char}, {replacement})"
    return f"coalesce({text}, chr(92) || 'N')"
