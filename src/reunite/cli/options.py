"""The options that are settings; what is not given comes from the environment (`Settings.read`)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

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
