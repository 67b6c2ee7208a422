"""The options that commands share; most are settings, which `Settings.read` reads."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from reunite.errors import InvalidSetting
from reunite.settings import Settings, variable_of


def _setting(name: str, metavar: str, says: str) -> Any:
    default = Settings().variables()[variable_of(name)]
    return typer.Option(
        "--" + name.replace("_", "-"),
        metavar=metavar,
        help=f"{says} (or {variable_of(name)}; {default})",
        show_default=False,
    )


Database = Annotated[
    str | None, _setting("database", "URL", "The store: sqlite:///path or postgresql://…")
]
Host = Annotated[str | None, _setting("host", "ADDRESS", "Where to listen.")]
Port = Annotated[str | None, _setting("port", "NUMBER", "The TCP port; 0 takes a free one.")]
Workers = Annotated[str | None, _setting("workers", "NUMBER", "Processes (PostgreSQL only).")]
Workspace = Annotated[str | None, _setting("workspace", "NAME", "Whose data.")]
PhoneRegion = Annotated[
    str | None, _setting("phone_region", "CODE", "Country by which phones are parsed, such as IN.")
]
RequestTimeout = Annotated[
    str | None, _setting("request_timeout", "SECONDS", "How long a request may wait.")
]
BatchSize = Annotated[
    str | None, _setting("batch_size", "NUMBER", "Requests in one transaction at most.")
]
QueueSize = Annotated[
    str | None, _setting("queue_size", "NUMBER", "Requests that may wait; more get 503.")
]
AccessLog = Annotated[str | None, _setting("access_log", "on|off", "A line for each request.")]
LogFormat = Annotated[str | None, _setting("log_format", "auto|json|human", "How the log looks.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Memory = Annotated[
    str, typer.Option(metavar="SIZE", help="What may be held before it is spilled to disk.")
]
Named = Annotated[
    str,
    typer.Argument(help="An e-mail, a phone number, or '#7' for contact 7.", show_default=False),
]

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SMALLEST = 128 << 20
_LARGEST = 1_000_000 << 30


def bytes_of(memory: str) -> int:
    """The bytes of a size such as 512MB or 2G; raises `InvalidSetting`."""
    found = re.fullmatch(r"([0-9]{1,12})([KMG]?)I?B?", memory.strip().upper())
    size = int(found[1]) * _UNITS[found[2]] if found else 0
    if not _SMALLEST <= size <= _LARGEST:
        raise InvalidSetting(
            f"--memory is a size such as 512MB or 2GB, from 128MB to 1000000GB, not {memory[:40]!r}"
        )
    return size
