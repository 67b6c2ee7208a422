"""Clients that decide by hand while others present and look, and write down what they saw."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from asking_by_hand import Choosing, Known
from evidence_oracle_answers import Kind, Listed
from history import Client, Recorder
from linearizability import Operation
from reunite.evidence import Entry
from reunite.repositories import Store
from sequential import Request
from sequential_by_hand import AnythingAsked, Decide, List, Look, Lookup, Seen
from wire_by_hand import Origin, Wire


@dataclass(kw_only=True)
class DecidingRecorder(Recorder):
    """Records a history with decisions, of what ``store`` has and the ``urls`` serve.

    ``origin`` is where the store is before; ``blocks`` is as for `Choosing`.
    """

    store: Store
    origin: Origin
    blocks: bool
    clients: int = 4
    posts: int = 6
    _known: Known = field(default_factory=Known)

    def times(self) -> dict[int, int]:
        """When the row at each position of the history was written."""
        return {entry.position - self.origin.position: entry.at for entry in self._entries()}

    def _entries(self) -> list[Entry]:
        with self.store.sight() as sight:
            return sight.entries(range(self.origin.position + 1, sight.head.position + 1))

    def _run(self, number: int, rng: random.Random, barrier: threading.Barrier) -> list[Operation]:
        choosing = Choosing(self.mix, self._known, rng, blocks=self.blocks)
        with self._log(number, rng) as log:
            barrier.wait()
            log.ask(choosing.request())
            for post in range(1, self.posts):
                self._ask(log, choosing, rng, f"{self.mix.key}/{number}/{post}")
                self._count()
            return log.operations

    def _log(self, number: int, rng: random.Random) -> _Log:
        urls = [self.urls[(number + n) % len(self.urls)] for n in (0, 1)]
        return _Log(number, urls, Wire(self.origin), self._known, rng)

    def _ask(self, log: _Log, choosing: Choosing, rng: random.Random, key: str) -> None:
        """Ask one thing, or a few that belong together."""
        chance = rng.random()
        if chance < 0.1:
            log.ask_many([choosing.request() for _ in range(rng.randint(2, 3))])
        elif chance < 0.25:
            log.ask_twice(Decide(choosing.operation(), key))
        else:
            log.ask(choosing.anything(key))

    def _look_at_all(self, seed: int) -> list[Operation]:
        """Look at every identifier, every contact, all that stands, and at last at the journal."""
        contacts = self.origin.now(self.store).contact_id - self.origin.contact_id
        kinds: list[Kind] = ["constraints", "blocks", "held"]
        with self._log(self.clients + seed % len(self.urls), random.Random(seed)) as log:
            for request in self.mix.each_alone():
                log.ask(Lookup(request))
            for contact_id in range(1, contacts + 2):
                log.ask(Look(contact_id))
            for kind in kinds:
                log.ask(List(kind))
            called, types = time.monotonic_ns(), [entry.type for entry in self._entries()]
            log.append(called, List("journal"), Listed(tuple(types)))
            return log.operations


class _Log:
    """What one client did, in its own order; a second connection is there to ask twice at once."""

    def __init__(
        self, client: int, urls: Sequence[str], wire: Wire, known: Known, rng: random.Random
    ) -> None:
        self.operations: list[Operation] = []
        self._client = client
        self._connections = [Client(url) for url in urls]
        self._second = ThreadPoolExecutor(1)
        self._wire = wire
        self._known = known
        self._rng = rng

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._second.shutdown()
        for connection in self._connections:
            connection.close()

    def ask(self, asked: AnythingAsked) -> None:
        """Ask; an operation under a key whose answer was lost is asked for again, three times."""
        self._known.ask(asked)
        for _ in range(4):
            called = time.monotonic_ns()
            answer = self._wire.ask(self._connections[0], asked, self._rng)
            self.append(called, asked, answer)
            if answer is not None or not isinstance(asked, Decide) or asked.key is None:
                return

    def ask_twice(self, asked: Decide) -> None:
        """Ask on both connections at once."""
        called = time.monotonic_ns()
        second = self._second.submit(self._ask_second, asked)
        self.ask(asked)
        answer, returned = second.result()
        self.operations.append(Operation(self._client, called, returned, asked, answer))

    def _ask_second(self, asked: Decide) -> tuple[Seen | None, int]:
        answer = self._wire.ask(self._connections[1], asked, self._rng)
        return answer, time.monotonic_ns()

    def ask_many(self, requests: Sequence[Request]) -> None:
        """Ask an array: each item spans the array's time and follows the items before it."""
        called, previous = time.monotonic_ns(), None
        answers = self._wire.ask_many(self._connections[0], requests, self._rng)
        for request, answer in zip(requests, answers, strict=True):
            self.append(called, request, answer, previous)
            if answer is not None:
                previous = len(self.operations) - 1

    def append(
        self, called: int, asked: AnythingAsked, answer: Seen | None, after: int | None = None
    ) -> None:
        """Write down what is answered now."""
        returned = time.monotonic_ns()
        self.operations.append(Operation(self._client, called, returned, asked, answer, after))
        self._known.learn(answer)
