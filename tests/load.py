"""Clients that post without pause and remember everything that was acknowledged."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from audit import Tables
from history import Client, Mix, Reply, answer_of, body_of
from linearizability import Answer, Request
from oracle import nodes_of
from server import wait_until

Acknowledged = tuple[Request, Answer]


class Load:
    """Traffic to one server, from entering the context to leaving it.

    It is spread over groups of identifiers that never meet each other, so that identities stay
    small while most requests change something. Attributes, in the order things happened:

        acknowledged: the requests that got a 200, with their answers.
        unavailable: the 503 answers.
        lost: how many answers were lost with their connection.
        slowest: the seconds that the slowest answer took.
    """

    def __init__(self, url: str, seed: int, clients: int = 6, groups: int = 400) -> None:
        self.url = url
        self.seed = seed
        self.clients = clients
        self.groups = range(seed * groups, (seed + 1) * groups)
        self.acknowledged: list[Acknowledged] = []
        self.unavailable: list[Reply] = []
        self.lost = 0
        self.slowest = 0.0
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._runs: list[Future[None]] = []

    def wait_for_more(self, answers: int) -> None:
        """Wait until so many more requests are acknowledged."""
        enough = len(self.acknowledged) + answers
        wait_until(
            lambda: len(self.acknowledged) >= enough or self._broken(), f"{answers} more answers"
        )

    def wait_for_refusals(self, answers: int) -> None:
        """Wait until so many more requests got a 503."""
        enough = len(self.unavailable) + answers
        wait_until(lambda: len(self.unavailable) >= enough or self._broken(), f"{answers} 503s")

    def _broken(self) -> bool:
        for run in self._runs:
            if run.done():
                run.result()
        return False

    def _run(self, rng: random.Random) -> None:
        client = Client(self.url)
        while not self._stop.is_set():
            request = Mix(rng.choice(self.groups)).request(rng)
            began = time.monotonic()
            reply = client.post("/identify", body_of(request, rng))
            self.slowest = max(self.slowest, time.monotonic() - began)
            self._note(request, reply)
        client.close()

    def _note(self, request: Request, reply: Reply | None) -> None:
        answer = answer_of(reply)
        if isinstance(answer, Answer):
            self.acknowledged.append((request, answer))
        elif reply is None:
            self.lost += 1
        else:
            self.unavailable.append(reply)
            self._stop.wait(0.02)

    def __enter__(self) -> Self:
        rngs = [random.Random(f"{self.seed}/{number}") for number in range(self.clients)]
        self._runs = [self._pool.submit(self._run, rng) for rng in rngs]
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


def broken_promises(acknowledged: Iterable[Acknowledged], tables: Tables) -> Iterator[str]:
    """Name every acknowledged answer that is not true any more.

    It is true as long as its contacts, its identifiers and the request's own are all still there
    and in one identity; that one may have grown.
    """
    home = {row["id"]: row["identity_id"] for row in tables.contacts}
    presented = {row["id"]: (row["email"], row["phone"]) for row in tables.contacts}
    holder = {(row["type"], row["key"]): row["contact_id"] for row in tables.identifiers}
    for request, answer in acknowledged:
        nodes = [node for email in answer.emails for node in nodes_of(email, None)]
        nodes += [node for phone in answer.phones for node in nodes_of(None, phone)]
        nodes += nodes_of(*request)
        ids = [answer.primary, *answer.secondaries, *(holder.get(node) for node in nodes)]
        if len({home.get(each) for each in ids} | {home.get(answer.primary)}) > 1:
            yield f"{request} was answered {answer}; these are not in one identity any more"
        if answer.primary not in home:
            yield f"{request} was answered {answer}; contact {answer.primary} is gone"
        if answer.outcome == "created" and presented.get(answer.primary) != request:
            yield f"{request} was answered {answer}; that contact is now another"
