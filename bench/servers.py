"""The servers under test: real `reunite serve` processes, one process each, on loopback."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.wrk import Unable

ROOT = Path(__file__).parent.parent
READY_WITHIN = 30
"""Seconds that a server may take to start."""


class Server:
    """A server, from entering the context to leaving it.

    Attributes:
        name: of what is behind it, as it stands in the tables.
        database: the URL of its store.
        filled: how many identities its store had before.
    """

    def __init__(
        self,
        name: str,
        database: str,
        log: Path,
        *,
        filled: int,
        module: str = "reunite",
        batch_size: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.database = database
        self.filled = filled
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._command = [sys.executable, "-m", module, "serve"]
        self._environment = {
            **{name: value for name, value in os.environ.items() if name[:8] != "REUNITE_"},
            **(environment or {}),
            "REUNITE_DATABASE": database,
            "REUNITE_PORT": str(self.port),
        }
        if batch_size is not None:
            self._environment["REUNITE_BATCH_SIZE"] = str(batch_size)

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise Unable(f"{self.name} did not start:\n{self._log.read_text()}")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(READY_WITHIN)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
