"""The lines of a text file: its header, and whether all others are even."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from reunite.bulk.reading.records import csv_records
from reunite.errors import ImportStopped

_DELIMITERS = ",;\t|"
_BLOCK = 4 << 20


class Header(NamedTuple):
    """The names of a file's columns, what stands between two, and whether line 1 is all of it."""

    names: list[str]
    delimiter: str
    is_first_line: bool


def header_of(path: Path, format_: str, source: str) -> Header:
    """Read the header of a CSV or TSV file.

    The delimiter of a CSV file is the one of comma, semicolon, tab and bar that its first line has
    most of. Raises `ImportStopped` naming the source.
    """
    delimiter = "\t" if format_ == "tsv" else _delimiter_of(path)
    found = csv_records(path, delimiter)
    first = next(found, None)
    if first is None:
        raise ImportStopped(f"{source}: is empty; its first line must name the columns")
    if first.wrong is not None:
        raise ImportStopped(f"{source}: line {first.line}: the header {first.wrong}")
    names = [name.strip() for name in first.values]
    if any("\ud800" <= char <= "\udfff" for name in names for char in name):
        raise ImportStopped(f"{source}: line {first.line}: the header is not UTF-8")
    if any("\0" in name for name in names):
        raise ImportStopped(f"{source}: is no text file")
    one_line = first.line == 1 and not any("\n" in name or "\r" in name for name in first.values)
    return Header(names, delimiter, one_line)


def _delimiter_of(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.isspace():
                outside = "".join(line.split('"')[::2])
                return max(_DELIMITERS, key=outside.count)
    return ","


def even_lines(path: Path, delimiter: str) -> int | None:
    """How many lines a file has, empty ones at its end aside.

    None where one before is empty, or ends by a carriage return alone: then lines and rows do not
    run together. None as well where blanks stand around a value in quotes, of which DuckDB makes
    one thing or another by their number and side.
    """
    patterns = _blanks_around_quotes(delimiter)
    count = 1
    before = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK) + file.readline(_BLOCK):
            joint = before + block
            body = joint.rstrip(b"\r\n")
            if b"\n\n" in body or (b"\r" in body and not _ends_by_both(body)):
                return None
            if any(pattern.search(body) for pattern in patterns):
                return None
            count += body.count(b"\n")
            before = joint[len(body) :]
    return count


def _ends_by_both(body: bytes) -> bool:
    """Whether each carriage return belongs to a line feed after it, and to a line that has more."""
    return body.count(b"\r") == body.count(b"\r\n") and b"\n\r" not in body


def _blanks_around_quotes(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """What a blank before a quote that may open a value looks like, and one after one that closes.

    Each pattern begins with what is plain, and is thus found as fast as that.
    """
    between = re.escape(delimiter).encode()
    return (
        re.compile(rb' "(?<=[\n ' + between + rb'] ")'),
        re.compile(rb'" (?=[\r\n "' + between + rb"]|\Z)"),
    )
