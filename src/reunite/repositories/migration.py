"""Migrations: the numbered SQL files that lead a store from empty to what this program needs."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

FILE = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(NamedTuple):
    """One step: its number (from 1, without gaps), its name, and its SQL."""

    number: int
    name: str
    sql: str


def load(package: str) -> list[Migration]:
    """Read ``migrations/NNNN_name.sql`` of a package, in order.

    Raises `ValueError` for a file named otherwise and for numbers that are not 1, 2, 3 ….
    """
    migrations = sorted(
        _read(file.name, file.read_text("utf-8"))
        for file in files(package).joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    )
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(migrations) + 1)):
        raise ValueError(f"{package}/migrations: numbered {numbers}; expected 1, 2, 3 …")
    return migrations


def _read(file: str, sql: str) -> Migration:
    named = FILE.fullmatch(file)
    if named is None:
        raise ValueError(f"migrations/{file}: expected a name like 0001_what_it_does.sql")
    return Migration(int(named[1]), named[2], sql)
