"""Servers in memory that are right, or wrong in one well-known way, and a scheduler for them.

They prove that the checker sees what it is for. A request is a generator: what it does between two
yields is atomic, and at each yield the scheduler may let any other request go on.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Generator, Sequence
from typing import Any

from linearizability import Answer, Operation, Refusal
from oracle import Oracle, nodes_of

Request = tuple[str | None, str | None]
Reply = Generator[None, None, Answer | Refusal | None]


def read(reply: dict[str, Any]) -> Answer | Refusal:
    """Turn the oracle's answer into what a client sees."""
    if "refusal" in reply:
        members = ("primaryContactId", "size", "wouldBe", "limit")
        return Refusal(*(reply["refusal"][name] for name in members))
    return Answer.read(reply["outcome"], reply["contact"])


class Atomic:
    """Right: every request is one step, somewhere between call and return."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        self.rng = rng
        self.oracle = Oracle(limit)

    def handle(self, request: Request) -> Reply:
        yield
        answer = read(self.oracle.identify(*request))
        yield
        return answer


class Batching(Atomic):
    """Right: whatever queued is done in one go, and each is answered with the state after it."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        super().__init__(rng, limit)
        self.queue: list[Request] = []
        self.answers: dict[int, Answer | Refusal] = {}
        self.tickets = 0

    def handle(self, request: Request) -> Reply:
        yield
        ticket = self.tickets = self.tickets + 1
        self.queue.append(request)
        yield
        if ticket not in self.answers:
            self._run_batch()
        yield
        return self.answers[ticket]

    def _run_batch(self) -> None:
        first = self.tickets - len(self.queue) + 1
        answers = [read(self.oracle.identify(*request)) for request in self.queue]
        self.answers.update(enumerate(self._given_out(answers), start=first))
        self.queue.clear()

    def _given_out(self, answers: list[Answer | Refusal]) -> list[Answer | Refusal]:
        return answers


class Lossy(Atomic):
    """Right: some answers are lost, of requests done before, done much later, or never done."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        super().__init__(rng, limit)
        self.late: list[Request] = []

    def handle(self, request: Request) -> Reply:
        yield
        if self.late and self.rng.random() < 0.3:
            self.oracle.identify(*self.late.pop())
            yield
        fate = self.rng.choice(["answered"] * 9 + ["lost", "late", "never"])
        if fate == "late":
            self.late.append(request)
        if fate in ("late", "never"):
            return None
        answer = read(self.oracle.identify(*request))
        yield
        return None if fate == "lost" else answer


class Racy(Atomic):
    """Wrong: it looks first and then acts on what it saw, without a lock."""

    def handle(self, request: Request) -> Reply:
        yield
        planned = copy.deepcopy(self.oracle).identify(*request)
        yield
        if planned["outcome"] in ("created", "extended"):
            self.oracle.contacts.append(request)
        elif planned["outcome"] == "merged":
            self.oracle.links.append(nodes_of(*request))
        answer = self.oracle.identify(*request)["contact"]
        yield
        return Answer.read(planned["outcome"], answer)


class Stale(Atomic):
    """Wrong: it answers what is known from a copy that lags behind."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        super().__init__(rng, limit)
        self.replica = copy.deepcopy(self.oracle)

    def handle(self, request: Request) -> Reply:
        yield
        answer = read(copy.deepcopy(self.replica).identify(*request))
        if isinstance(answer, Refusal) or answer.outcome != "known":
            answer = read(self.oracle.identify(*request))
        if self.rng.random() < 0.3:
            self.replica = copy.deepcopy(self.oracle)
        yield
        return answer


class OrderConfusing(Batching):
    """Wrong: it answers every request of a batch with the state after the whole batch."""

    def _given_out(self, answers: list[Answer | Refusal]) -> list[Answer | Refusal]:
        given_out: list[Answer | Refusal] = []
        for request, answer in zip(self.queue, answers, strict=True):
            now = read(self.oracle.identify(*request))
            if isinstance(answer, Answer) and isinstance(now, Answer):
                now = now._replace(outcome=answer.outcome)
            given_out.append(now)
        return given_out


RIGHT: Sequence[type[Atomic]] = (Atomic, Batching, Lossy)
WRONG: Sequence[type[Atomic]] = (Racy, Stale, OrderConfusing)


def random_requests(rng: random.Random, number: int, emails: int, phones: int) -> list[Request]:
    """Make requests that collide heavily: pairs mostly, some of a single value."""
    requests: list[Request] = []
    for _ in range(number):
        email = f"{rng.choice('abcdefgh'[:emails])}@x.io"
        phone = rng.choice(["", "+"]) + str(10 + rng.randrange(phones))
        shape = rng.choice(["pair", "pair", "email", "phone"])
        requests.append((email if shape != "phone" else None, phone if shape != "email" else None))
    return requests


def random_history(server: Atomic, clients: int, requests: int) -> list[Operation]:
    """Let clients post to a server, interleaved at random; the clock counts scheduler steps."""
    rng = server.rng
    todo = {n: random_requests(rng, requests, emails=4, phones=4) for n in range(clients)}
    running: dict[int, tuple[int, Request, Reply]] = {}
    history: list[Operation] = []
    clock = 0
    while todo or running:
        clock += 1
        client = rng.choice(sorted(todo.keys() | running.keys()))
        if client not in running:
            request = todo[client].pop()
            running[client] = clock, request, server.handle(request)
            if not todo[client]:
                del todo[client]
        called, request, reply = running[client]
        try:
            next(reply)
        except StopIteration as finished:
            history.append(Operation(client, called, clock, request, finished.value))
            del running[client]
    return history
