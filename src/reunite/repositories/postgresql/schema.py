"""The schema of a PostgreSQL store, the workspace in it, and what the server must be able to do."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files

from psycopg.errors import InsufficientPrivilege

from reunite.errors import SchemaMismatch, UnsuitableStore
from reunite.identifier import Policy
from reunite.repositories import migration
from reunite.repositories.policy import require_policy
from reunite.repositories.postgresql.connection import PACKAGE, QUERIES, BoundedConnection
from reunite.repositories.postgresql.failure import translated

OLDEST_SERVER = 15

MIGRATIONS = migration.load(PACKAGE)
FUNCTIONS = files(PACKAGE).joinpath("functions.sql").read_text("utf-8")
FUNCTIONS_DIGEST = sha256(FUNCTIONS.encode()).hexdigest()


def require_suitable(live: BoundedConnection, other: BoundedConnection) -> None:
    """Raise `UnsuitableStore` for a server that the promises cannot rest on."""
    version = live.info.server_version // 10000
    if version < OLDEST_SERVER:
        raise UnsuitableStore(
            f"this PostgreSQL is version {version}; {OLDEST_SERVER} or newer is needed"
        )
    encoding = live.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise UnsuitableStore(
            f"this database is encoded in {encoding}; make one with encoding 'UTF8'"
        )
    with translated():
        _require_locks(live, other)


def _require_locks(live: BoundedConnection, other: BoundedConnection) -> None:
    """On some compatible databases advisory locks are there but hold nobody off."""
    key = {"key": secrets.randbits(31)}
    with live.transaction():
        live.execute(QUERIES["hold_probe"], key)
        taken_twice = _first(other, "try_probe", key)
    if taken_twice or not _first(other, "try_probe", key):
        raise UnsuitableStore(
            "this server's advisory locks do not hold off other sessions (is it PostgreSQL, and "
            "reached directly or through a pooler that pools transactions or sessions?)"
        )


def migrate(live: BoundedConnection) -> None:
    """Bring a store up to this program; one process at a time, the others wait.

    Raises `SchemaMismatch` for a store that is newer, or that this role may not change.
    """
    with translated(), _told_who_may("change the schema"):
        if _is_current(live):
            return
        live.patience, patience = math.inf, live.patience
        with live.transaction():
            live.execute(QUERIES["patience_for_migrations"])
            live.execute(QUERIES["lock_schema"])
            if not _is_current(live):
                _migrate(live)
        live.patience = patience


def _migrate(live: BoundedConnection) -> None:
    for step in MIGRATIONS[_applied(live) :]:
        live.execute(step.sql.encode())
        live.execute(QUERIES["note_migration"], {"number": step.number, "name": step.name})
    live.execute(FUNCTIONS.encode())
    live.execute(QUERIES["note_functions"], {"digest": FUNCTIONS_DIGEST})


def require_current(live: BoundedConnection) -> None:
    """Raise `SchemaMismatch` unless schema and stored functions are this program's."""
    with translated():
        if not _is_current(live):
            raise SchemaMismatch(
                f"the store has schema {_applied(live)} or other stored functions, this program "
                f"needs schema {len(MIGRATIONS)} and its own: run `reunite migrate`"
            )


def enter_workspace(live: BoundedConnection, name: str, policy: Policy) -> None:
    """Make a workspace with this policy where it does not exist yet.

    Raises `PolicyMismatch` where it was made with another policy.
    """
    made = {"workspace": name, **_columns(policy)}
    with translated(), _told_who_may(f"make the workspace {name!r}"):
        found = live.execute(QUERIES["workspace"], made).fetchone()
        if found is None:
            live.execute(QUERIES["create_workspace"], made)
            found = live.execute(QUERIES["workspace"], made).fetchone()
    if found is None:
        raise SchemaMismatch(f"the workspace {name!r} was removed while it was entered")
    require_policy(Policy(*found), policy, name)


def _columns(policy: Policy) -> dict[str, object]:
    return {"phone_region": policy.phone_region, "rule_version": policy.rule_version}


def _is_current(live: BoundedConnection) -> bool:
    number = _applied(live)
    if number > len(MIGRATIONS):
        raise SchemaMismatch(
            f"the store has schema {number}, this program knows {len(MIGRATIONS)}: "
            "install the newer reunite that made it"
        )
    return number == len(MIGRATIONS) and _first(live, "functions_digest") == FUNCTIONS_DIGEST


def _applied(live: BoundedConnection) -> int:
    number = _first(live, "applied_migration") if _first(live, "is_made") else 0
    return int(str(number))


def _first(live: BoundedConnection, query: str, parameters: dict[str, int] | None = None) -> object:
    row = live.execute(QUERIES[query], parameters).fetchone()
    return None if row is None else row[0]


@contextmanager
def _told_who_may(do_what: str) -> Iterator[None]:
    try:
        yield
    except InsufficientPrivilege as error:
        raise SchemaMismatch(
            f"this role may not {do_what} ({error.diag.message_primary}): "
            "run `reunite migrate` as a role that may"
        ) from None
