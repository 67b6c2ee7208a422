"""Real `reunite serve` processes on loopback: started, killed, started again, drained."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

READY_WITHIN = 30
"""Seconds that a server may take to start before a test gives up."""


def wait_until(fact: Callable[[], bool], what: str, within: float = READY_WITHIN) -> float:
    """Wait for a fact, looking every few milliseconds; returns the seconds it took."""
    start = time.monotonic()
    while not fact():
        if time.monotonic() - start > within:
            raise AssertionError(f"not {what} within {within} s")
        time.sleep(0.01)
    return time.monotonic() - start


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`reunite serve` on one port, over its lives; what it prints goes to ``log``.

    Used as a context manager it is killed at the end unless it was drained before.
    """

    def __init__(
        self,
        database: str,
        log: Path,
        *options: str,
        workspace: str = "default",
        settings: dict[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._command = [sys.executable, "-m", "reunite", "serve", *options]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not _is_setting(name)},
            "REUNITE_DATABASE": database,
            "REUNITE_WORKSPACE": workspace,
            "REUNITE_PORT": str(self.port),
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server (with workers: of their parent)."""
        return self._running().pid

    def workers(self) -> list[int]:
        """Return the process ids of its workers, if it has several."""
        return [
            process.pid
            for process in psutil.process_iter(["ppid", "cmdline"])
            if process.info["ppid"] == self.pid
            and any("spawn_main" in word for word in process.info["cmdline"] or ())
        ]

    def start(self) -> float:
        """Start it and wait until it is ready; returns the seconds that took."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return wait_until(self._is_up, f"ready: {self.log}")

    def kill(self) -> None:
        """End it and its workers as a power cut would (SIGKILL)."""
        os.killpg(self._running().pid, signal.SIGKILL)
        self._running().wait()
        self._process = None

    def drain(self, within: float = READY_WITHIN) -> int:
        """Ask it to finish (SIGTERM) and wait for it; returns its exit status."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        status = process.wait(within)
        self._process = None
        return status

    def get(self, path: str, timeout: float = 5) -> tuple[int, bytes]:
        """GET a path on a connection of its own; returns status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Tell whether /readyz says so; a connection refused or lost counts as no."""
        try:
            return self.get("/readyz")[0] == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    def printed(self) -> str:
        """Return all that it and its earlier lives printed."""
        return self.log.read_text(errors="replace")

    def _is_up(self) -> bool:
        status = self._running().poll()
        if status is not None:
            raise AssertionError(f"the server ended with status {status}:\n{self.printed()}")
        return self.is_ready()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("the server does not run")
        return self._process

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.kill()


def _is_setting(name: str) -> bool:
    return name.startswith("REUNITE_")
