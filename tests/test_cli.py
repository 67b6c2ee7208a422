"""The commands, as a shell sees them: what they print, how they fail, how they end."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server import READY_WITHIN, Server, wait_until
from shell import Reunite


def test_one_request_from_the_shell_is_answered_with_the_whole_person(
    command: Reunite,
) -> None:
    command("identify", "--email", "foo@example.com", "--phone", "1234567890")
    result = command("identify", "--email", "FOO@example.com", "--phone", "999 999 9999", "--json")
    assert result.status == 0
    assert json.loads(result.out) == {
        "contact": {
            "primaryContactId": 1,
            "emails": ["foo@example.com"],
            "phoneNumbers": ["1234567890", "9999999999"],
            "secondaryContactIds": [2],
        }
    }
    shown = command("identify", "--email", "foo@example.com").out
    for word in ("known", "1234567890", "9999999999", "foo@example.com"):
        assert word in shown


def test_the_store_is_the_one_of_the_settings(command: Reunite, shell: Path) -> None:
    command("identify", "--email", "a@example.com", "--database", "sqlite:///mine.db")
    assert sorted(path.name for path in shell.glob("*.db")) == ["mine.db"]


def test_migrate_makes_a_store_and_may_be_repeated(command: Reunite, shell: Path) -> None:
    for _ in range(2):
        result = command("migrate")
        assert (result.status, result.out) == (0, "sqlite:///reunite.db is up to date\n")
    assert (shell / "reunite.db").exists()


def test_a_workspace_is_shown_and_its_limit_set(command: Reunite) -> None:
    command("identify", "--email", "a@example.com", "--phone", "1")
    assert json.loads(command("workspace", "--json").out) == {
        "workspace": "default",
        "phoneRegion": None,
        "ruleVersion": 1,
        "identityLimit": 10_000,
        "contacts": 1,
        "identities": 1,
    }
    command("workspace", "--identity-limit", "2")
    assert json.loads(command("workspace", "--json").out)["identityLimit"] == 2
    refused = command("identify", "--email", "a@example.com", "--phone", "2")
    assert refused.status == 5
    assert "the limit is 2" in refused.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["identify", "--email", "nobody"], 5, "has no @"),
        (["identify"], 5, "neither"),
        (["identify", "--email", "a@b.c", "--database", "nowhere"], 2, "--database"),
        (["identify", "--email", "a@b.c", "--database", "sqlite:////nowhere/x.db"], 4, "/nowhere"),
        (
            ["identify", "--email", "a@b.c", "--database", "postgresql://127.0.0.1:1/x"],
            4,
            "127.0.0.1",
        ),
        (["serve", "--database", "postgresql://127.0.0.1:1/x"], 4, "127.0.0.1"),
        (["serve", "--port", "x"], 2, "--port = 'x'"),
        (["serve", "--workers", "2"], 2, "SQLite has one writer"),
        (["serve", "--host", "0.0.0.0"], 2, "REUNITE_API_KEYS"),
        (["serve", "--phone-region", "XX"], 2, "XX"),
        (["workspace", "--identity-limit", "1"], 2, "from 2 to"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(
    command: Reunite, arguments: list[str], status: int, says: str
) -> None:
    result = command(*arguments)
    assert result.status == status
    assert says in result.err
    assert re.fullmatch(r"reunite: [^\n]+\n", result.err), result.err
    assert result.out == ""


def test_a_store_made_with_another_policy_is_refused(command: Reunite) -> None:
    command("migrate", "--phone-region", "IN")
    result = command("serve")
    assert result.status == 3
    assert "REUNITE_PHONE_REGION=IN" in result.err


def test_a_port_that_is_taken_is_told(command: Reunite) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = command("serve", "--port", str(port))
    assert result.status == 1
    assert f"port {port} of 127.0.0.1 is taken" in result.err


def test_an_address_of_another_machine_is_told(
    command: Reunite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REUNITE_API_KEYS", "secret")
    result = command("serve", "--host", "192.0.2.1", "--port", "0")
    assert result.status == 1
    assert "no address of this machine" in result.err


def test_the_version_is_told(command: Reunite) -> None:
    assert command("--version").out.startswith("reunite 0.")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path / 'reunite.db'}", tmp_path / "log") as server:
        yield server


def test_in_a_pipe_every_line_is_json_and_one_has_a_curl_to_paste(server: Server) -> None:
    lines = [json.loads(line) for line in server.printed().splitlines()]
    (serving,) = [line for line in lines if line["message"] == "serving"]
    assert serving["address"] == server.url
    assert serving["store"].endswith("/reunite.db")

    pasted = subprocess.run(["sh", "-c", serving["try"]], capture_output=True, check=True)
    assert json.loads(pasted.stdout)["contact"]["primaryContactId"] == 1
    assert server.drain() == 0
    assert all(json.loads(line) for line in server.printed().splitlines())


def test_a_terminal_gets_the_address_the_store_and_a_curl_to_paste(shell: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "reunite", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = ""
        while "/docs" not in shown:
            shown += os.read(ours, 4096).decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(READY_WITHIN) == 0
    os.close(ours)
    assert re.search(r"http://127\.0\.0\.1:[1-9][0-9]+, store sqlite:///reunite.db", shown)
    assert re.search(r"\n  curl -s http://127\.0\.0\.1:[0-9]+/identify .*\r?\n", shown)


def test_what_was_accepted_is_finished_before_the_server_ends(server: Server) -> None:
    batch = [{"phoneNumber": number} for number in range(1000)]
    with (
        httpx.Client(base_url=server.url) as client,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        body = json.dumps(batch).encode()
        slow.sendall(
            b"POST /identify/batch HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        slow.sendall(body[:-1])
        assert client.get("/readyz").status_code == 200
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: refuses_connections(server.port), "closed to new clients")
        slow.sendall(body[-1:])
        answer = b"".join(iter(lambda: slow.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.count(b'"contact"') == 1000
    assert server.drain() == 0


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_several_workers_count_together_and_leave_nothing_behind(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with Server(postgres_url, tmp_path / "log", "--workers", "2") as server:
        for number in range(20):
            answer = httpx.post(f"{server.url}/identify", json={"phoneNumber": number})
            assert answer.status_code == 200
        for _ in range(5):
            metrics = httpx.get(f"{server.url}/metrics").text
            assert re.search(r"\nreunite_contacts 20\.0\n", metrics)
            assert re.search(r'\nreunite_requests_total\{outcome="created"\} 20\.0\n', metrics)
        assert len(list(temporary.glob("reunite-metrics-*"))) == 1
        assert server.drain() == 0
    assert list(temporary.iterdir()) == []
