"""One keep-alive HTTP/1.1 connection on which posts are sent ahead of their answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

from demo.records import Record

_HEAD = (
    b"POST /identify HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)

_AHEAD = 64
"""Posts on the way at once: few enough for the sockets' buffers, so that nothing can lock up."""

_PATIENCE = 120
"""Seconds without a byte before the server counts as hanging."""


class Reply(NamedTuple):
    """An answer: its status, what it says was done (``Reunite-Outcome``), its body."""

    status: int
    outcome: str
    body: bytes


def post_all(port: int, posts: Iterable[bytes]) -> Iterator[Reply]:
    """Send complete HTTP requests to 127.0.0.1, in order; yields the answers, in order.

    The server takes a connection's requests one after the other, so sending ahead saves the
    client's share of the time and changes nothing else.
    """
    waiting = iter(posts)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection,
        connection.makefile("rb") as answers,
    ):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unanswered = 0
        while batch := list(islice(waiting, _AHEAD - unanswered)):
            connection.sendall(b"".join(batch))
            unanswered += len(batch)
            while unanswered > _AHEAD // 2:
                yield _read(answers)
                unanswered -= 1
        for _ in range(unanswered):
            yield _read(answers)


def write_post(record: Record) -> bytes:
    """Write the HTTP request that presents a record to POST /identify."""
    body = json.dumps({"email": record.email, "phoneNumber": record.phone}).encode()
    return _HEAD % len(body) + body


def _read(answers: BinaryIO) -> Reply:
    status_line = answers.readline()
    if not status_line:
        raise ConnectionError("the server closed the connection before it answered")
    headers: dict[bytes, bytes] = {}
    while (line := answers.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    body = answers.read(int(headers[b"content-length"]))
    outcome = headers.get(b"reunite-outcome", b"none").decode()
    return Reply(int(status_line.split()[1]), outcome, body)
