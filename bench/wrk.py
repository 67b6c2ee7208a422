"""wrk, the client for throughput: as many requests as the connections can carry."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec

SCRIPT = Path(__file__).with_name("replay.lua")


class Unable(Exception):
    """The bench cannot run here; the message says what is missing."""


class Load(msgspec.Struct, frozen=True):
    """What wrk saw.

    Attributes:
        refused: answers with another status than 2xx or 3xx.
        lost: connections and answers that failed or took longer than two seconds.
    """

    requests: int
    seconds: float
    refused: int
    lost: int
    p50_ms: float
    p99_ms: float

    @property
    def failed(self) -> int:
        return self.refused + self.lost


_decode = msgspec.json.Decoder(Load).decode


def require_wrk() -> None:
    """Raise `Unable` unless wrk is installed."""
    if shutil.which("wrk") is None:
        raise Unable("wrk is not installed: apt install wrk, brew install wrk, or dnf install wrk")


def drive(url: str, path: str, bodies: Path, *, connections: int, seconds: int) -> Load:
    """Post the lines of a file to a server from one thread of wrk; raises `Unable`."""
    run = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--script", str(SCRIPT), url, "--", str(bodies), path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    _, found, result = run.stdout.partition("RESULT ")
    if run.returncode or not found:
        raise Unable(f"wrk failed: {run.stderr.strip() or run.stdout.strip()}")
    return _decode(result)
