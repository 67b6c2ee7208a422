"""The one layer around the routes: guard, request id, errors into problems, time, log."""

from __future__ import annotations

import logging
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from reunite import metrics
from reunite.http import problem, wire
from reunite.http.guard import Guard
from reunite.http.problem import NotFound
from reunite.http.request import REQUEST, Answer, ClientGone, Request
from reunite.settings import Settings

_NO_ROUTE = ("no route has this path", "/openapi.json lists the paths")

_access = logging.getLogger("reunite.access")


class Edge:
    """An ASGI application around a router whose routes set a request's answer or raise."""

    def __init__(self, router: ASGIApp, settings: Settings) -> None:
        self._router = router
        self._guard = Guard(settings)
        self._timeout = settings.request_timeout
        self._access_log = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens to it."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        began = perf_counter()
        request = Request(scope, receive, self._timeout)
        try:
            answer = await self._answer(request, receive, send)
        except ClientGone:
            return
        await _send(request, answer, send)
        seconds = perf_counter() - began
        metrics.observe_http_request(scope["method"], request.route, answer.status, seconds)
        if self._access_log:
            _note(request, answer, seconds)

    async def _answer(self, request: Request, receive: Receive, send: Send) -> Answer:
        try:
            self._guard.admit(request)
            request.scope[REQUEST] = request
            await self._router(request.scope, receive, send)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is reported and answered
            problem.report(error, request.id.decode())
            return _refuse(error, request)
        return request.answer or _refuse(NotFound(*_NO_ROUTE), request)


async def unanswered(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Leave a request that no route matches without an answer."""


def _refuse(error: Exception, request: Request) -> Answer:
    headers = [(b"content-type", problem.MEDIA_TYPE.encode()), *problem.headers_of(error)]
    body = wire.encode(problem.problem(error, request.id.decode()))
    return Answer(problem.kind_of(error).status, headers, body)


async def _send(request: Request, answer: Answer, send: Send) -> None:
    headers = [
        *answer.headers,
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", request.id),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _note(request: Request, answer: Answer, seconds: float) -> None:
    _access.info(
        "request",
        extra={
            "method": request.scope["method"],
            "route": request.route,
            "status": answer.status,
            "milliseconds": round(seconds * 1000, 2),
            "requestId": request.id.decode(),
        },
    )
