"""The HTTP application in this process, behind a real socket on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from starlette.types import ASGIApp

from reunite.http import create_app
from reunite.http.protocol import Protocol
from reunite.lane import Lane
from reunite.repositories import Store
from reunite.settings import Settings

Connect = Callable[[], socket.socket]


@dataclass(frozen=True)
class Served:
    """A server that runs: its address, a client, and plain connections to it."""

    port: int
    client: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, body: object, path: str = "/identify") -> httpx.Response:
        """POST JSON."""
        return self.client.post(path, json=body)

    def post_raw(self, body: bytes, path: str = "/identify", **headers: str) -> httpx.Response:
        """POST bytes that are said to be JSON unless the headers say otherwise."""
        headers = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        return self.client.post(
            path, content=body, headers={"content-type": "application/json", **headers}
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def exchange(self, request: bytes) -> bytes:
        """Send bytes on a connection of their own; answer all that comes back."""
        with self.connect() as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def serve_lane(
    make_lane: Callable[[], Lane],
    store: Store,
    settings: Settings | None = None,
    keep_alive: int = 5,
) -> Iterator[Served]:
    """Serve a lane, made in the server's event loop, and stop at the end as SIGTERM would."""
    settings = settings or Settings()

    def make_app() -> ASGIApp:
        return create_app(store, make_lane(), settings)

    config = uvicorn.Config(
        make_app,
        factory=True,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_keep_alive=keep_alive,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        port = listener.getsockname()[1]
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                yield Served(port, client)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serve(store: Store, settings: Settings | None = None, keep_alive: int = 5) -> Iterator[Served]:
    """Serve a store as `reunite serve` does; it is closed at the end."""
    given = settings or Settings()

    def make_lane() -> Lane:
        return Lane(
            store,
            batch_size=given.batch_size,
            queue_size=given.queue_size,
            timeout=given.request_timeout,
        )

    with serve_lane(make_lane, store, given, keep_alive) as served:
        yield served
