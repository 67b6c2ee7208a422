"""What `reunite[bulk]` brings: the commands for whole tables need it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from reunite.errors import InvalidSetting

_MODULES = [
    *("duckdb", "numpy", "scipy"),
    *(["backports.zstd"] if sys.version_info < (3, 14) else []),
]


def require_bulk() -> None:
    """Raises `InvalidSetting` where something of the extra is not installed."""
    missing = [name for name in _MODULES if not _is_installed(name)]
    if missing:
        raise InvalidSetting(
            f"this command needs {' and '.join(missing)}; pip install 'reunite[bulk]'"
        )


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
