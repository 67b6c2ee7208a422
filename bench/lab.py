"""What the parts of a run share: a folder, a PostgreSQL, stores that are made and filled there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import reunite
from bench import workloads
from bench.plan import Plan
from bench.postgres import Postgres
from bench.servers import Server
from reunite.repositories import Store

STORES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
NO_STORE = "no store"

_CHUNK = 1000


def one_a_commit(name: str) -> str:
    """The name of the server that commits each request alone."""
    return f"{name}, one a commit"


class Lab:
    """One run's surroundings; ``tell`` is called with what is being done now."""

    def __init__(
        self, folder: Path, postgres: Postgres, plan: Plan, tell: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self.plan = plan
        self.tell = tell
        self._numbers = count(1)

    def fresh(self, kind: str) -> str:
        """Make an empty store and return its URL."""
        if kind == "postgresql":
            return self.postgres.fresh_database()
        return f"sqlite:///{self.folder / f'{next(self._numbers)}.db'}"

    @contextmanager
    def opened(self, database: str) -> Iterator[Store]:
        """A store, used without a server; at the end its data is where a quiet store has it."""
        with reunite.open(database) as store:
            yield store
        if database.startswith("postgresql"):
            self.postgres.settle()

    def filled(self, kind: str, identities: int) -> str:
        """Make a store with so many identities of one contact, and return its URL."""
        database = self.fresh(kind)
        self.tell(f"filling {STORES[kind]} with {identities:,} identities")
        with self.opened(database) as store:
            pairs = workloads.pairs(range(identities))
            while chunk := list(islice(pairs, _CHUNK)):
                store.identify_many(chunk)
        return database

    def server(
        self,
        name: str,
        database: str,
        *,
        filled: int = 0,
        batch_size: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Server:
        """A server of a store, to be entered."""
        return Server(
            name,
            database,
            self.folder / "server.log",
            filled=filled,
            batch_size=batch_size,
            environment=environment,
        )

    def stand_in(self) -> Server:
        """A server without a store, to be entered; it is asked what the others are asked."""
        return Server(
            NO_STORE,
            self.fresh("sqlite"),
            self.folder / "server.log",
            filled=self.plan.filled,
            module="bench.stand_in",
        )
