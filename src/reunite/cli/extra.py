"""What `reunite[bulk]` brings: the commands for whole tables need it."""

from __future__ import annotations

from importlib.util import find_spec

from reunite.errors import InvalidSetting

_MODULES = ("duckdb", "numpy", "scipy")


def require_bulk() -> None:
    """Raises `InvalidSetting` where something of the extra is not installed."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise InvalidSetting(
            f"this command needs {' and '.join(missing)}; pip install 'reunite[bulk]'"
        )
