"""What is read from the wire and goes out on it, byte by byte."""

from __future__ import annotations

import fcntl
import json
import re
import select
import socket
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import reunite
from reunite.http.protocol import HEAD_LIMIT
from reunite.settings import Settings
from server import wait_until
from serving import Served, serve

TIMEOUT = 1.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = reunite.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'reunite.db'}")
    with serve(store, Settings(request_timeout=TIMEOUT)) as served:
        yield served


def get(path: str = "/livez", *headers: str) -> bytes:
    return request(f"GET {path}", "", *headers)


def identify(email: str, *headers: str) -> bytes:
    body = f'{{"email": "{email}"}}'
    return request("POST /identify", body, "Content-Type: application/json", *headers)


def request(target: str, body: str, *headers: str) -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{target} HTTP/1.1", "Host: localhost", *length, *headers, "", body]
    return "\r\n".join(lines).encode()


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


@contextmanager
def sending(served: Served, *parts: bytes) -> Iterator[socket.socket]:
    """A connection that has sent these parts, and can be read to its end."""
    with served.connect() as connection:
        for part in parts:
            connection.sendall(part)
        yield connection


def read_to_end(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def require_problem(received: bytes, status: int) -> dict[str, object]:
    """The one answer that came, a problem, and the end of the connection."""
    assert statuses(received) == [status], received
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"connection"] == b"close"
    problem: dict[str, object] = json.loads(body)
    assert problem["requestId"] == headers[b"x-request-id"].decode()
    assert problem["status"] == status
    assert problem["wrong"]
    assert problem["right"]
    return problem


def answered(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the body of the answer that comes next."""
    received = connection.recv(65536)
    return statuses(received)[0], json.loads(received.partition(b"\r\n\r\n")[2])


def in_pieces(served: Served, sent: bytes, pieces: int) -> bytes:
    """What comes back for bytes sent in so many pieces, each in a segment of its own."""
    size = -(-len(sent) // pieces)
    with served.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), size):
            connection.sendall(sent[start : start + size])
            wait_until(lambda: is_taken(connection), "taken", 5)
        return read_to_end(connection)


def is_taken(connection: socket.socket) -> bool:
    """Whether the other side's kernel has all that was sent."""
    return fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4) == b"\0" * 4


def flooded(connection: socket.socket, part: bytes) -> bytes:
    """What comes back while a part is sent again and again; nobody takes 10 MB of it."""
    sent = 0
    while not select.select([connection], [], [], 0)[0]:
        connection.sendall(part)
        sent += len(part)
        assert sent < 10_000_000
    return read_to_end(connection)


def is_known(served: Served, email: str) -> bool:
    return served.post({"email": email}, "/lookup").status_code == 200


def test_head_and_body_of_an_answer_go_out_together(served: Served) -> None:
    with sending(served, get()) as connection:
        assert connection.recv(65536).endswith(b'{"status":"alive"}')


def test_pipelined_requests_are_answered_in_order_and_then_the_connection_ends(
    served: Served,
) -> None:
    last = get("/nothing", "Connection: close")
    with sending(served, get() * 3 + last) as connection:
        received = read_to_end(connection)
    assert statuses(received) == [200, 200, 200, 404]
    assert received.rstrip().endswith(b"}")


def half_closed(served: Served, *parts: bytes) -> bytes:
    """What comes back to a client that ends its side after these parts."""
    with sending(served, *parts) as connection:
        connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection)


def test_a_client_that_ends_its_side_gets_the_answers_to_what_it_sent(served: Served) -> None:
    asked = [identify(f"half-{number}@example.com") for number in range(3)]
    for received in (
        half_closed(served, b"".join(asked)),
        half_closed(served, *asked[:2], asked[2][:-5], asked[2][-5:]),
    ):
        assert statuses(received) == [200, 200, 200]
        numbers = [int(number) for number in re.findall(rb"half-(\d)", received)]
        assert numbers == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 30, -5])
def test_what_a_client_that_ends_its_side_has_not_sent_wholly_is_dropped(
    served: Served, cut: int
) -> None:
    part = identify("part@example.com")[:cut]
    assert half_closed(served, part) == b""
    assert statuses(half_closed(served, get() + part)) == [200]
    assert statuses(half_closed(served, get() * 2 + part)) == [200, 200]
    assert statuses(half_closed(served, get("/readyz"), part)) == [200]
    assert not is_known(served, "part@example.com")


def test_a_client_that_ends_its_side_while_nothing_is_asked_is_closed(served: Served) -> None:
    assert half_closed(served) == b""
    with sending(served, get()) as connection:
        assert statuses(connection.recv(65536)) == [200]
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""


UPGRADES = {
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    "websocket": ("Connection: keep-alive, Upgrade", "Upgrade: websocket"),
}
JSON = "Content-Type: application/json"
LAST = get("/livez", "Connection: close")


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_a_request_that_asks_for_an_upgrade_is_answered_as_one_that_does_not(
    served: Served, upgrade: str
) -> None:
    whole = identify(f"{upgrade}@example.com", *UPGRADES[upgrade])
    chunked = request("POST /identify", "", JSON, "Transfer-Encoding: chunked", *UPGRADES[upgrade])
    chunks = b'1c\r\n{"email": "two@example.com"}\r\n0\r\n\r\n'
    with sending(served, whole + chunked + chunks + LAST) as connection:
        assert statuses(read_to_end(connection)) == [200, 200, 200]
    assert is_known(served, f"{upgrade}@example.com")


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("target", ["POST /identify", "GET /livez"])
@pytest.mark.parametrize("cut", [0, 1, 40])
def test_the_body_of_a_request_that_asks_for_an_upgrade_is_not_run_as_a_request(
    served: Served, upgrade: str, target: str, cut: int
) -> None:
    smuggled = identify("smuggled@example.com").decode()
    sent = request(target, smuggled, JSON, *UPGRADES[upgrade])
    cut += sent.index(b"\r\n\r\n") + 4
    with sending(served, sent[:cut], sent[cut:] + LAST) as connection:
        assert len(statuses(read_to_end(connection))) == 2
    assert not is_known(served, "smuggled@example.com")


def test_requests_behind_those_that_ask_for_an_upgrade_are_answered(served: Served) -> None:
    asking = get("/livez", *UPGRADES["h2c"])
    with sending(served, asking * 50 + get("/nothing") + LAST) as connection:
        assert statuses(read_to_end(connection)) == [200] * 50 + [404, 200]


def test_a_tunnel_is_refused_and_nothing_behind_it_is_run(served: Served) -> None:
    tunnel = request("CONNECT example.com:443", "")
    with sending(served, tunnel + identify("tunnel@example.com")) as connection:
        require_problem(read_to_end(connection), 400)
    assert not is_known(served, "tunnel@example.com")


NOT_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no target": b"GET\r\n\r\n",
    "unknown method": request("FOO /identify", ""),
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no header": request("GET /livez", "", "no header"),
    "Content-Length that is no number": request("POST /identify", "", "Content-Length: x"),
    "negative Content-Length": request("POST /identify", "", "Content-Length: -1"),
    "two Content-Length": request("POST /identify", "{}", "Content-Length: 2"),
    "chunked with a Content-Length": request("POST /identify", "{}", "Transfer-Encoding: chunked"),
    "chunked, then something else": request("POST /identify", "", "Transfer-Encoding: chunked, x"),
    "target that is not ASCII": b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target without a path": request("GET http://localhost", ""),
}


@pytest.mark.parametrize("kind", NOT_HTTP)
def test_what_is_no_http_is_refused_as_all_else_is(served: Served, kind: str) -> None:
    with sending(served, NOT_HTTP[kind]) as connection:
        problem = require_problem(read_to_end(connection), 400)
    assert problem["type"] == "urn:reunite:problem:malformed-request"


def test_a_body_that_turns_out_to_be_none_is_refused_and_nothing_is_written(served: Served) -> None:
    broken = request("POST /identify", "", JSON, "Transfer-Encoding: chunked")
    with sending(served, broken, b"5\r\n{}   \r\nzz\r\n") as connection:
        require_problem(read_to_end(connection), 400)


def test_what_came_before_what_is_no_http_is_answered_first(served: Served) -> None:
    before = [identify(f"before-{number}@example.com") for number in range(3)]
    with sending(served, *before[:2], before[2] + NOT_HTTP["TLS"]) as connection:
        received = read_to_end(connection)
    assert statuses(received) == [200, 200, 200, 400]


def test_what_comes_behind_what_is_no_http_is_not_run(served: Served) -> None:
    behind = identify("behind@example.com")
    with sending(served, NOT_HTTP["two Content-Length"] + behind, behind) as connection:
        require_problem(read_to_end(connection), 400)
    assert not is_known(served, "behind@example.com")


def test_an_answer_is_not_followed_by_another_where_its_body_turns_out_to_be_none(
    served: Served,
) -> None:
    """The client would take the second for the answer to its next request."""
    with sending(served, request("GET /livez", "", "Transfer-Encoding: chunked")) as connection:
        assert statuses(connection.recv(65536)) == [200]
        connection.sendall(b"zz\r\n")
        assert read_to_end(connection) == b""


def test_what_is_no_http_is_counted(served: Served) -> None:
    with sending(served, NOT_HTTP["TLS"]) as connection:
        read_to_end(connection)
    assert re.search(
        r'_count{http_request_method="_OTHER",http_response_status_code="400",'
        r'http_route="none"} [1-9]',
        served.client.get("/metrics").text,
    )


def test_a_head_of_the_limit_is_read_and_a_larger_one_is_refused(served: Served) -> None:
    def padded(size: int) -> bytes:
        return get("/livez", "Connection: close", "X-Padding: " + "x" * size)

    for pieces in (1, 2, 50):
        assert statuses(in_pieces(served, padded(HEAD_LIMIT - 200), pieces)) == [200]
        received = in_pieces(served, padded(HEAD_LIMIT), pieces)
        problem = require_problem(received, 431)
        assert str(HEAD_LIMIT) in str(problem["right"])


@pytest.mark.parametrize(
    "part", [b"GET /", b"GET / HTTP/1.1\r\nX-Name: ", b"GET / HTTP/1.1\r\nX-"], ids=repr
)
def test_a_head_without_end_is_refused_before_it_fills_the_memory(
    served: Served, part: bytes
) -> None:
    with sending(served, part) as connection:
        require_problem(flooded(connection, b"x" * 10_000), 431)


def test_headers_without_end_are_refused_before_they_fill_the_memory(served: Served) -> None:
    with sending(served, b"GET / HTTP/1.1\r\n") as connection:
        require_problem(flooded(connection, b"X-Name: value\r\n" * 1000), 431)


def test_what_stands_behind_a_body_is_bounded_too(served: Served) -> None:
    chunked = request("POST /identify", "", JSON, "Transfer-Encoding: chunked")
    for part in (b"2\r\n{}\r\n0\r\n", b"2;", b"2\r\n{}\r\n0\r\nX-Name: "):
        with sending(served, chunked + part) as connection:
            require_problem(flooded(connection, b"x" * 10_000), 431)


def test_what_stands_behind_a_body_is_no_header_of_its_request(served: Served) -> None:
    head = (
        "POST /lookup HTTP/1.1\r\nHost: rebound.example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    trailers = f"2\r\n{{}}\r\n0\r\nHost: localhost\r\n{JSON}\r\n\r\n"
    with sending(served, head.encode() + trailers.encode()) as connection:
        assert statuses(connection.recv(65536)) == [421]


@pytest.mark.parametrize("part", [b"G", b"GET /livez HTTP/1.1\r\nHost: loc"])
def test_a_head_that_does_not_come_is_not_waited_for_for_ever(served: Served, part: bytes) -> None:
    with sending(served, part) as connection:
        problem = require_problem(read_to_end(connection), 408)
        assert problem["right"] == f"a head within {TIMEOUT:g} seconds"
    with sending(served, get() + part) as connection:
        assert statuses(read_to_end(connection)) == [200, 408]
    with sending(served, get()) as connection:
        assert statuses(connection.recv(65536)) == [200]
        connection.sendall(part)
        require_problem(read_to_end(connection), 408)


@pytest.mark.parametrize("part", [b"GET / HTTP/1.1\r\nX: ", b"\r\n", b"POST /", b""])
def test_a_head_that_comes_by_and_by_has_no_more_time_than_another(
    served: Served, part: bytes
) -> None:
    with sending(served, part) as connection:
        connection.settimeout(TIMEOUT / 10)
        began = time.monotonic()
        while time.monotonic() - began < 10 * TIMEOUT:
            try:
                connection.sendall(b"x" if part.strip() else part)
                if not connection.recv(65536):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - began < 5 * TIMEOUT


def test_a_connection_on_which_nothing_comes_is_closed(served: Served) -> None:
    with sending(served) as connection:
        assert read_to_end(connection) == b""


def test_a_connection_that_was_answered_may_be_idle_for_longer(served: Served) -> None:
    with sending(served, get()) as connection:
        assert statuses(connection.recv(65536)) == [200]
        connection.settimeout(3 * TIMEOUT)
        with pytest.raises(TimeoutError):
            connection.recv(65536)


def test_a_connection_is_closed_when_it_was_idle_for_long_enough(tmp_path: Path) -> None:
    """The time begins with its last answer, though one timer goes on through all of them."""
    store = reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")
    with serve(store, keep_alive=1) as short, sending(short, get()) as connection:
        connection.recv(65536)
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(65536)
        connection.settimeout(5)
        connection.sendall(get())
        connection.recv(65536)
        answered_at = time.monotonic()
        assert connection.recv(65536) == b""
        assert time.monotonic() - answered_at > 0.9


def test_a_body_of_which_nothing_comes_is_not_waited_for_for_ever(served: Served) -> None:
    head = request("POST /identify", "", JSON, "Content-Length: 100")
    with sending(served, get() + head) as connection:
        connection.recv(65536)
        assert statuses(connection.recv(65536)) == [408]


def test_what_follows_an_early_answer_is_not_waited_for_for_ever(served: Served) -> None:
    for head in (get("/livez", "Content-Length: 100"), get("/livez", "Transfer-Encoding: chunked")):
        with sending(served, head) as connection:
            assert statuses(connection.recv(65536)) == [200]
            connection.sendall(b"1")
            assert read_to_end(connection) == b""


def test_the_time_of_a_head_begins_when_those_before_it_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")
    let_go = threading.Event()
    monkeypatch.setattr(store, "check", lambda: let_go.wait(10))
    with serve(store, Settings(request_timeout=TIMEOUT)) as slow:
        with sending(slow, get("/readyz") * 2 + LAST[:20]) as connection:
            received = b""
            while len(statuses(received)) < 2:
                received += connection.recv(65536)
            connection.sendall(LAST[20:])
            received += read_to_end(connection)
        let_go.set()
    assert statuses(received) == [503, 503, 200]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Host: rebound.example.com", "Host: localhost"),
        ("Host: localhost", "host: localhost"),
        ("Content-Type: text/plain", "Content-Type: application/json"),
        ("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"),
        ("Idempotency-Key: one", "Idempotency-Key: two"),
        ("Authorization: Bearer one", "Authorization: Bearer two"),
    ],
)
def test_a_header_that_says_one_thing_is_refused_where_it_comes_twice(
    served: Served, first: str, second: str
) -> None:
    host = [] if first.startswith("Host") else ["Host: localhost"]
    head = ["GET /livez HTTP/1.1", *host, first, "X-Other: 1", "X-Other: 2", second, "", ""]
    with sending(served, "\r\n".join(head).encode()) as connection:
        status, body = answered(connection)
    assert status == 400
    assert body["wrong"] == f"the header {first.partition(':')[0].lower()} came twice"


@pytest.mark.parametrize("encoding", ["gzip, chunked", "x, chunked"])
def test_a_body_that_is_encoded_on_its_way_is_refused(served: Served, encoding: str) -> None:
    encoded = request("POST /identify", "", JSON, f"Transfer-Encoding: {encoding}")
    with sending(served, encoded + b"1d\r\n" + b'{"email": "gzip@example.com"}\r\n') as connection:
        status, body = answered(connection)
    assert (status, body["right"]) == (400, "a plain or a chunked body")
    assert not is_known(served, "gzip@example.com")
    plain = request("POST /identify", "", JSON, "Transfer-Encoding: Chunked")
    with sending(served, plain + b'1d\r\n{"email": "some@example.com"}\r\n0\r\n\r\n') as connection:
        assert answered(connection)[0] == 200
