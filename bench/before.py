"""What /identify costs now against an earlier commit, where nothing is constrained or blocked."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from bench import measure, revision, workloads
from bench.lab import STORES, Lab
from bench.size import BATCH
from bench.worker import ROOT, Batch, Worker

# After a thousand changes SQLite moves its log into the file. A store that rests meanwhile then
# begins its log anew, and its commits cost less than those of one that is asked on. So a stretch
# of rounds ends where that is due, and both rest.
_ROUNDS = 16
_REST_SECONDS = 0.02
_FILL = 1000


class Way(NamedTuple):
    """A workload, the store's method that it is put to, and what that has to answer."""

    workload: str
    ask: Literal["identify_many", "recognise_many"]
    outcome: str


WAYS = (
    Way("new", "identify_many", "created"),
    Way("known", "recognise_many", "known"),
    Way("known", "identify_many", "known"),
    Way("extend", "identify_many", "extended"),
)
"""What is known is recognised, or identified where it comes behind what is new."""


class Compared(msgspec.Struct, frozen=True):
    """One workload on one kind of store, by the package as it was and as it is.

    Attributes:
        ask: the store's method.
        commit: of the package as it was.
        before_ms: what a batch took by that, round by round.
        now_ms: likewise by the package as it is.
    """

    server: str
    workload: str
    ask: str
    commit: str
    before_ms: list[float]
    now_ms: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times the time of now it took before, round by round."""
        return [a / b for a, b in zip(self.before_ms, self.now_ms, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Between which two ratios half of the rounds lie."""
        ordered = sorted(self.ratios)
        quarter = len(ordered) // 4
        return ordered[quarter], ordered[-1 - quarter]


def before(lab: Lab, repository: Path = ROOT) -> list[Compared]:
    """Compare both stores, alone, with a commit of the repository. Raises `Unable`."""
    commit = revision.commit_of(lab.plan.before, repository)
    sources = (revision.bring(commit, repository, lab.folder), ROOT / "src")
    rows: list[Compared] = []
    for kind, name in STORES.items():
        with ExitStack() as stack:
            workers = [
                stack.enter_context(Worker(source, lab.fresh(kind), lab.folder / "worker.log"))
                for source in sources
            ]
            lab.tell(f"filling {name} with {lab.plan.filled:,} identities, before and now")
            _fill(workers, lab.plan.filled)
            if kind == "postgresql":
                _settle(lab, workers)
            rows += _alternate(lab, name, commit, workers)
    return rows


def _fill(workers: Sequence[Worker], identities: int) -> None:
    pairs = workloads.pairs(range(identities))
    while chunk := list(islice(pairs, _FILL)):
        for worker in workers:
            worker.run(Batch("identify_many", "created", chunk))


def _settle(lab: Lab, workers: Sequence[Worker]) -> None:
    for worker in workers:
        lab.postgres.vacuum(worker.database)
    lab.postgres.settle()


def _alternate(lab: Lab, name: str, commit: str, workers: Sequence[Worker]) -> list[Compared]:
    requests = [
        workloads.WORKLOADS[way.workload].requests(
            workloads.Run(next(measure.runs), lab.plan.filled)
        )
        for way in WAYS
    ]
    rounds: list[list[list[float]]] = [[] for _ in WAYS]
    for number in range(lab.plan.stretches):
        lab.tell(f"{name} before and now, {number + 1} of {lab.plan.stretches}")
        for place, way in enumerate(WAYS):
            time.sleep(_REST_SECONDS)
            rounds[place] += _stretch(workers, way, requests[place], number)
    return [
        Compared(name, way.workload, way.ask, commit, *map(list, zip(*taken, strict=True)))
        for way, taken in zip(WAYS, rounds, strict=True)
    ]


def _stretch(
    workers: Sequence[Worker], way: Way, requests: Iterator[workloads.Pair], number: int
) -> list[list[float]]:
    """Rounds in which all workers get the same batch; what it took each, in milliseconds."""
    rounds = []
    for turn in range(number, number + _ROUNDS):
        batch = Batch(way.ask, way.outcome, list(islice(requests, BATCH)))
        took = [0.0 for _ in workers]
        places = range(len(workers))
        for place in reversed(places) if turn % 2 else places:
            took[place] = workers[place].run(batch) * 1000
        rounds.append(took)
    return rounds
