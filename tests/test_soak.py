"""Under mixed traffic memory stays flat, and neither descriptors nor connections leak.

REUNITE_TEST_SOAK_SECONDS of it, on both stores at once: 30 unless told otherwise, hours by hand.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg

from audit import Tables, faults
from server import Server, wait_until

SECONDS = float(os.environ.get("REUNITE_TEST_SOAK_SECONDS", "30"))
VISITORS = 4
KNOWN = 2000
ROOM = 16 * 2**20
"""Bytes by which memory may grow after warming up, however long it goes on."""
ROOM_AT_FIRST, ROOM_FOR_A_REQUEST = 2 * 2**20, 300
"""Bytes by which it may grow until then: a leak of 1 kB a request is seen within seconds."""
JSON = {"content-type": "application/json"}
HABITS = {"post": 87, "post_array": 4, "post_bad": 3, "look_around": 6}
"""What a visitor does, and how often."""


class Visitor:
    """One client with bad manners: it opens connections, posts good and bad, and hangs up."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.rng = random.Random(number)
        self.fresh = (f"{number}n{count}" for count in itertools.count())
        self.statuses: set[int] = set()
        self.requests = 0

    def visit(self) -> None:
        """Use one connection for a while."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        for _ in range(self.rng.randint(1, 60)):
            habit = self.rng.choices(list(HABITS), list(HABITS.values()))[0]
            getattr(self, habit)(connection)
        if self.rng.random() < 0.3:
            self._send(connection, "POST", "/identify", self._request())  # and hang up unanswered
        connection.close()

    def post(self, connection: http.client.HTTPConnection) -> None:
        self._ask(connection, "POST", "/identify", self._request())

    def post_array(self, connection: http.client.HTTPConnection) -> None:
        items = [self._request() for _ in range(self.rng.randint(1, 30))]
        self._ask(connection, "POST", "/identify/batch", items)

    def post_bad(self, connection: http.client.HTTPConnection) -> None:
        body = self.rng.choice([{}, [], {"email": "no address"}, {"phoneNumber": True}])
        self._ask(connection, "POST", "/identify", body)

    def look_around(self, connection: http.client.HTTPConnection) -> None:
        path = self.rng.choice(["/livez", "/readyz", "/metrics", "/openapi.json", "/nowhere"])
        self._ask(connection, "GET", path, None)

    def _request(self) -> dict[str, str | None]:
        """Mostly something known, some of it merging two of ten neighbours; some new."""
        rng = self.rng
        if rng.random() < 0.2:
            name = next(self.fresh)
            return {"email": f"new{name}@x.io", "phoneNumber": f"8{name.replace('n', '0000')}"}
        known = rng.randrange(KNOWN)
        number = known // 10 * 10 + rng.randrange(10) if rng.random() < 0.02 else known
        return {
            "email": f"known{known}@x.io",
            "phoneNumber": f"9{number:06}" if rng.random() < 0.7 else None,
        }

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: object
    ) -> None:
        self._send(connection, method, path, body)
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 500:
            raise AssertionError(f"{method} {path} was answered {response.status}: {answer!r}")
        self.statuses.add(response.status)
        self.requests += 1

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: object
    ) -> None:
        connection.request(method, path, None if body is None else json.dumps(body), JSON)


class Traffic:
    """Visitors of one server, from entering the context to leaving it."""

    def __init__(self, server: Server) -> None:
        self.visitors = [Visitor(server, number) for number in range(VISITORS)]
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(VISITORS)
        self._runs: list[Future[None]] = []

    def requests(self) -> int:
        """Count the answers so far."""
        return sum(visitor.requests for visitor in self.visitors)

    def statuses(self) -> set[int]:
        return set().union(*(visitor.statuses for visitor in self.visitors))

    def _run(self, visitor: Visitor) -> None:
        while not self._stop.is_set():
            visitor.visit()

    def __enter__(self) -> Self:
        self._runs = [self._pool.submit(self._run, visitor) for visitor in self.visitors]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._pool.shutdown()
        for run in self._runs:
            run.result()


class Watch:
    """What a server and its workers hold."""

    def __init__(self, server: Server) -> None:
        parent = psutil.Process(server.pid)
        self._processes = [parent, *parent.children(recursive=True)]

    def memory(self) -> int:
        """Return the resident bytes."""
        return sum(int(process.memory_info().rss) for process in self._processes)

    def descriptors(self) -> int:
        return sum(int(process.num_fds()) for process in self._processes)

    def wait_for_descriptors(self, at_most: int) -> None:
        wait_until(lambda: self.descriptors() <= at_most, f"down to {at_most} descriptors")


def backends(database: str) -> int:
    """Count the connections to a PostgreSQL database, this one apart."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "select count(*) - 1 from pg_stat_activity where datname = current_database()"
        ).fetchone()
        assert row is not None
        return int(row[0])


class Growth:
    """How much memory a server took since now, and how much it may have taken."""

    def __init__(self, watch: Watch, traffic: Traffic) -> None:
        self._watch, self._memory = watch, watch.memory()
        self._traffic, self._requests = traffic, traffic.requests()

    def excess(self) -> int:
        """Return the bytes beyond what is allowed; negative while it is flat."""
        requests = self._traffic.requests() - self._requests
        allowed = min(ROOM, ROOM_AT_FIRST + requests * ROOM_FOR_A_REQUEST)
        return self._watch.memory() - self._memory - allowed


def test_memory_stays_flat_and_nothing_leaks(postgres_url: str, tmp_path: Path) -> None:
    file = tmp_path / "reunite.db"
    sqlite = Server(f"sqlite:///{file}", tmp_path / "sqlite.log")
    postgresql = Server(postgres_url, tmp_path / "postgresql.log", "--workers", "2")
    with sqlite, postgresql:
        one, other = Watch(sqlite), Watch(postgresql)
        with Traffic(sqlite), Traffic(postgresql):
            time.sleep(SECONDS / 10)
        at_rest = one.descriptors(), other.descriptors(), backends(postgres_url)

        with Traffic(sqlite) as to_one, Traffic(postgresql) as to_other:
            time.sleep(SECONDS / 3)
            growths = Growth(one, to_one), Growth(other, to_other)
            size = file.stat().st_size
            time.sleep(SECONDS * 2 / 3)
            excesses = [growth.excess() for growth in growths]
        cached = 2 * (file.stat().st_size - size)  # at most: both its connections have a cache
        assert excesses[0] < cached
        assert excesses[1] < 0

        one.wait_for_descriptors(at_most=at_rest[0])
        other.wait_for_descriptors(at_most=at_rest[1])
        assert backends(postgres_url) <= at_rest[2]
        for traffic in (to_one, to_other):
            assert traffic.statuses() == {200, 400, 404}
            assert traffic.requests() > 10 * SECONDS
    assert faults(Tables.read(f"sqlite:///{file}")) == []
    assert faults(Tables.read(postgres_url)) == []
