"""A store's URL: which of the two stores it names, where that is, and how people are shown it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from reunite.errors import InvalidSetting

SQLITE = "sqlite:///"


def is_sqlite(url: str) -> bool:
    """Which of the two stores a URL names; raises `InvalidSetting` where it names none."""
    if not url.startswith(("sqlite:", "postgresql://", "postgres://")):
        raise InvalidSetting(f"a store's URL starts with {SQLITE} or postgresql://")
    return url.startswith("sqlite:")


def sqlite_path(url: str) -> str:
    """The path in ``sqlite:///path``; one more slash makes it absolute.

    Raises `InvalidSetting` rather than to take another file than the one that is meant.
    """
    path = url.removeprefix(SQLITE)
    if path in (url, "", "/"):
        raise InvalidSetting(
            f"a SQLite URL has three slashes and a path, {SQLITE}reunite.db, "
            f"or four for an absolute one, {SQLITE}/var/lib/reunite.db"
        )
    if "?" in path or "#" in path:
        raise InvalidSetting("a SQLite URL has no parameters: in a path ? is %3F and # is %23")
    return unquote(path)


def file_of(url: str) -> Path | None:
    """The file of a SQLite store; None for PostgreSQL."""
    return Path(sqlite_path(url)) if is_sqlite(url) else None


def shown(url: str) -> str:
    """A store's URL without user, password and parameters.

    Of PostgreSQL's what comes before an @ may hold any character but a slash (libpq's grammar); one
    that libpq would not understand is not shown at all.
    """
    if is_sqlite(url):
        return url
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2].partition("?")[0]
    place = host + slash + path.partition("?")[0]
    return f"{scheme}://{'…' if '@' in place or '=' in place else place}"
