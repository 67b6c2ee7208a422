"""`reunite serve`: everything that can be wrong is found here, before a process starts."""

from __future__ import annotations

import errno
import logging
import logging.config
import math
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from reunite import logs, repositories
from reunite.cli import options
from reunite.cli.printing import note
from reunite.errors import CannotListen
from reunite.http.protocol import Protocol
from reunite.settings import Settings

_BACKLOG = 2048
# Seconds. Longer than what proxies keep, so that it is they who close an idle connection.
_KEEP_ALIVE = 75
# Seconds beyond a request's own timeout that a stopping server waits for its connections.
_GRACE = 2

_CURL = """curl -s {url}/identify -H 'Content-Type: application/json'{key} \
-d '{{"email": "foo@example.com", "phoneNumber": "1234567890"}}'"""

_log = logging.getLogger("reunite")


def serve(
    *,
    database: options.Database = None,
    host: options.Host = None,
    port: options.Port = None,
    workers: options.Workers = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
    request_timeout: options.RequestTimeout = None,
    batch_size: options.BatchSize = None,
    queue_size: options.QueueSize = None,
    access_log: options.AccessLog = None,
    log_format: options.LogFormat = None,
) -> None:
    """Answer POST /identify over HTTP.

    API keys are given as REUNITE_API_KEYS alone, with commas between them: options can be read by
    anyone on the machine.
    """
    settings = Settings.read(os.environ, **locals())
    configuration = logs.configuration(settings.log_format)
    logging.config.dictConfig(configuration)
    # That the store can be used is found out here, once; each process then opens its own.
    with repositories.open(
        settings.database, workspace=settings.workspace, phone_region=settings.phone_region
    ):
        pass
    with closing(_listen(settings)) as listener:
        os.environ.update(settings.variables())
        config = _configure(settings, configuration)
        run = _run_one if settings.workers == 1 else _run_several
        run(config, listener, partial(_announce, settings, listener.getsockname()[1]))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"port {settings.port} of {settings.host}"
        if error.errno == errno.EADDRINUSE:
            message = f"{where} is taken; stop what listens there, or give another --port"
        elif error.errno == errno.EACCES:
            message = f"{where} is not for this user; give a --port above 1023"
        else:
            message = f"{settings.host} is no address of this machine; give another --host"
        raise CannotListen(message) from None


def _announce(settings: Settings, port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    nearby = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    key = ' -H "Authorization: Bearer $KEY"' if settings.api_keys else ""
    curl = _CURL.format(url=nearby, key=key)
    if logs.is_human(settings.log_format):
        note(f"reunite answers on {url}, store {settings.store}")
        note(f"try it:\n\n  {curl}\n\nor open {nearby}/docs")
    else:
        extra = {"address": url, "store": settings.store, "try": curl}
        _log.info("serving", extra=extra)


def _configure(settings: Settings, configuration: dict[str, Any]) -> uvicorn.Config:
    return uvicorn.Config(
        "reunite.http:serve_app",
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=configuration,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.request_timeout) + _GRACE,
    )


def _run_one(config: uvicorn.Config, listener: socket.socket, announce: Callable[[], None]) -> None:
    server = uvicorn.Server(config)
    # uvicorn takes signals only once it runs, and at its end raises them again for who had them
    # before: so none is lost, and to be told to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    announce()
    server.run(sockets=[listener])


def _run_several(
    config: uvicorn.Config, listener: socket.socket, announce: Callable[[], None]
) -> None:
    with tempfile.TemporaryDirectory(prefix="reunite-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        supervisor = Multiprocess(config, sockets=[listener])
        announce()
        supervisor.run()
