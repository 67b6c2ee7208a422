"""The one layer around the routes: guard, request id, errors into problems, time, log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from reunite import metrics
from reunite.http import problem, wire
from reunite.http.endpoint import Endpoint
from reunite.http.guard import Guard
from reunite.http.problem import NotFound
from reunite.http.request import Answer, ClientGone, Request
from reunite.settings import Settings

NO_ROUTE = "none"
_NOT_FOUND = ("no route has this path", "/openapi.json lists the paths")

_access = logging.getLogger("reunite.access")


class Edge:
    """The ASGI application: finds the endpoint, sends what it answers or what its error means.

    A path is looked up, which spares a tenth of a request's time against matching patterns one by
    one; those with ``{names}`` are matched after that. The beginning and the end of the
    application's life go to ``life``.
    """

    def __init__(self, endpoints: Iterable[Endpoint], life: ASGIApp, settings: Settings) -> None:
        self._endpoints = {endpoint.path: endpoint for endpoint in endpoints}
        self._patterns = [one for one in self._endpoints.values() if one.has_names]
        self._life = life
        self._guard = Guard(settings)
        self._timeout = settings.request_timeout
        self._access_log = settings.access_log

    @property
    def paths(self) -> frozenset[str]:
        """All paths at which it answers."""
        return frozenset(self._endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens to it."""
        if scope["type"] != "http":
            await self._life(scope, receive, send)
            return
        began = perf_counter()
        request = Request(scope, receive, self._timeout)
        endpoint = self._endpoints.get(request.path) or self._match(request)
        try:
            answer = await self._answer(request, endpoint)
        except ClientGone:
            return
        headers = answer.headers_to(request.id)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        seconds = perf_counter() - began
        route = endpoint.path if endpoint else NO_ROUTE
        metrics.observe_http_request(request.method, route, answer.status, seconds)
        if self._access_log:
            _note(request, route, answer.status, seconds)

    def _match(self, request: Request) -> Endpoint | None:
        for endpoint in self._patterns:
            parameters = endpoint.match(request.path)
            if parameters is not None:
                request.parameters = parameters
                return endpoint
        return None

    async def _answer(self, request: Request, endpoint: Endpoint | None) -> Answer:
        try:
            self._guard.admit(request)
            if endpoint is None:
                return refuse(NotFound(*_NOT_FOUND), request.id)
            return await endpoint.answer(request)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is reported and answered
            problem.report(error, request.id.decode())
            return refuse(error, request.id)


def refuse(error: Exception, request_id: bytes) -> Answer:
    """Make an answer of an error."""
    headers = [(b"content-type", problem.MEDIA_TYPE.encode()), *problem.headers_of(error)]
    body = wire.encode(problem.problem(error, request_id.decode()))
    return Answer(problem.kind_of(error).status, headers, body)


def _note(request: Request, route: str, status: int, seconds: float) -> None:
    _access.info(
        "request",
        extra={
            "method": request.method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "requestId": request.id.decode(),
        },
    )
