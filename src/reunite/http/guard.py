"""Who may ask: API keys, and on loopback the name by which the server was called."""

from __future__ import annotations

import hmac
from hashlib import sha256

from reunite.http.problem import BadRequest, MisdirectedRequest, Unauthorized
from reunite.http.request import Request
from reunite.settings import Settings

OPEN_PATHS = frozenset(("/livez", "/readyz", "/healthz"))


class Guard:
    """Lets requests pass or raises what keeps them out.

    On loopback anyone on the machine may ask, a browser included: a page whose name was rebound
    to 127.0.0.1 would read customers, were its Host header not looked at.
    """

    def __init__(self, settings: Settings) -> None:
        # Digests have one length: comparing them tells nothing of a key's length.
        self._keys = [sha256(key.encode()).digest() for key in settings.api_keys]
        self._names: frozenset[bytes] = frozenset()
        if settings.is_local:
            bound = f"[{settings.host}]" if ":" in settings.host else settings.host
            names = ("localhost", "127.0.0.1", "[::1]", bound.lower())
            self._names = frozenset(name.encode() for name in names)

    def admit(self, request: Request) -> None:
        """Raise `BadRequest`, `MisdirectedRequest` or `Unauthorized` unless it may pass."""
        if request.repeated:
            raise BadRequest(f"the header {request.repeated} came twice", "one of it")
        if self._names:
            self._require_name(request.headers.get(b"host"))
        if self._keys and request.path not in OPEN_PATHS:
            self._require_key(request.headers.get(b"authorization", b""))

    def _require_name(self, host: bytes | None) -> None:
        if not host:
            raise BadRequest("there is no Host header", "Host: localhost")
        name, colon, port = host.rpartition(b":")
        if not colon or (port and not port.isdigit()):
            name = host
        if name.lower() not in self._names:
            raise MisdirectedRequest(
                "the Host header names no address of this server",
                "one of " + ", ".join(sorted(name.decode() for name in self._names)),
            )

    def _require_key(self, authorization: bytes) -> None:
        scheme, _, key = authorization.partition(b" ")
        digest = sha256(key.strip()).digest()
        # Every key is compared, so that the time taken does not tell which one was right.
        matches = [hmac.compare_digest(digest, known) for known in self._keys]
        if scheme.lower() != b"bearer" or not any(matches):
            raise Unauthorized(
                "no API key of this server came with it" if key else "there is no API key",
                "Authorization: Bearer and one of the server's API keys",
                (b"www-authenticate", b'Bearer realm="reunite"'),
            )
