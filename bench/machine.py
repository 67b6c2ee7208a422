"""What a run ran on: without it no figure means anything."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import apsw
import msgspec

from bench import disk
from bench.postgres import Postgres

_PROCESSORS = Path("/proc/cpuinfo")


class Machine(msgspec.Struct, frozen=True):
    """The machine, the programs, the disk under the stores.

    Attributes:
        load: processes that wanted a core in the minute before the run: should be near 0.
        fsync_ms: the median of 200 flushes of 4 KiB.
    """

    cores: int
    processor: str
    system: str
    python: str
    sqlite: str
    postgresql: str
    reunite: str
    load: float
    fsync_ms: float


def describe(folder: Path, postgres: Postgres) -> Machine:
    """Look at the machine; ``folder`` is where the stores will be."""
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=apsw.sqlite_lib_version(),
        postgresql=postgres.version(),
        reunite=version("reunite"),
        load=os.getloadavg()[0],
        fsync_ms=disk.fsync_ms(folder),
    )


def _processor() -> str:
    if _PROCESSORS.exists():
        for line in _PROCESSORS.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
