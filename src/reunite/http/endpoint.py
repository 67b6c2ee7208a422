"""A path, and what answers there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from reunite.http.problem import MethodNotAllowed
from reunite.http.request import Answer, Request

Handler = Callable[[Request], Awaitable[Answer]]


class Endpoint:
    """A path and what answers there, by method; ``{names}`` in it stand for any one segment."""

    def __init__(self, path: str, **methods: Handler) -> None:
        self.path = path
        self.has_names = "{" in path
        self._pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        self._methods = methods
        self._allow = ", ".join(methods)

    def match(self, path: str) -> dict[str, str] | None:
        """What a path has in the places of the names; None where it is another path."""
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    async def answer(self, request: Request) -> Answer:
        """Answer a request for this path. Raises whatever keeps it from being answered."""
        handler = self._methods.get(request.method)
        if handler is None:
            raise MethodNotAllowed(
                "this path does not take this method",
                self._allow,
                (b"allow", self._allow.encode()),
            )
        return await handler(request)
