"""The schema of a SQLite store, and the workspace and policy in it."""

from __future__ import annotations

from importlib.resources import files

import apsw

from reunite.errors import SchemaMismatch
from reunite.identifier import Policy
from reunite.repositories import migration, queries
from reunite.repositories.policy import require_policy
from reunite.repositories.sqlite.connection import transaction, translated

PACKAGE = "reunite.repositories.sqlite"
QUERIES = queries.load(PACKAGE)
MIGRATIONS = migration.load(PACKAGE)
BATCH = files(PACKAGE).joinpath("batch.sql").read_text("utf-8")


def applied(connection: apsw.Connection) -> int:
    """The number of the last migration of this store; 0 for an empty file."""
    if not connection.execute(QUERIES["schema_exists"]).get:
        return 0
    number: int = connection.execute(QUERIES["applied_migrations"]).get
    return number


def migrate(connection: apsw.Connection, path: str, at: int) -> None:
    """Bring a store up to this program; one process at a time, the others wait.

    Raises `SchemaMismatch` for a store that is newer.
    """
    if _known_number(connection, path) < len(MIGRATIONS):
        with transaction(connection, path, write=True):
            _migrate(connection, path, at)


def _migrate(connection: apsw.Connection, path: str, at: int) -> None:
    number = _known_number(connection, path)
    connection.execute(QUERIES["create_migration"])
    for step in MIGRATIONS[number:]:
        connection.execute(step.sql)
        connection.execute(
            QUERIES["note_migration"], {"number": step.number, "name": step.name, "at": at}
        )


def require_current(connection: apsw.Connection, path: str) -> None:
    """Raise `SchemaMismatch` unless the store's schema is this program's."""
    number = _known_number(connection, path)
    if number < len(MIGRATIONS):
        raise SchemaMismatch(
            f"{path} has schema {number}, this program needs {len(MIGRATIONS)}: "
            "run `reunite migrate`"
        )


def _known_number(connection: apsw.Connection, path: str) -> int:
    """The number of the store's last migration; raises `SchemaMismatch` for one unknown here."""
    with translated(path):
        number = applied(connection)
    if number > len(MIGRATIONS):
        raise SchemaMismatch(
            f"{path} has schema {number}, this program knows {len(MIGRATIONS)}: "
            "install the newer reunite that made it"
        )
    return number


def enter_workspace(
    connection: apsw.Connection, path: str, name: str, policy: Policy, at: int
) -> int:
    """The id of a workspace, made with this policy where it does not exist yet.

    Raises `PolicyMismatch` where it was made with another policy.
    """
    with translated(path):
        found = connection.execute(QUERIES["workspace"], {"name": name}).get
    if found is None:
        with transaction(connection, path, write=True):
            found = connection.execute(QUERIES["workspace"], {"name": name}).get
            if found is None:
                make_workspace(connection, name, policy, at)
                found = connection.execute(QUERIES["workspace"], {"name": name}).get
    workspace_id, *made_with = found
    require_policy(Policy(*made_with), policy, name)
    return int(workspace_id)


def make_workspace(connection: apsw.Connection, name: str, policy: Policy, at: int) -> None:
    """Add a workspace with this policy, in the caller's transaction."""
    connection.execute(
        QUERIES["create_workspace"],
        {
            "name": name,
            "phone_region": policy.phone_region,
            "rule_version": policy.rule_version,
            "at": at,
        },
    )
