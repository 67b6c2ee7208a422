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
from reunite.http.deciding import Deciding
from reunite.http.docs import Docs
from reunite.http.edge import Edge
from reunite.http.endpoint import Endpoint
from reunite.http.inquiring import Inquiring
from reunite.http.monitor import Monitor
from reunite.http.protocol import State
from reunite.http.reading import Reading
from reunite.http.routes import Health, Identification
from reunite.inquiry import Inquiry
from reunite.lane import Lane
from reunite.operations import Operations
from reunite.repositories import Store
from reunite.settings import Settings

_log = logging.getLogger("reunite")


def create_app(store: Store, lane: Lane, settings: Settings) -> Edge:
    """Make the application; when it ends, it ends the lane and closes the store."""
    health = Health(Monitor(store, settings.request_timeout))
    reading = Reading(settings.queue_size, settings.request_timeout)
    inquiring = Inquiring(Inquiry(store), store.policy, reading)
    identification = Identification(lane, store.policy, inquiring)
    endpoints = [
        *_identifying(identification),
        *_looking(inquiring),
        *_deciding(Deciding(Operations(store), store.policy, lane, reading, inquiring)),
        *_telling(health, Docs(settings)),
    ]
    life = _life(store, lane, reading, health, settings)
    return Edge(endpoints, Router(lifespan=life), settings)


def serve_app() -> Edge:
    """Make the application of a server process, all from REUNITE_ variables (for uvicorn).

    Ends the process where that is impossible: its parent starts another, until the store is back.
    """
    try:
        settings = Settings.read(os.environ)
        store = repositories.open(
            settings.database,
            workspace=settings.workspace,
            phone_region=settings.phone_region,
            on_repeat=metrics.store_repeats.inc,
        )
    except ReuniteError as error:
        _log.critical("cannot serve: %s", error)
        sys.exit(1)
    lane = Lane(
        store,
        batch_size=settings.batch_size,
        queue_size=settings.queue_size,
        timeout=settings.request_timeout,
    )
    return create_app(store, lane, settings)


def _identifying(identification: Identification) -> list[Endpoint]:
    return [
        Endpoint("/identify", POST=identification.identify),
        Endpoint("/identify/batch", POST=identification.identify_batch),
    ]


def _looking(inquiring: Inquiring) -> list[Endpoint]:
    return [
        Endpoint("/lookup", POST=inquiring.lookup),
        Endpoint("/identities/{contactId}", GET=inquiring.identity),
        Endpoint("/identities/{contactId}/history", GET=inquiring.history),
        Endpoint("/identities/{contactId}/graph", GET=inquiring.graph),
        Endpoint("/explain", POST=inquiring.explain),
    ]


def _deciding(deciding: Deciding) -> list[Endpoint]:
    return [
        Endpoint("/identities/{contactId}/unlink", POST=deciding.unlink),
        Endpoint("/identities/{contactId}/merge", POST=deciding.merge),
        Endpoint("/journal/{position}/undo", POST=deciding.undo),
        Endpoint("/constraints", GET=deciding.constraints, POST=deciding.constrain),
        Endpoint("/constraints/remove", POST=deciding.unconstrain),
        Endpoint("/blocks", GET=deciding.blocks, POST=deciding.block),
        Endpoint("/blocks/remove", POST=deciding.unblock),
        Endpoint("/held", GET=deciding.held),
        Endpoint("/held/{heldId}/allow", POST=deciding.allow),
        Endpoint("/held/{heldId}/dismiss", POST=deciding.dismiss),
    ]


def _telling(health: Health, docs: Docs) -> list[Endpoint]:
    return [
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
    store: Store, lane: Lane, reading: Reading, health: Health, settings: Settings
) -> Callable[[Any], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def life(_app: object) -> AsyncIterator[State]:
        # What is there now stays: looking through it again and again would make requests wait.
        gc.collect()
        gc.freeze()
        # And what a request makes goes with it: 128 of them at once are no reason to look either.
        gc.set_threshold(20_000)
        with _noticing_sigterm(health):
            yield {"request_timeout": settings.request_timeout}
        health.draining = True
        if all([await lane.close(), await reading.close()]):
            store.close()
        else:
            _log.error("a request is stuck in the store; leaving without closing it")

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
