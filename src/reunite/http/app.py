"""The HTTP application: its routes, its beginning and its end."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from starlette.routing import Router

from reunite import metrics, repositories
from reunite.errors import ReuniteError
from reunite.http.docs import Docs
from reunite.http.edge import Edge
from reunite.http.monitor import Monitor
from reunite.http.routes import Endpoint, Health, Identification
from reunite.lane import Lane
from reunite.repositories import Repository
from reunite.settings import Settings

_log = logging.getLogger("reunite")


def create_app(repository: Repository, lane: Lane, settings: Settings) -> Edge:
    """Make the application; when it ends, it ends the lane and closes the repository."""
    health = Health(Monitor(repository, settings.request_timeout))
    endpoints = _endpoints(Identification(lane, repository.policy), health, Docs(settings))
    return Edge(endpoints, Router(lifespan=_life(repository, lane, health)), settings)


def serve_app() -> Edge:
    """Make the application of a server process, all from REUNITE_ variables (for uvicorn).

    Ends the process where that is impossible: its parent starts another, until the store is back.
    """
    try:
        settings = Settings.read(os.environ)
        repository = repositories.open(
            settings.database,
            workspace=settings.workspace,
            phone_region=settings.phone_region,
            on_repeat=metrics.store_repeats.inc,
        )
    except ReuniteError as error:
        _log.critical("cannot serve: %s", error)
        sys.exit(1)
    lane = Lane(
        repository,
        batch_size=settings.batch_size,
        queue_size=settings.queue_size,
        timeout=settings.request_timeout,
    )
    return create_app(repository, lane, settings)


def _endpoints(identification: Identification, health: Health, docs: Docs) -> list[Endpoint]:
    return [
        Endpoint("/identify", POST=identification.identify),
        Endpoint("/identify/batch", POST=identification.identify_batch),
        Endpoint("/livez", GET=health.live),
        Endpoint("/readyz", GET=health.ready),
        Endpoint("/healthz", GET=health.ready),
        Endpoint("/metrics", GET=health.metrics),
        Endpoint("/openapi.json", GET=docs.description),
        Endpoint("/docs", GET=docs.page),
        Endpoint("/docs/page.js", GET=docs.script),
        Endpoint("/docs/swagger-ui-bundle.js", GET=docs.swagger_script),
        Endpoint("/docs/swagger-ui.css", GET=docs.swagger_style),
    ]


def _life(
    repository: Repository, lane: Lane, health: Health
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(_app: object) -> AsyncIterator[None]:
        # What is there now stays: looking through it again and again would make requests wait.
        gc.collect()
        gc.freeze()
        # And what a request makes goes with it: 128 of them at once are no reason to look either.
        gc.set_threshold(20_000)
        with _noticing_sigterm(health):
            yield
        health.draining = True
        if await lane.close():
            repository.close()
        else:
            _log.error("a batch is stuck in the store; leaving without closing it")

    return life


@contextmanager
def _noticing_sigterm(health: Health) -> Iterator[None]:
    """Let /readyz tell of the end as soon as it is asked for, before uvicorn acts on it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def notice(number: int, frame: FrameType | None) -> None:
        health.draining = True
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, notice)
    yield
    if signal.getsignal(signal.SIGTERM) is notice:
        signal.signal(signal.SIGTERM, before)
