"""uvicorn's protocol, kept to what HTTP says where that leaves off."""

from __future__ import annotations

import asyncio
from typing import Literal, TypedDict

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from reunite import metrics
from reunite.http import problem
from reunite.http.edge import NO_ROUTE, refuse
from reunite.http.problem import BadRequest, HeadTooLarge, RequestTimeout
from reunite.http.request import new_id
from reunite.http.transport import Gathering

HEAD_LIMIT = 64 * 1024
"""Bytes of a request's target and headers."""

_TOO_LARGE = ("the head is longer than this server takes", f"at most {HEAD_LIMIT} bytes")


class State(TypedDict):
    """What the application tells its connections when it begins."""

    request_timeout: float


class Protocol(HttpToolsProtocol):
    """As uvicorn's, over a transport that gathers what is written.

    A client may end its side as soon as it has sent its requests: what came wholly is answered.
    An Upgrade is ignored, as RFC 9110 (7.8) allows: there is no other protocol here. What is no
    request is refused as everything is, in its turn, and ends the connection; so is a head that is
    too large, or late.
    """

    # uvicorn's own attributes are as many as Python keeps fast in an instance's dictionary.
    __slots__ = (
        *("_answered_at", "_deadline", "_last_words", "_stage"),
        *("_has_body", "_overhead", "_segment", "_split"),
    )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]
        self._stage: Literal["open", "ending", "ended"] = "open"
        self._last_words = b""
        self._answered_at = 0.0
        # Of a message that takes several segments: it, bytes besides a body, whether any came.
        self._segment = 0
        self._split: object = None
        self._overhead = 0
        self._has_body = False
        self._deadline: asyncio.TimerHandle | None = None
        self._expect_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """End with it."""
        self._expect_nothing()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, and begin the requests whose heads are complete."""
        if self._stage != "open":
            return
        self._segment = len(data)
        rest = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(_meaning(error))
        except httptools.HttpParserUpgrade as upgrade:
            rest = memoryview(data)[upgrade.args[0] :]
        if rest is not None:
            self._ignore_upgrades(rest)
        last = self.cycle
        if last is None or last.more_body or last.response_complete or last.scope is not self.scope:
            self._wait(self._segment)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Take note that nothing more comes; answer whether something is still to be answered."""
        if self._stage == "open":
            self._end()
        return self._stage == "ending"

    def on_headers_complete(self) -> None:
        """Begin a request, or let it wait for those before it."""
        if self._deadline is not None:
            self._expect_nothing()
        if self._split is self.scope or self._segment > HEAD_LIMIT:
            self._require_small_head()
        HttpToolsProtocol.on_headers_complete(self)
        # Behind a body may stand more headers: they are none of the request's (RFC 9110, 6.5.1).
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        self._has_body = True
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with the next request, be idle, or end."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._stage == "ending":
            self._finish()
            return
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._be_idle(self.timeout_keep_alive)
        if self.cycle.more_body or self.cycle.scope is not self.scope:
            self._wait(0)

    def timeout_keep_alive_handler(self) -> None:
        """Close what was idle for long enough.

        One timer goes on through all requests of a connection: to set it anew for each, as uvicorn
        does, takes longer than all that is done here besides.
        """
        self.timeout_keep_alive_task = None
        if not self._is_answered or self._deadline is not None:
            return
        rest = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._be_idle(rest)
        else:
            super().timeout_keep_alive_handler()

    def _be_idle(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _should_upgrade(self) -> bool:
        # So uvicorn leaves alone what asks for an Upgrade: it is begun when it is read again.
        return True

    def _ignore_upgrades(self, rest: memoryview) -> None:
        """Read the head that asked for an Upgrade again, without that, and then the rest.

        The parser stops at such a head and takes its body for the next request: behind a proxy
        that counts it as a body, one client's body would be answered to another.
        """
        while self._stage == "open":
            if self.scope["method"] == "CONNECT":
                self._refuse(BadRequest("it asks for a tunnel", "a path such as /identify"))
                return
            try:
                self.parser.feed_data(self._head_without_upgrade())
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
            except httptools.HttpParserError as error:
                self._refuse(_meaning(error))
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        method, version = self.scope["method"].encode(), self.scope["http_version"].encode()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % header for header in self.scope["headers"] if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _refuse(self, error: Exception) -> None:
        """Answer what is no request, after those that came before it, and end."""
        request_id = new_id()
        problem.report(error, request_id.decode())
        answer = refuse(error, request_id)
        metrics.observe_http_request("none", NO_ROUTE, answer.status, 0)
        headers = [
            *self.server_state.default_headers,
            *answer.headers_to(request_id),
            (b"connection", b"close"),
        ]
        lines = [b"%s: %s\r\n" % header for header in headers]
        self._end(b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.body]))

    def _end(self, last_words: bytes = b"") -> None:
        """Take nothing more: answer what came wholly, say the last words, close."""
        self._stage = "ending"
        self._expect_nothing()
        # What is being answered already must not get a second answer.
        if self._is_in_head or not self.cycle.response_started:
            self._last_words = last_words
        if self._is_answered or self._drop():
            self._finish()

    @property
    def _is_in_head(self) -> bool:
        """Whether the request that came last has not begun."""
        return self.cycle is None or self.cycle.scope is not self.scope

    @property
    def _is_answered(self) -> bool:
        """Whether all requests that began are answered: they are in the order they came."""
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

    def _finish(self) -> None:
        """Say the last words and close: at once where there are none, or else in two steps.

        To close while the client still sends would take the words from it before it read them.
        """
        self._stage = "ended"
        if not self._last_words:
            self.transport.close()
            return
        self.transport.write(self._last_words)
        self.transport.write_eof()
        self.flow.resume_reading()
        self._expect_more()

    def _wait(self, size: int) -> None:
        """Bound what is still to come of a message, in bytes and in time.

        The time of a body that somebody waits for is the application's to bound.
        """
        if self._stage != "open":
            return
        if self._split is not self.scope or self._has_body:
            # How much of this segment was its own the parser does not tell: it is let pass.
            if self._split is not self.scope:
                self._expect_nothing()
            self._split, self._overhead, self._has_body = self.scope, 0, False
            size = 0
        self._overhead += size
        if self._overhead > HEAD_LIMIT:
            self._refuse(HeadTooLarge(*_TOO_LARGE))
        elif self._is_answered:
            self._expect_more()
        elif not self._is_in_head:
            # So it looks for the body, and its time begins, though nothing of that came yet.
            self.cycle.message_event.set()

    def _require_small_head(self) -> None:
        fields = sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        if len(self.url) + fields > HEAD_LIMIT:
            raise HeadTooLarge(*_TOO_LARGE)

    def _expect_more(self) -> None:
        """Give what is still to come its time."""
        if self._deadline is None:
            timeout = self.app_state["request_timeout"]
            self._deadline = self.loop.call_later(timeout, self._be_late, timeout)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _be_late(self, timeout: float) -> None:
        self._deadline = None
        if self._stage == "open" and self.scope is not None and self._is_in_head:
            right = f"a head within {timeout:g} seconds"
            self._refuse(RequestTimeout("the head did not arrive in time", right))
        else:
            # There is nobody to tell: nothing was asked, or it was answered before it had come.
            self.transport.close()


def _meaning(error: httptools.HttpParserError) -> Exception:
    """What is wrong with what the parser refuses, or with what is made of what it read."""
    if not isinstance(error, httptools.HttpParserCallbackError):
        return BadRequest(f"it is no HTTP/1.1: {error}", "a request as RFC 9112 describes it")
    cause = error.__context__
    if isinstance(cause, httptools.HttpParserInvalidURLError | AttributeError):
        return BadRequest("the target of the request is no path", "a path such as /identify")
    return cause if isinstance(cause, Exception) else error
