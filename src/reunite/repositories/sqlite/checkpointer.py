"""Moves what was committed from SQLite's log into the file, beside the writer."""

from __future__ import annotations

import logging
import threading

import apsw

EVERY = 1000
"""Changes after which it is done: some ten megabytes of log, of pages of 4 KiB."""

_log = logging.getLogger("reunite.sqlite")


class Checkpointer:
    """A thread that checkpoints, so that hardly any commit has to.

    Left to SQLite, one commit in many does it before it returns, and all who wait for that commit
    wait for tens of milliseconds. SQLite's own checkpoint is still there, at a longer log, because
    only a commit can begin the log anew; it then finds little left to move, but flushes the file:
    beside a writer that goes on SQLite does not.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._changes = 0
        self._due = threading.Event()
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def note(self, changes: int) -> None:
        """Count changes that were committed; called by the writer."""
        self._changes += changes
        if self._changes < EVERY:
            return
        self._changes = 0
        self._due.set()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name="reunite-checkpoint", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Finish what is under way and close the connection; closing twice is fine."""
        self._is_closing = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._is_closing:
                return
            try:
                self._connection.execute("pragma wal_checkpoint(passive)")
            except apsw.Error as error:
                # Nothing is lost: the log keeps it all, and the next one tries again.
                _log.warning("checkpoint failed", extra={"reason": str(error)})
