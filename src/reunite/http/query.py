"""The part of a URL behind the question mark."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from reunite.http.problem import BadRequest


class Query:
    """The query parameters of one request: none but those that are named, or `BadRequest`.

    Were others ignored, a ``dryrun`` would write. Which it was is not said: it may be a value.
    """

    def __init__(self, query: bytes, *names: str) -> None:
        self._given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
        if not self._given.keys() <= set(names):
            raise BadRequest(
                "a query parameter is none of this route's",
                "only " + " and ".join(names) if names else "no query parameters",
            )

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


def require_no_query(query: bytes) -> None:
    """Raise `BadRequest` where there are query parameters at all."""
    Query(query)
