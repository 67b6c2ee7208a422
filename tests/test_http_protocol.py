"""How answers go out on the wire."""

from __future__ import annotations

import socket
from pathlib import Path

from server import Server

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_head_and_body_of_an_answer_go_out_together(tmp_path: Path) -> None:
    with (
        Server(f"sqlite:///{tmp_path / 'reunite.db'}", tmp_path / "log") as server,
        socket.create_connection(("127.0.0.1", server.port)) as connection,
    ):
        connection.sendall(REQUEST)
        assert connection.recv(65536).endswith(b'{"status":"alive"}')


def test_pipelined_requests_are_answered_in_order_and_then_the_connection_ends(
    tmp_path: Path,
) -> None:
    last = REQUEST.replace(b"/livez", b"/nothing").replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
    )
    with (
        Server(f"sqlite:///{tmp_path / 'reunite.db'}", tmp_path / "log") as server,
        socket.create_connection(("127.0.0.1", server.port)) as connection,
    ):
        connection.sendall(REQUEST * 3 + last)
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.count(b"HTTP/1.1 404 Not Found") == 1
    assert received.rstrip().endswith(b"}")
