"""The real command line, as an operator would run it, each command in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from demo.servers import environment


class Failed(Exception):
    """A command ended otherwise than it may; the message ends with what it said."""


Said = dict[str, Any]
"""What a command printed as JSON."""


def import_table(folder: Path, database: str, rejects: Path) -> Said:
    """`reunite import` of the table of a folder, with its blocks."""
    options = ("--block", str(folder / "block.txt"), "--rejects", str(rejects))
    return _run("import", str(folder / "contacts.csv"), *options, "--database", database)


def verify(database: str) -> Said:
    """`reunite verify`; that a store is not sound is for the caller to see."""
    return _run("verify", "--database", database)


def stats(database: str, top: int) -> Said:
    """`reunite stats`, with lists of so many at most."""
    return _run("stats", "--top", str(top), "--database", database)


def draw(database: str, contact_id: int, page: Path) -> Said:
    """`reunite graph` of an identity, written as a page."""
    return _run("graph", str(contact_id), "--html", str(page), "--database", database)


def _run(command: str, *options: str) -> Said:
    # In a terminal the command shows its own progress.
    is_watched = sys.stderr.isatty()
    ended = subprocess.run(
        [sys.executable, "-m", "reunite", command, *options, "--json"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if is_watched else subprocess.PIPE,
        text=True,
        check=False,
    )
    if not ended.stdout.startswith("{"):
        raise Failed(f"reunite {command} ended with {ended.returncode}: {ended.stderr or ''}")
    said: Said = json.loads(ended.stdout)
    return said
