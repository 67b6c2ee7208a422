"""What is read from the wire and goes out on it, byte by byte."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import reunite
from reunite.settings import Settings
from serving import Served, serve

TIMEOUT = 0.5


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
        assert statuses(read_to_end(connection)) == [400]
    assert not is_known(served, "tunnel@example.com")
