"""Where contacts are kept: `open` gives a repository by URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from reunite.errors import StoreMissing, Unknown
from reunite.identifier import Policy
from reunite.repositories.bulk import Loading, Snapshot
from reunite.repositories.repository import Presentable, Repository, Store, Totals
from reunite.url import is_sqlite, sqlite_path

__all__ = [
    "Loading",
    "Presentable",
    "Repository",
    "Snapshot",
    "Store",
    "Totals",
    "loading",
    "open",
    "snapshot",
]


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

    Raises `InvalidSetting` for a URL or region that means nothing, `StoreRefused` for a store that
    it must not work on, `StoreUnavailable` for one that does not answer.
    """
    policy = Policy(phone_region)
    if is_sqlite(url):
        from reunite.repositories.sqlite import SqliteRepository

        return SqliteRepository(
            sqlite_path(url), workspace=workspace, policy=policy, migrate=migrate
        )
    from reunite.repositories.postgresql import open_postgresql

    return open_postgresql(
        url, workspace=workspace, policy=policy, migrate=migrate, on_repeat=on_repeat
    )


@contextmanager
def snapshot(
    url: str,
    *,
    workspace: str = "default",
    phone_region: str | None = None,
    or_empty: bool = False,
) -> Iterator[Snapshot]:
    """See a workspace as it is now, for work on whole tables; writers are not kept waiting.

    Args:
        url, workspace, phone_region: as for `open`.
        or_empty: whether a store or workspace that does not exist is seen as one that has nothing
            yet; it is not made either way.

    Raises the errors of `open`, a store with an older schema is refused; `StoreMissing` where there
    is no store, `Unknown` where it has no such workspace.
    """
    from reunite.repositories.sqlite.snapshot import empty_snapshot

    policy = Policy(phone_region)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(_snapshot(url, workspace, policy))
        except (StoreMissing, Unknown):
            if not or_empty:
                raise
            found = stack.enter_context(empty_snapshot(workspace=workspace, policy=policy))
        yield found


def _snapshot(url: str, workspace: str, policy: Policy) -> AbstractContextManager[Snapshot]:
    if is_sqlite(url):
        from reunite.repositories.sqlite import snapshot as sqlite

        return sqlite.open_snapshot(sqlite_path(url), workspace=workspace, policy=policy)
    from reunite.repositories.postgresql import snapshot as postgresql

    return postgresql.open_snapshot(url, workspace=workspace, policy=policy)


def loading(
    url: str,
    *,
    workspace: str = "default",
    phone_region: str | None = None,
    patience: float = 300.0,
) -> AbstractContextManager[Loading]:
    """Take a workspace's lock, to write whole tables in one transaction.

    The lock is held from entering until `Loading.commit` or until it is left, which without a
    commit leaves the store as it was. A store or workspace that does not exist is made with it.

    Args:
        url, workspace, phone_region: as for `open`.
        patience: seconds to wait for the lock while others write.

    Raises the errors of `open`, also where the lock could not be had; a store with an older schema
    is refused.
    """
    policy = Policy(phone_region)
    if is_sqlite(url):
        from reunite.repositories.sqlite.loading import open_loading

        return open_loading(sqlite_path(url), workspace=workspace, policy=policy, patience=patience)
    from reunite.repositories.postgresql import loading as postgresql

    return postgresql.open_loading(url, workspace=workspace, policy=policy, patience=patience)
