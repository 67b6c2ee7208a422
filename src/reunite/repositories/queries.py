"""Named queries: SQL lives in `.sql` files, each statement under the name it is called by."""

from __future__ import annotations

import re
from importlib.resources import files

NAME = re.compile(r"^-- name: *(\w+)[^\n]*\n", re.MULTILINE)


def load(package: str, file: str = "queries.sql") -> dict[str, str]:
    """Read the queries of a package's SQL file: name to statement.

    In the file each statement stands below a line ``-- name: its_name``. Raises `ValueError` for
    SQL before the first name, or for a name without SQL or given twice.
    """
    before, *parts = NAME.split(files(package).joinpath(file).read_text("utf-8"))
    queries: dict[str, str] = {}
    if _code(before):
        raise ValueError(f"{package}/{file}: SQL before the first '-- name:'")
    for name, sql in zip(parts[::2], parts[1::2], strict=True):
        if name in queries or not _code(sql):
            raise ValueError(f"{package}/{file}: query {name!r} is empty or stands there twice")
        queries[name] = sql.strip()
    return queries


def _code(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql).strip()
