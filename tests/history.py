"""Clients that post over HTTP at the same time and write down what they saw."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from linearizability import Answer, Blocked, KeptApart, Operation, Refusal, Request, Seen

Interrupt = tuple[int, Callable[[], None]] | None
"""Something to be run once, after so many answers."""

PATIENCE = 30
"""Seconds that a client waits for an answer, and for a server that refuses connections."""


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP; header names are in lower case, the body is parsed."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Client:
    """One keep-alive connection to one server, opened again whenever it broke."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=PATIENCE
        )

    def post(
        self, path: str, body: object, more_headers: Mapping[str, str] | None = None
    ) -> Reply | None:
        """Post JSON; None where the connection was lost with the answer unread.

        While it cannot connect nothing was sent, so it tries again until it runs out of
        patience.
        """
        headers = {"content-type": "application/json", **(more_headers or {})}
        return self._ask("POST", path, json.dumps(body), headers)

    def get(self, path: str) -> Reply | None:
        """Get JSON; as `post` does."""
        return self._ask("GET", path, None, {})

    def _ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> Reply | None:
        self._connect()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (ConnectionError, http.client.HTTPException):
            self._connection.close()
            return None
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, json.loads(text))

    def _connect(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._connection.sock is None:
            try:
                self._connection.connect()
            except ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True)
class Mix:
    """What is posted: few identifiers, so that nearly every request meets another.

    ``key`` keeps the identifiers of two mixes apart.
    """

    key: int
    emails: int = 4
    phones: int = 4

    def all_emails(self) -> list[str]:
        return [f"{letter}{self.key}@x.io" for letter in "abcdefghijkl"[: self.emails]]

    def all_phones(self) -> list[str]:
        return [str((self.key + 1) * 100 + number) for number in range(self.phones)]

    def request(self, rng: random.Random) -> Request:
        email = rng.choice(self.all_emails())
        phone = rng.choice(["", "", "+"]) + rng.choice(self.all_phones())
        shape = rng.choice(["pair", "pair", "pair", "email", "phone"])
        return Request(email if shape != "phone" else None, phone if shape != "email" else None)

    def each_alone(self) -> list[Request]:
        """List every identifier by itself: asked at the end, they show the last state."""
        emails = [Request(email, None) for email in self.all_emails()]
        return emails + [Request(None, phone) for phone in self.all_phones()]


def body_of(request: Request, rng: random.Random) -> dict[str, object]:
    """Write a request as JSON; a phone without plus is sometimes a number, as it may be."""
    email, phone = request
    as_number = phone is not None and phone.isdecimal() and rng.random() < 0.3
    return {"email": email, "phoneNumber": int(str(phone)) if as_number else phone}


def answer_of(reply: Reply | None) -> Seen | None:
    """Read the answer to one request; None where the outcome is unknown (any 503 counts so)."""
    if reply is None or reply.status == 503:
        return None
    if reply.status == 200:
        return Answer.read(reply.headers["reunite-outcome"], reply.body["contact"])
    return _refusal(reply.status, reply.body)


def answers_of(reply: Reply | None, number: int) -> list[Seen | None]:
    """Read the answers to an array of so many items, in order; these do not tell the outcome."""
    if reply is None or reply.status == 503:
        return [None] * number
    if reply.status != 200 or len(reply.body) != number:
        raise AssertionError(f"an array of {number} was answered {reply.status}: {reply.body}")
    return [_item(item) for item in reply.body]


def _item(item: dict[str, Any]) -> Seen | None:
    if "contact" in item:
        return Answer.read(None, item["contact"])
    problem = item["problem"]
    return None if problem["status"] == 503 else _refusal(problem["status"], problem)


def _refusal(status: int, problem: dict[str, Any]) -> Refusal | KeptApart | Blocked:
    if status == 422:
        return Blocked()
    if status != 409:
        raise AssertionError(f"a good request was answered {status}: {problem}")
    if "constraint" in problem:
        a, b = ((end["type"], end["value"]) for end in map(problem["constraint"].get, "ab"))
        return KeptApart(a, b)
    return Refusal(*(problem[name] for name in ("identity", "size", "wouldBe", "limit")))


@dataclass
class Recorder:
    """Records a history, with an interrupt in the midst if there is one."""

    urls: Sequence[str]
    mix: Mix
    clients: int = 6
    posts: int = 6
    array_share: float = 0.2
    interrupt: Interrupt = None
    _answers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, seed: int) -> list[Operation]:
        """Let the clients post at the same time, then look at all that is there."""
        barrier = threading.Barrier(self.clients)
        with ThreadPoolExecutor(self.clients) as pool:
            runs = [
                pool.submit(self._run, number, random.Random(f"{seed}/{number}"), barrier)
                for number in range(self.clients)
            ]
            histories = [run.result() for run in runs]
        return _joined([*histories, self._look_at_all(seed)])

    def _look_at_all(self, seed: int) -> list[Operation]:
        """Ask for every identifier, one after the other."""
        last = _Log(self.clients)
        client = Client(self.urls[seed % len(self.urls)])
        for request in self.mix.each_alone():
            last.single(client, request, random.Random(seed))
        client.close()
        return last.operations

    def _run(self, number: int, rng: random.Random, barrier: threading.Barrier) -> list[Operation]:
        client, log = Client(self.urls[number % len(self.urls)]), _Log(number)
        barrier.wait()
        for _ in range(self.posts):
            if rng.random() < self.array_share:
                log.array(client, [self.mix.request(rng) for _ in range(rng.randint(2, 4))], rng)
            else:
                log.single(client, self.mix.request(rng), rng)
            self._count()
        client.close()
        return log.operations

    def _count(self) -> None:
        with self._lock:
            self._answers += 1
            due = self.interrupt is not None and self._answers == self.interrupt[0]
        if due and self.interrupt is not None:
            self.interrupt[1]()


class _Log:
    """What one client did, in its own order."""

    def __init__(self, client: int) -> None:
        self.client = client
        self.operations: list[Operation] = []

    def single(self, client: Client, request: Request, rng: random.Random) -> None:
        body = body_of(request, rng)
        called = time.monotonic_ns()
        reply = client.post("/identify", body)
        returned = time.monotonic_ns()
        self._append(called, returned, request, answer_of(reply), None)

    def array(self, client: Client, requests: Sequence[Request], rng: random.Random) -> None:
        """Post an array: each item spans the array's time and follows the items before it."""
        body = [body_of(request, rng) for request in requests]
        called = time.monotonic_ns()
        reply = client.post("/identify/batch", body)
        returned = time.monotonic_ns()
        previous = None
        for request, answer in zip(requests, answers_of(reply, len(requests)), strict=True):
            self._append(called, returned, request, answer, previous)
            if answer is not None:
                previous = len(self.operations) - 1

    def _append(
        self,
        called: int,
        returned: int,
        request: Request,
        answer: Seen | None,
        after: int | None,
    ) -> None:
        self.operations.append(Operation(self.client, called, returned, request, answer, after))


def next_id(url: str, name: str) -> int:
    """Tell which id the next contact of a quiet store gets, by making one of a new e-mail."""
    client = Client(url)
    reply = client.post("/identify", {"email": f"{name}@probe.io"})
    client.close()
    assert reply is not None
    assert reply.headers["reunite-outcome"] == "created"
    return int(reply.body["contact"]["primaryContactId"]) + 1


def _joined(histories: Sequence[Sequence[Operation]]) -> list[Operation]:
    joined: list[Operation] = []
    for history in histories:
        start = len(joined)
        joined.extend(
            each if each.after is None else replace(each, after=each.after + start)
            for each in history
        )
    return joined
