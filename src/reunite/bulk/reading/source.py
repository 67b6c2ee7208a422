"""Where existing data comes from: files and tables, as they are named on the command line."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reunite.errors import ImportStopped, InvalidSetting
from reunite.url import file_of, is_sqlite, shown

FORMATS = ("csv", "tsv", "ndjson", "parquet")

STANDARD_INPUT = "-"

_ENDINGS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSED = frozenset({".gz", ".zst"})
_DATABASES = frozenset({"sqlite", "postgresql", "postgres"})


@dataclass(frozen=True)
class Source:
    """A file, or what a table or a query of a database holds.

    Attributes:
        place: a path, ``-`` for standard input, or the URL of a database.
        format: one of `FORMATS` for a file, ``"sqlite"`` or ``"postgresql"`` for a database.
        table: the table, perhaps with its schema before a dot.
        query: what is asked instead of a table.
    """

    place: str
    format: str
    table: str | None = None
    query: str | None = None

    @property
    def name(self) -> str:
        """What people are told it is; never with a password."""
        if self.format in FORMATS:
            return "standard input" if self.place == STANDARD_INPUT else self.place
        return f"{shown(self.place)} {self.table or 'query'}"

    @property
    def file(self) -> Path | None:
        """Where its rows lie on this machine, if they do."""
        if self.format not in FORMATS:
            return file_of(self.place)
        return Path("/dev/stdin" if self.place == STANDARD_INPUT else self.place)


def sources_of(
    places: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002  the word that people know
    table: str | None = None,
    query: str | None = None,
) -> list[Source]:
    """The sources that arguments name; patterns such as ``*.csv`` stand for the files they match.

    Raises `InvalidSetting` for what means nothing, `ImportStopped` where there is no such file.
    """
    if not places:
        raise InvalidSetting("nothing to import: name a file, or the URL of a database")
    if format is not None and format not in FORMATS:
        raise InvalidSetting(f"the format is one of {', '.join(FORMATS)}, not {format!r}")
    found: list[Source] = []
    for place in places:
        if _is_database(place):
            found.append(_database(place, format, table, query))
        elif table is not None or query is not None:
            raise InvalidSetting(f"--table and --query are for databases, and {place} is a file")
        else:
            found += [Source(path, format or _format_of(path)) for path in _files(place)]
    if [source.place for source in found].count(STANDARD_INPUT) > 1:
        raise InvalidSetting("standard input can be read only once")
    return found


def _is_database(place: str) -> bool:
    return place.partition("://")[0] in _DATABASES


def _database(place: str, format_: str | None, table: str | None, query: str | None) -> Source:
    if format_ is not None:
        raise InvalidSetting("--format is for files, not for databases")
    if (table is None) == (query is None):
        raise InvalidSetting("for a database give either --table or --query")
    if table is not None and not table.strip():
        raise InvalidSetting("--table needs the name of a table")
    kind = "sqlite" if is_sqlite(place) else "postgresql"
    return Source(place, kind, table, query)


def _files(place: str) -> list[str]:
    """The files that a path or a pattern stands for, by name."""
    if place == STANDARD_INPUT or Path(place).exists() or not glob.has_magic(place):
        return [place]
    paths = sorted(path for path in glob.glob(place, recursive=True) if Path(path).is_file())  # noqa: PTH207  a pattern as given
    if not paths:
        raise ImportStopped(f"{place}: no file matches this pattern")
    return paths


def _format_of(place: str) -> str:
    if place == STANDARD_INPUT:
        return "csv"
    path = Path(place)
    if path.suffix.lower() in _COMPRESSED:
        path = path.with_suffix("")
    format_ = _ENDINGS.get(path.suffix.lower())
    if format_ is None:
        if not Path(place).exists():
            raise ImportStopped(f"{place}: there is no such file")
        raise InvalidSetting(
            f"{place}: its name does not tell its format; give --format {', '.join(FORMATS)}"
        )
    return format_
