"""The part of a URL behind the question mark."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from reunite.http.problem import BadRequest


class Query:
    """The query parameters of one request; those that nobody asks for are ignored."""

    def __init__(self, query: bytes) -> None:
        self._given = parse_qs(query.decode("latin-1"), keep_blank_values=True)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number. Raises `BadRequest`."""
        text = self._text(name)
        if text is None:
            return default
        right = f"a whole number from {least} to {most}"
        if not re.fullmatch("[0-9]{1,19}", text) or not least <= int(text) <= most:
            raise BadRequest(f"the query parameter {name} is no such number", right)
        return int(text)

    def switch(self, name: str) -> bool:
        """True or false, false where it is not given. Raises `BadRequest`."""
        text = self._text(name)
        if text not in (None, "true", "false"):
            raise BadRequest(f"the query parameter {name} is neither", "true or false")
        return text == "true"

    def _text(self, name: str) -> str | None:
        given = self._given.get(name, [])
        if len(given) > 1:
            raise BadRequest(f"the query parameter {name} comes {len(given)} times", "one of it")
        return given[0] if given else None
