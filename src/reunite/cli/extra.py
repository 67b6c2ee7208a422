"""What `reunite[bulk]` brings, and what its commands have in common."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from reunite.errors import InvalidSetting

Memory = Annotated[str, typer.Option(help="What may be held before it is spilled to disk.")]

_MODULES = ("duckdb", "numpy", "scipy")


def require_bulk() -> None:
    """Raises `InvalidSetting` where something of the extra is not installed."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise InvalidSetting(
            f"this command needs {' and '.join(missing)}; pip install 'reunite[bulk]'"
        )
