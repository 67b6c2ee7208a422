"""Where contacts are kept: `open` gives a repository by URL."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from reunite.errors import InvalidSetting
from reunite.identifier import Policy
from reunite.repositories.repository import Presentable, Repository, Store, Totals

__all__ = ["Presentable", "Repository", "Store", "Totals", "open", "sqlite_path"]


def open(
    url: str,
    *,
    workspace: str = "default",
    phone_region: str | None = None,
    migrate: bool = True,
    on_repeat: Callable[[], None] | None = None,
) -> Store:
    """Open a workspace of a store; the store and the workspace are made at first use.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://…``.
        workspace: the tenant whose data this is; nothing links across workspaces.
        phone_region: country code such as ``"IN"`` by which phones are parsed; kept in the store.
        migrate: whether the schema may be created or brought up to date.
        on_repeat: called each time a transaction is repeated that surely was not committed.

    Raises `InvalidSetting` for a URL or region that means nothing, `Refused` for a store that this
    program must not work on, `StoreUnavailable` for one that does not answer.
    """
    policy = Policy(phone_region)
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from reunite.repositories.sqlite import SqliteRepository

        return SqliteRepository(
            sqlite_path(url), workspace=workspace, policy=policy, migrate=migrate
        )
    if scheme in ("postgresql", "postgres"):
        from reunite.repositories.postgresql import open_postgresql

        return open_postgresql(
            url, workspace=workspace, policy=policy, migrate=migrate, on_repeat=on_repeat
        )
    raise InvalidSetting(
        f"a store's URL starts with sqlite:/// or postgresql://, not {scheme or 'nothing'!r}"
    )


def sqlite_path(url: str) -> str:
    """The path in ``sqlite:///path``; one more slash makes it absolute."""
    parts = urlsplit(url)
    path = unquote(parts.path[1:])
    if parts.netloc or not path:
        raise InvalidSetting(
            "a SQLite URL has three slashes and a path, sqlite:///reunite.db, "
            "or four for an absolute one, sqlite:////var/lib/reunite.db"
        )
    return path
