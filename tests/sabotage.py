"""Changes that no request makes, straight in the tables of either store."""

from __future__ import annotations

import apsw
import psycopg

from reunite.url import sqlite_path


def sabotage(url: str, workspace: str, *statements: str) -> int:
    """Run statements with ``:w`` for the workspace's number; what the tables forbid is allowed.

    Returns how many rows were changed.
    """
    if url.startswith("sqlite:"):
        return _sqlite(sqlite_path(url), workspace, statements)
    return _postgresql(url, workspace, statements)


def replace_tree(url: str, select: str) -> None:
    """Put another view in the place of ``contact_tree``; ``{before}`` in it is what was there."""
    if url.startswith("sqlite:"):
        connection = apsw.Connection(sqlite_path(url))
        (sql,) = connection.execute(
            "select sql from sqlite_master where name = 'contact_tree'"
        ).fetchone() or ("",)
        connection.execute(str(sql).replace("contact_tree", "tree_before", 1))
        connection.execute("drop view contact_tree")
        connection.execute(f"create view contact_tree as {select.format(before='tree_before')}")
        connection.close()
    else:
        with psycopg.connect(url) as server:
            server.execute("alter view reunite.contact_tree rename to tree_before")
            before = select.format(before="reunite.tree_before")
            server.execute(f"create view reunite.contact_tree as {before}".encode())


def _sqlite(path: str, workspace: str, statements: tuple[str, ...]) -> int:
    connection = apsw.Connection(path)
    connection.execute("pragma ignore_check_constraints = on")
    with connection:
        (number,) = connection.execute(
            "select id from workspace where name = ?", (workspace,)
        ).fetchone() or (None,)
        before = connection.total_changes()
        for statement in statements:
            connection.execute(statement.replace("reunite.", "").replace(":w", str(number)))
        changed = connection.total_changes() - before
    connection.close()
    return changed


def _postgresql(url: str, workspace: str, statements: tuple[str, ...]) -> int:
    changed = 0
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select id from reunite.workspace where name = %s", (workspace,)
        ).fetchone()
        assert found is not None
        for statement in statements:
            done = connection.execute(statement.replace(":w", str(found[0])).encode())
            changed += max(done.rowcount, 0)
    return changed
