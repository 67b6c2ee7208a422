"""The steps of long work: how long each took, and in a terminal which one runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console


@dataclass
class Steps:
    """Steps of work of one name.

    Attributes:
        name: what the work is about.
        console: where to tell of it, if it is a terminal.
        seconds: how long each step took.
    """

    name: str
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, *, shows_itself: bool = False) -> Iterator[None]:
        """Time a step, and tell of it; one that ``shows_itself`` needs no spinner meanwhile."""
        text = f"{self.name}: {name}"
        is_shown = self.console.is_terminal and not shows_itself
        began = time.monotonic()
        with self.console.status(text) if is_shown else nullcontext():
            yield
        seconds = self.seconds[name] = time.monotonic() - began
        if self.console.is_terminal:
            self.console.print(f"{text}: {seconds:.1f} s", highlight=False)
