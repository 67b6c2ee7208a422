"""Text files read with care, one record after the other: for what DuckDB does not take whole.

Nothing is dropped silently: a record that cannot be read comes out with the reason, and reading
goes on with its next line.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import msgspec

from reunite.bulk.reading.spooling import text_of


class Record(NamedTuple):
    """A record and the line where it begins (from 1); either its values, or what is wrong."""

    line: int
    values: Sequence[str]
    wrong: str | None = None
    text: str = ""


class _Lines(Iterator[str]):
    """The lines of a file, of which some can be put back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        """Since it was last cleared."""

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._file)
        self.taken.append(line)
        return line

    def are_blank(self) -> bool:
        """Whether those taken say nothing at all."""
        return all(line.isspace() for line in self.taken)

    def put_back(self, lines: Sequence[str]) -> None:
        self._back.extendleft(reversed(lines))


def csv_records(path: Path, delimiter: str) -> Iterator[Record]:
    """All records of a CSV file, the header's included; blank lines are none.

    What is not UTF-8 comes as lone surrogates. A quote that is never closed spoils its own line
    only: without that it would swallow what follows.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = _Lines(file)
        reader = _reader(lines, delimiter)
        line = 1
        while True:
            lines.taken.clear()
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                first, *others = lines.taken
                lines.put_back(others)
                reader = _reader(lines, delimiter)
                yield Record(line, (), _wrong(str(error)), first.rstrip("\r\n"))
                line += 1
                continue
            if len(values) > 1 or not lines.are_blank():
                yield Record(line, values)
            line += len(lines.taken)


def _reader(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Blanks before a quote that opens are skipped, and so are those after one that closes."""
    after = re.compile(rf'" +(?=(?:{re.escape(delimiter)}|\r?\n?$))')
    closed = (after.sub('"', line) if '" ' in line else line for line in lines)
    return csv.reader(closed, delimiter=delimiter, strict=True, skipinitialspace=True)


def _wrong(error: str) -> str:
    if "expected after" in error:
        return "has a quote that is closed within a value"
    if "larger than" in error:
        limit = csv.field_size_limit()
        return f"has a quote that is never closed, or a value of more than {limit} characters"
    return "has a quote that is never closed"


def fitted(records: Iterator[Record], width: int) -> Iterator[Record]:
    """The records, those without ``width`` values as refused; empty ones too many do no harm."""
    for record in records:
        count = len(record.values)
        if record.wrong is None and (count < width or any(record.values[width:])):
            yield Record(
                record.line,
                (),
                f"has {count} values where the header has {width}",
                ",".join(record.values),
            )
        else:
            yield record


def json_keys(path: Path) -> list[str]:
    """The names that the objects of an NDJSON file have, in order of first appearance."""
    keys: dict[str, None] = {}
    for _, found, _ in _objects(path):
        if found is not None and not keys.keys() >= found.keys():
            keys.update(dict.fromkeys(found))
    return list(keys)


def json_records(path: Path, keys: Sequence[str]) -> Iterator[Record]:
    """The lines of an NDJSON file as records of the values of these keys."""
    for line, found, text in _objects(path):
        if found is None:
            yield Record(line, (), "is no JSON object", text)
        else:
            yield Record(line, [_json_text(found.get(key)) for key in keys])


def _objects(path: Path) -> Iterator[tuple[int, dict[str, object] | None, str]]:
    decoder = msgspec.json.Decoder()
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            stripped = text.strip(b"\xef\xbb\xbf \t\r\n")
            if not stripped:
                continue
            try:
                found = decoder.decode(stripped)
            except (msgspec.DecodeError, UnicodeDecodeError):
                found = None
            is_object = isinstance(found, dict)
            yield line, found if is_object else None, stripped.decode("utf-8", "replace")


def _json_text(value: object) -> str:
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return text_of(value)
