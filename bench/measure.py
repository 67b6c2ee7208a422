"""Throughput of several servers, alternating: each round gives every server the same requests."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import workloads, wrk
from bench.plan import Plan
from bench.servers import Server

CEILING = 100_000
"""Posts a second for which bodies are made: more than one process can answer."""

ARRAYS_CEILING = 400_000
"""The same of requests in arrays; the stack without a store runs out of them, and is faster."""

runs = count()
"""Numbers of runs, so that each draws new keys from a range of its own."""


class Row(msgspec.Struct, frozen=True):
    """One workload on one server.

    Attributes:
        loads: what wrk saw, round by round.
        array: requests in one post.
    """

    server: str
    workload: str
    connections: int
    array: int
    loads: list[wrk.Load]

    @property
    def rates(self) -> list[float]:
        """Requests a second, round by round."""
        return [self.array * load.requests / load.seconds for load in self.loads]

    @property
    def rate(self) -> float:
        """Requests a second, the median."""
        return statistics.median(self.rates)

    @property
    def p50_ms(self) -> float:
        return statistics.median(load.p50_ms for load in self.loads)

    @property
    def p99_ms(self) -> float:
        return statistics.median(load.p99_ms for load in self.loads)

    @property
    def failed(self) -> int:
        """Posts of all rounds that were not answered with success."""
        return sum(load.failed for load in self.loads)


class Subject(NamedTuple):
    """What is measured against the others of a round: a server, and how it is posted to."""

    server: Server
    connections: int
    array: int = 1


def ratio(one: Row, other: Row) -> float:
    """How many times the throughput of the other: the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(one.rates, other.rates, strict=True))


def alternate(
    subjects: Sequence[Subject], workload: str, plan: Plan, tell: Callable[[str], None]
) -> list[Row]:
    """Measure a workload on all subjects, round by round, every second round backwards."""
    loads: list[list[wrk.Load]] = [[] for _ in subjects]
    for number in range(plan.rounds):
        # Arrays have requests of their own: what single posts brought they would find known.
        run = {array: next(runs) for array in sorted({subject.array for subject in subjects})}
        places = range(len(subjects))
        with tempfile.TemporaryDirectory(prefix="reunite-bench-") as folder:
            for place in reversed(places) if number % 2 else places:
                subject = subjects[place]
                tell(f"{workload}, round {number + 1} of {plan.rounds}: {subject.server.name}")
                bodies = _bodies(Path(folder), workload, run[subject.array], subject, plan.seconds)
                loads[place].append(_drive(subject, bodies, plan.seconds))
    return [
        Row(subject.server.name, workload, subject.connections, subject.array, taken)
        for subject, taken in zip(subjects, loads, strict=True)
    ]


def _bodies(folder: Path, workload: str, run: int, subject: Subject, seconds: int) -> Path:
    """The file of a round's bodies, the same for all subjects that can have the same."""
    filled = subject.server.filled
    file = folder / f"{filled}-{subject.array}.txt"
    if not file.exists():
        requests = workloads.WORKLOADS[workload].requests(workloads.Run(run, filled))
        ceiling = CEILING if subject.array == 1 else ARRAYS_CEILING
        workloads.write(file, requests, ceiling * seconds // subject.array, subject.array)
    return file


def _drive(subject: Subject, bodies: Path, seconds: int) -> wrk.Load:
    return wrk.drive(
        subject.server.url,
        "/identify" if subject.array == 1 else "/identify/batch",
        bodies,
        connections=subject.connections,
        seconds=seconds,
    )
