"""How far long work is: a bar for each phase with rows/s and remaining time; silent in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from reunite.repositories.bulk import Rows


class _Speed(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None or not task.completed else f"{speed:,.0f} rows/s")


class Progress:
    """Shows the phases of one command on standard error, one after the other."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a phase while it lasts; ``total`` is its rows, None where nobody knows them yet.

        What is given takes the number of rows done since it was last called.
        """
        bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        with bars:
            task = bars.add_task(name, total=total)
            yield lambda rows: bars.advance(task, rows)
            done = bars.tasks[0].completed
            bars.update(task, total=done or 1, completed=done or 1)


class Watched(Rows):
    """Rows that tell how many of them were taken."""

    def __init__(self, rows: Rows, advance: Callable[[int], None]) -> None:
        self.columns = rows.columns
        self._rows = rows
        self._advance = advance

    def __len__(self) -> int:
        return len(self._rows)

    def tuples(self) -> Iterator[list[tuple[object, ...]]]:
        for chunk in self._rows.tuples():
            yield chunk
            self._advance(len(chunk))

    def copy_text(self, *first: int) -> Iterator[bytes]:
        for block in self._rows.copy_text(*first):
            yield block
            self._advance(block.count(b"\n"))
