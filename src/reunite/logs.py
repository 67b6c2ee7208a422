"""Logging, set up in one place: one JSON line a record, or a human line in a terminal.

No line carries an identifier. Messages of the program hold none; of an error that nobody expected
only its type and its way through the code are shown, since its text may quote what a customer sent.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from pathlib import PurePath
from types import TracebackType
from typing import Any, ClassVar

import msgspec

from reunite.settings import LogFormat

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message", "taskName"}


def configuration(log_format: LogFormat) -> dict[str, Any]:
    """Make what `logging.config.dictConfig` takes; uvicorn's worker processes take it too."""
    formatter = HumanFormatter if is_human(log_format) else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"reunite": {"level": "INFO"}},
    }


def is_human(log_format: LogFormat) -> bool:
    """Tell whether lines are for a person to read."""
    return log_format == "human" or (log_format == "auto" and sys.stderr.isatty())


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, then what came with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Answer the line, without its end."""
        line = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _first_line(record),
            **_extras(record),
        }
        return _ENCODER.encode(line).decode()


class HumanFormatter(logging.Formatter):
    """A record as a line to be read: local time, level, message, then name=value."""

    colours: ClassVar = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}

    def format(self, record: logging.LogRecord) -> str:
        """Answer the line, without its end."""
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        line = f"{at} {record.levelname.lower():7} {_first_line(record)}{extras}"
        colour = self.colours.get(record.levelname)
        return f"{colour}{line}\x1b[0m" if colour and sys.stderr.isatty() else line


def _utc(seconds: float) -> str:
    milliseconds = int(seconds * 1000) % 1000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03}Z"


def _first_line(record: logging.LogRecord) -> str:
    # asyncio puts the repr of an error, which may quote a request, on the lines after the first.
    return record.getMessage().strip().partition("\n")[0]


def _extras(record: logging.LogRecord) -> dict[str, object]:
    extras = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if record.exc_info and record.exc_info[1]:
        error = record.exc_info[1]
        extras["error"] = _name(error)
        extras["way"] = _way(error.__traceback__)
        if cause := error.__cause__ or error.__context__:
            extras["cause"] = _name(cause)
    return extras


def _name(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _way(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    return [f"{PurePath(at.filename).name}:{at.lineno} {at.name}" for at in frames]
