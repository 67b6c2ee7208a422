"""The disk under the stores: how long a flush takes, and how to make it take longer."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.wrk import Unable

SOURCE = Path(__file__).with_name("slow_fsync.c")
BLOCK = 4096
FLUSHES = 200


def fsync_ms(folder: Path) -> float:
    """The median of 200 times writing 4 KiB at a file's end and flushing it."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for place in range(FLUSHES):
            os.pwrite(file.fileno(), os.urandom(BLOCK), place * BLOCK)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def slow_fsync(folder: Path, milliseconds: int) -> dict[str, str]:
    """The environment in which a process's flushes take so much longer.

    The shim is compiled into ``folder``. Raises `Unable` where it cannot be.
    """
    compiler = shutil.which("cc")
    if compiler is None or os.uname().sysname != "Linux":
        raise Unable("a slower fsync is emulated with LD_PRELOAD: it needs Linux and a C compiler")
    library = folder / "slow_fsync.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return {"LD_PRELOAD": str(library), "BENCH_FSYNC_MICROSECONDS": str(milliseconds * 1000)}
