"""Both stores, asked the same over HTTP; what they answer must be the same."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from demo.adopt.checks import Check
from demo.adopt.commands import Failed

Answer = dict[str, Any]


_PATIENCE = 120
"""Seconds without a byte before a server counts as hanging."""

_OWN = frozenset({"at", "sentence", "sentences", "requestId"})
"""Fields that say when, as each store imported at its own time, and the names of requests."""


class Refused(Failed):
    """A request was answered 409: as things stand it cannot be done."""


class _Answered(NamedTuple):
    status: int
    body: Answer


class Stores:
    """Services on 127.0.0.1, one for each store.

    Attributes:
        check: that their answers are the same, refusals too.
    """

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._connections = [
            http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
            for port in ports.values()
        ]
        self.check = Check("answers of both stores, but for their times")

    def get(self, path: str) -> Answer:
        """What the first store answers. Raises `Failed` for anything but 200."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Answer) -> Answer:
        """What the first store answers. Raises `Refused` for 409, `Failed` for else but 200."""
        return self._ask("POST", path, json.dumps(body))

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        answers = [_send(each, method, path, body) for each in self._connections]
        one, *others = answers
        for other in others:
            self.check.compare(f"{method} {path} {body}", _timeless(other), _timeless(one))
        for status, told in answers:
            if status != HTTPStatus.OK:
                kind = Refused if status == HTTPStatus.CONFLICT else Failed
                raise kind(f"{method} {path} was answered {status}: {json.dumps(told)}")
        return one.body


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, body: str | None
) -> _Answered:
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return _Answered(response.status, json.loads(response.read()))


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in _OWN}
    return [_timeless(each) for each in value] if isinstance(value, list | tuple) else value
