"""Files by their names, as SQL has them."""

from __future__ import annotations

from pathlib import Path

from reunite.errors import ImportStopped

_MAGIC = {ord(char): f"[{char}]" for char in "*?["}


def literal(path: Path) -> str:
    """A path that DuckDB reads, in quotes: that file alone, even where its name is a pattern.

    Raises `ImportStopped` for a path that cannot be written so.
    """
    # Whole, so that a name can be neither a URL nor begin with ~, which DuckDB takes for the home.
    whole = str(path.absolute())
    escaped = whole.translate(_MAGIC)
    if escaped != whole and "\\" in whole:  # which ends a folder's name, but only in patterns
        raise ImportStopped(f"{path}: has a backslash and one of * ? [ in its name; rename it")
    return "'" + escaped.replace("'", "''") + "'"
