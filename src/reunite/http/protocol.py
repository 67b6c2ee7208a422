"""uvicorn's protocol, kept to what HTTP says where that leaves off."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """As uvicorn's, over a transport that gathers what is written.

    A client may end its side as soon as it has sent its requests: what came wholly is answered.
    An Upgrade is ignored, as RFC 9110 (7.8) allows: there is no other protocol here.
    """

    _is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Read what came, and begin the requests whose heads are complete."""
        self._unset_keepalive_if_required()
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._ignore_upgrades(memoryview(data)[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Take note that nothing more comes; answer whether something is still to be answered."""
        return self._end()

    def on_response_complete(self) -> None:
        """Go on with the next request, or end."""
        if self._is_ending and not self.pipeline:
            self.transport.close()
        HttpToolsProtocol.on_response_complete(self)

    def _should_upgrade(self) -> bool:
        # So uvicorn leaves alone what asks for an Upgrade: it is begun when it is read again.
        return True

    def _ignore_upgrades(self, rest: memoryview) -> None:
        """Read the head that asked for an Upgrade again, without that, and then the rest.

        The parser stops at such a head and takes its body for the next request: behind a proxy
        that counts it as a body, one client's body would be answered to another.
        """
        while True:
            self.parser.feed_data(self._head_without_upgrade())
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        method, version = self.scope["method"], self.scope["http_version"]
        if method == "CONNECT":
            raise httptools.HttpParserInvalidMethodError("there are no tunnels")
        lines = [b"%s %s HTTP/%s" % (method.encode(), self.url, version.encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _end(self) -> bool:
        """Take nothing more: answer what came wholly, then close; False where that is now."""
        self._is_ending = True
        waits = not self._is_answered and not self._drop()
        if not waits:
            self.transport.close()
        return waits

    @property
    def _is_answered(self) -> bool:
        """Whether all requests that were begun are answered: they are in the order they came."""
        return self.cycle is None or self.cycle.response_complete

    def _drop(self) -> bool:
        """Let go of the last request if it has not come wholly; True where no other waits."""
        last = self.cycle
        if not last.more_body or last.response_started:
            return False
        last.disconnected = True
        last.message_event.set()
        if not self.pipeline:
            return True
        self.pipeline.popleft()
        return False


class _Gathering:
    """A transport that writes once for each turn of the event loop.

    uvicorn writes the head and the body of an answer apart, which are two system calls, and two
    wake-ups of the client, that do the work of one.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._gathered:
            data = b"".join(self._gathered)
            self._gathered.clear()
            if not self._transport.is_closing():
                self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
