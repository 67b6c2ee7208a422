"""What was decided by hand, as far as work on whole tables knows it: not yet."""

from __future__ import annotations

from reunite.errors import DecisionsNotKnown
from reunite.repositories.bulk import Snapshot


def require_none(snapshot: Snapshot, command: str) -> None:
    """Raise `DecisionsNotKnown` where a command would take decisions for damage, or lose them."""
    if snapshot.has_operations():
        raise DecisionsNotKnown(
            f"{command} does not know yet what is decided by hand, and this workspace has such "
            "decisions, or requests that wait for one; nothing was done. "
            "To keep all of it, back up the store itself: with sqlite3's .backup, or with pg_dump"
        )
