"""A named pipe that somebody reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self


class Pipe:
    """Made and opened, so that no writer waits for a reader; it takes some 64 kB."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self) -> str:
        """What was written into it."""
        return os.read(self._descriptor, 1 << 16).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
