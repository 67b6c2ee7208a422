"""The settings of a server: each a variable REUNITE_…, all but the API keys options of `serve`."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, Self, get_type_hints

from reunite.errors import InvalidSetting
from reunite.url import is_sqlite, shown, sqlite_path

PREFIX = "REUNITE_"
LogFormat = Literal["auto", "json", "human"]


class _Wrong(Exception):
    """A value that means nothing: what is wrong with it, and what would be right."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(wrong, right)
        self.wrong = wrong
        self.right = right


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        right = f"a whole number from {least} to {most}"
        if not re.fullmatch(r"[0-9]{1,12}", text):
            raise _Wrong("is no such number", right)
        if not least <= int(text) <= most:
            raise _Wrong("is out of range", right)
        return int(text)

    return read


def _seconds(text: str) -> float:
    right = "seconds, more than 0 and at most 3600, such as 10 or 0.5"
    try:
        seconds = float(text)
    except ValueError:
        raise _Wrong("is no number", right) from None
    if not math.isfinite(seconds) or not 0 < seconds <= 3600:
        raise _Wrong("is out of range", right)
    return seconds


def _word(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise _Wrong("is none of the words known", " or ".join(words))
        return text.lower()

    return read


def _switch(text: str) -> bool:
    return _word("on", "off")(text) == "on"


def _database(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Wrong("has bytes that are no text", "a URL in UTF-8") from None
    try:
        if is_sqlite(text):
            sqlite_path(text)
    except InvalidSetting:
        raise _Wrong(
            "names no store",
            "sqlite:///path (? in it as %3F, # as %23) or postgresql://user@host/database",
        ) from None
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z._:-]+", text):
        raise _Wrong("is no address", "a name or an address, such as 127.0.0.1, ::1 or 0.0.0.0")
    return text


def _workspace(text: str) -> str:
    if not text.strip() or len(text) > 100 or not text.isprintable():
        raise _Wrong("is no name", "1 to 100 printable characters")
    return text


def _region(text: str) -> str | None:
    if text.lower() in ("", "none"):
        return None
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise _Wrong("is no country code", "two letters such as IN (ISO 3166), or none")
    return text.upper()


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in text.split(",")) if text.strip() else ()
    if not all(re.fullmatch(r"[!-~]+", key) for key in keys):
        raise _Wrong(
            "has a key that is empty or not plain", "visible ASCII characters, commas between keys"
        )
    return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server needs to know; made by `Settings.read`.

    Attributes:
        database: the store's URL, ``sqlite:///path`` or ``postgresql://…``.
        host: the address to listen on; any but a loopback address needs api_keys.
        port: the TCP port; 0 takes a free one.
        workers: processes; more than one on PostgreSQL only.
        workspace: whose data this server answers from.
        phone_region: ISO 3166 code by which phones are parsed, or None.
        api_keys: one of them must come with each request, if there are any.
        request_timeout: seconds after which a request that still waits is answered with 503.
        batch_size: requests that go to the store in one transaction at most.
        queue_size: requests that may wait; more are answered with 503.
        access_log: whether each request gets a line in the log.
        log_format: ``json``, ``human`` or ``auto``: human in a terminal, JSON elsewhere.
    """

    database: Annotated[str, _database] = field(default="sqlite:///reunite.db", repr=False)
    host: Annotated[str, _host] = "127.0.0.1"
    port: Annotated[int, _number(0, 65535)] = 8000
    workers: Annotated[int, _number(1, 64)] = 1
    workspace: Annotated[str, _workspace] = "default"
    phone_region: Annotated[str | None, _region] = None
    api_keys: Annotated[tuple[str, ...], _keys] = field(default=(), repr=False)
    request_timeout: Annotated[float, _seconds] = 10.0
    batch_size: Annotated[int, _number(1, 10_000)] = 1024
    queue_size: Annotated[int, _number(1, 1_000_000)] = 8192
    access_log: Annotated[bool, _switch] = False
    log_format: Annotated[LogFormat, _word("auto", "json", "human")] = "auto"

    def __post_init__(self) -> None:
        if self.workers > 1 and self.database.startswith("sqlite:"):
            raise InvalidSetting(
                f"workers is {self.workers}, but SQLite has one writer, so that more processes "
                "gain nothing; use 1, or a PostgreSQL store (--database postgresql://…)"
            )
        if not self.is_local and not self.api_keys:
            raise InvalidSetting(
                f"host is {self.host}, which others can reach, but there are no API keys; "
                f"set {PREFIX}API_KEYS to one or more secrets, or listen on 127.0.0.1"
            )

    @classmethod
    def read(cls, environment: Mapping[str, str], **arguments: str | int | None) -> Self:
        """Take each setting from the arguments or else from its variable or else its default.

        Arguments of None count as not given. Raises `InvalidSetting`.
        """
        given: dict[str, Any] = {}
        hints = get_type_hints(cls, include_extras=True)
        for setting in fields(cls):
            argument = arguments.get(setting.name)
            variable = variable_of(setting.name)
            if argument is not None:
                where, text = "--" + setting.name.replace("_", "-"), str(argument)
            elif variable in environment:
                where, text = variable, environment[variable]
            else:
                continue
            (read,) = hints[setting.name].__metadata__
            try:
                given[setting.name] = read(text)
            except _Wrong as error:
                # What is kept out of the repr is a secret.
                shown = f" = {text[:40]!r}" if setting.repr else ""
                raise InvalidSetting(
                    f"{where}{shown} {error.wrong}; it must be {error.right}"
                ) from None
        return cls(**given)

    def variables(self) -> dict[str, str]:
        """Write the settings as the environment from which `read` makes the same again."""
        return {
            variable_of(setting.name): _text(getattr(self, setting.name))
            for setting in fields(self)
        }

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def store(self) -> str:
        """The store's URL as it may be shown: without user, password and parameters."""
        return shown(self.database)


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def variable_of(name: str) -> str:
    """Name the environment variable of a setting: ``port`` is ``REUNITE_PORT``."""
    return PREFIX + name.upper()
