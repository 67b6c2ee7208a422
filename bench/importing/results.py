"""What one run measured, as it is written to bench/results, and how it is compared."""

from __future__ import annotations

import statistics

import msgspec

from bench.importing.worker import Took
from bench.machine import Machine

FLOOR = "read, normalised, joined"


class Plan(msgspec.Struct, frozen=True):
    """Sizes of a run, in rows of a file or contacts of a store.

    Attributes:
        rounds: how often each measurement comes; what is told is the median.
        rows: of the import into an empty store; contacts of the store that is worked on whole.
        sample: of the import beside `identify_many`.
        large: of the large import.
        added: what is imported into stores that are not empty.
        few: contacts of the small one of these stores.
        many: contacts of the large one.
        seed: of all tables.
    """

    rounds: int = 3
    rows: int = 1_000_000
    sample: int = 100_000
    large: int = 10_000_000
    added: int = 100_000
    few: int = 1_000
    many: int = 5_000_000
    seed: int = 1


class Row(msgspec.Struct, frozen=True):
    """One measurement of all rounds.

    Attributes:
        what: a store, or `FLOOR`.
        rows: of the file; contacts of the store that is worked on whole.
        before: contacts of the store before.
        by: how the rows came into the store, or what was done with all of it.
    """

    what: str
    rows: int
    runs: list[Took]
    before: int = 0
    by: str = "import"

    @property
    def seconds(self) -> float:
        """The median, as in the other two."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(run.cpu_seconds for run in self.runs)

    @property
    def locked_seconds(self) -> float:
        return statistics.median(run.locked_seconds for run in self.runs)

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    @property
    def peak_mb(self) -> float:
        """The worst."""
        return max(run.peak_mb for run in self.runs)


class Results(msgspec.Struct):
    """One run; each part is a list of rows under its name."""

    at: str
    machine: Machine
    plan: Plan
    empty: list[Row] = []
    identify: list[Row] = []
    large: list[Row] = []
    size: list[Row] = []
    whole: list[Row] = []
    left_out: dict[str, str] = {}


def times(one: Row, other: Row) -> float:
    """How many times the seconds of the other: the median of the rounds' own ratios."""
    pairs = zip(one.runs, other.runs, strict=True)
    return statistics.median(a.seconds / b.seconds for a, b in pairs)


def find(among: list[Row], what: str, /, **wanted: object) -> Row | None:
    """The row of a store (or the floor) with these attributes, if it was measured."""
    for row in among:
        if row.what == what and all(getattr(row, name) == value for name, value in wanted.items()):
            return row
    return None
