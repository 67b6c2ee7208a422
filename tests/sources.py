"""Reads sources in tests, into an engine of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from reunite.bulk.engine import Engine
from reunite.bulk.progress import Progress
from reunite.bulk.reading import Reading, read, sources_of
from reunite.identifier import Policy

NOW = 1_800_000_000_000_000
"""When tests import, in microseconds."""


class Read(NamedTuple):
    """What was read, and its tables."""

    reading: Reading
    engine: Engine

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query of the tables gives."""
        return self.engine.connection.execute(sql).fetchall()

    @property
    def taken(self) -> list[tuple[Any, ...]]:
        """Id, e-mail and phone of each row that was taken."""
        return self.rows("select id, email, phone from taken order by record")

    @property
    def faults(self) -> list[tuple[Any, ...]]:
        """Line, column, value and reason of each fault."""
        return self.rows("select line, col, value, reason from fault order by rowid")


@contextmanager
def reading(folder: Path, *places: str | Path, **options: Any) -> Iterator[Read]:
    """Read sources; options are those of `sources_of` and of `read`."""
    named = {name: options.pop(name, None) for name in ("format", "table", "query")}
    known: dict[str, Any] = {
        "mapping": {},
        "policy": Policy(),
        "renumber": False,
        "at": NOW,
        "progress": Progress(),
    }
    with Engine(1 << 28, folder) as engine:
        sources = sources_of([str(place) for place in places], **named)
        yield Read(read(engine, sources, **known | options), engine)
