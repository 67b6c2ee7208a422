"""One HTTP request: its headers, its id, its body; and what an answer is."""

from __future__ import annotations

import asyncio
import os
import re
from itertools import count
from typing import NamedTuple

from starlette.types import Message, Receive, Scope

from reunite.http.problem import BadRequest, ContentTooLarge, RequestTimeout, UnsupportedMediaType

Headers = list[tuple[bytes, bytes]]

JSON: Headers = [(b"content-type", b"application/json")]

ONE_LIMIT = 64 * 1024
"""Bytes of a body of one request."""

# Headers that say one thing: of two, a proxy may go by the first and this server by the last.
_SINGLE = (
    *(b"authorization", b"content-encoding", b"content-type"),
    *(b"host", b"idempotency-key", b"transfer-encoding"),
)
_JSON_TYPES = frozenset((b"application/json", b"application/json; charset=utf-8"))
_SAFE_ID = re.compile(rb"[0-9A-Za-z._/=:~-]{1,128}")

# Unique among the processes of a server and its restarts, and as cheap as counting.
_PREFIX = os.urandom(6).hex().encode() + b"-%x"
_next_number = count(1).__next__


def new_id() -> bytes:
    """Name a request that brings no name."""
    return _PREFIX % _next_number()


class Answer(NamedTuple):
    """What goes back: a status, headers (length and request id are added), a body."""

    status: int
    headers: Headers
    body: bytes

    def headers_to(self, request_id: bytes) -> Headers:
        """All its headers, as the answer to this request."""
        return [
            *self.headers,
            (b"content-length", b"%d" % len(self.body)),
            (b"x-request-id", request_id),
        ]


class ClientGone(Exception):
    """The client went away before its request was complete: there is nobody to answer."""


class Request:
    """What a route may look at.

    Attributes:
        method: such as ``POST``.
        path: as it was sent, decoded.
        query: what stands behind the question mark.
        parameters: what the path has in the places of a route's ``{names}``.
        headers: by lower-case name; of a header that came twice, the last.
        repeated: the header that came twice though it says one thing, if any did.
        id: the client's X-Request-Id where it is safe to repeat, or else a new one.
    """

    __slots__ = (
        *("_receive", "_timeout"),
        *("headers", "id", "method", "parameters", "path", "query", "repeated"),
    )

    def __init__(self, scope: Scope, receive: Receive, timeout: float) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.parameters: dict[str, str] = {}
        headers = scope["headers"]
        self.headers: dict[bytes, bytes] = dict(headers)
        self.repeated = None if len(self.headers) == len(headers) else _repeated(headers)
        sent = self.headers.get(b"x-request-id")
        self.id = sent if sent and _SAFE_ID.fullmatch(sent) else new_id()
        self._receive = receive
        self._timeout = timeout

    async def json(self, limit: int) -> bytes:
        """Read a body that is said to be JSON.

        Args:
            limit: bytes the body may have.

        Raises: `BadRequest`, `UnsupportedMediaType`, `ContentTooLarge`, `RequestTimeout` or
        `ClientGone`.
        """
        self._require_json()
        length = self.headers.get(b"content-length")
        if length is not None and int(length) > limit:
            raise _too_large(limit)
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
        else:
            body = await self._rest(message, limit)
        if len(body) > limit:
            raise _too_large(limit)
        return body

    async def _rest(self, message: Message, limit: int) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout):
                while message["type"] == "http.request":
                    body += message.get("body", b"")
                    if len(body) > limit or not message.get("more_body", False):
                        return bytes(body)
                    message = await self._receive()
        except TimeoutError:
            raise RequestTimeout(
                "the body did not arrive in time", f"a body within {self._timeout:g} seconds"
            ) from None
        raise ClientGone

    def _require_json(self) -> None:
        if self.headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise BadRequest(
                "the body has another Transfer-Encoding than chunked", "a plain or a chunked body"
            )
        if b"content-encoding" in self.headers:
            raise UnsupportedMediaType("the body has a Content-Encoding", "a plain body")
        content_type = self.headers.get(b"content-type", b"")
        if content_type not in _JSON_TYPES and not _is_json(content_type):
            raise UnsupportedMediaType(
                "the Content-Type is another one" if content_type else "there is no Content-Type",
                "Content-Type: application/json, in UTF-8",
            )


def _repeated(headers: Headers) -> str | None:
    names = [name for name, _ in headers]
    return next((name.decode() for name in _SINGLE if names.count(name) > 1), None)


def _is_json(content_type: bytes) -> bool:
    media_type, *parameters = content_type.lower().split(b";")
    if media_type.strip() != b"application/json":
        return False
    named = (parameter.partition(b"=") for parameter in parameters)
    charsets = [value.strip() for name, _, value in named if name.strip() == b"charset"]
    return all(charset in (b"utf-8", b'"utf-8"') for charset in charsets)


def _too_large(limit: int) -> ContentTooLarge:
    return ContentTooLarge("the body is longer than this route takes", f"at most {limit} bytes")
