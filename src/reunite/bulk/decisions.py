"""What was decided by hand, as far as work on whole tables knows it: not yet."""

from __future__ import annotations

from reunite.errors import OperationRefused
from reunite.repositories.bulk import Snapshot


def require_none(snapshot: Snapshot, command: str) -> None:
    """Raise `OperationRefused` where a command would take decisions for damage, or lose them."""
    if snapshot.has_operations():
        raise OperationRefused(
            f"{command} does not know yet what is decided by hand, and this workspace has such "
            "decisions, or requests that wait for one; nothing was done. "
            "To keep all of it, copy the file of a SQLite store, or dump the database"
        )
