"""A client for latency at a given rate, in a process of its own.

    python -m bench.open_loop PORT BODIES --rate 2000 --seconds 3

Open loop: when requests are due is drawn beforehand (exponential gaps, as of many people who know
nothing of each other) and does not depend on answers. A latency counts from the moment a request
was due, not from the one it was sent: what a stalled server keeps others from asking counts too
(a closed loop, such as wrk's, leaves that out: "coordinated omission"). Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import gc
import select
import socket
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random
from time import perf_counter

import msgspec

PATIENCE = 10.0
"""Seconds after the last request in which its answer must have come."""

_HEAD = (
    b"POST /identify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)


class Latencies(msgspec.Struct, frozen=True):
    """What one drive saw, in milliseconds from when requests were due.

    Attributes:
        refused: answers other than 200.
        lost: requests without an answer.
        late_p99_ms: how late requests were sent, for want of a free connection or of time.
    """

    rate: float
    answered: int
    refused: int
    lost: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    late_p99_ms: float


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = 0.0
        self._received = b""

    def send(self, due: float, request: bytes) -> None:
        self.due = due
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read on; the whole answer once it is there."""
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed a connection")
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return None
        answer, self._received = self._received, b""
        return answer


class _Drive:
    """One schedule, worked through. ``dues`` are seconds from the start, one per request."""

    def __init__(
        self, port: int, dues: Sequence[float], requests: Sequence[bytes], connections: int
    ) -> None:
        self._dues = dues
        self._requests = requests
        self._sent = 0
        self._idle = [_Connection(port) for _ in range(connections)]
        self._connections = {each.socket.fileno(): each for each in self._idle}
        self._poll = select.epoll()
        for descriptor in self._connections:
            self._poll.register(descriptor, select.EPOLLIN)
        self._start = perf_counter()
        self.refused = 0
        self.took: list[float] = []
        self.late: list[float] = []

    def run(self) -> None:
        end = self._dues[-1] + PATIENCE
        while len(self.took) + self.refused < len(self._dues) and self._now() < end:
            self._send()
            self._wait(end)
            for descriptor, _ in self._poll.poll(0):
                self._receive(self._connections[descriptor])

    def _now(self) -> float:
        return perf_counter() - self._start

    def _send(self) -> None:
        while self._idle and self._sent < len(self._dues):
            due, now = self._dues[self._sent], self._now()
            if due > now:
                return
            self._idle.pop().send(due, self._requests[self._sent])
            self.late.append(now - due)
            self._sent += 1

    def _wait(self, end: float) -> None:
        """Wait for an answer, or until the next request is due."""
        wake = end
        if self._idle and self._sent < len(self._dues):
            wake = self._dues[self._sent]
        # An epoll's own timeout counts milliseconds, select's microseconds.
        select.select([self._poll], [], [], max(0.0, wake - self._now()))

    def _receive(self, connection: _Connection) -> None:
        answer = connection.receive()
        if answer is None:
            return
        self._idle.append(connection)
        if answer.startswith(b"HTTP/1.1 200"):
            self.took.append(self._now() - connection.due)
        else:
            self.refused += 1


def drive(
    port: int, bodies: Path, *, rate: float, seconds: float, seed: int, connections: int
) -> Latencies:
    """Post ``rate`` bodies of a file a second, for so many seconds."""
    rng = Random(seed)
    dues: list[float] = []
    due = 0.0
    while (due := due + rng.expovariate(rate)) < seconds:
        dues.append(due)
    with bodies.open("rb") as lines:
        requests = [_HEAD % (len(body) - 1, body[:-1]) for body in islice(lines, len(dues))]
    if len(requests) < len(dues):
        raise ValueError(f"{len(dues)} requests are due, {bodies} has {len(requests)} bodies")
    work = _Drive(port, dues, requests, connections)
    work.run()
    return Latencies(
        rate=rate,
        answered=len(work.took),
        refused=work.refused,
        lost=len(dues) - len(work.took) - work.refused,
        p50_ms=_percentile(work.took, 0.5),
        p90_ms=_percentile(work.took, 0.9),
        p99_ms=_percentile(work.took, 0.99),
        max_ms=_percentile(work.took, 1),
        late_p99_ms=_percentile(work.late, 0.99),
    )


def _content_length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])


def _percentile(seconds: list[float], part: float) -> float:
    """In milliseconds; the highest if nothing came."""
    if not seconds:
        return PATIENCE * 1000
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))] * 1000


def main() -> None:
    """Read the command line, drive, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.open_loop")
    parser.add_argument("port", type=int)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of when requests are due")
    parser.add_argument("--connections", type=int, default=128)
    # The client's own pauses are not to be measured.
    gc.disable()
    print(msgspec.json.encode(drive(**vars(parser.parse_args()))).decode())


if __name__ == "__main__":
    main()
