"""What the figures have to reach (and what they reached)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.lab import NO_STORE, STORES, one_a_commit
from bench.latency import Paced
from bench.measure import ratio
from bench.parts import ARRAY
from bench.results import Results, find
from bench.size import name_of

AGAINST_NO_STORE = {
    ("SQLite", "new"): 0.6,
    ("SQLite", "ordered"): 0.6,
    ("SQLite", "known"): 0.8,
    ("PostgreSQL", "new"): 0.5,
    ("PostgreSQL", "ordered"): 0.5,
    ("PostgreSQL", "known"): 0.6,
}
AGAINST_ONE_A_COMMIT = {"SQLite": 2.5, "PostgreSQL": 3.0}
P99 = 3.0
ARRAYS = 2.5
SIZE = 1.5
EXPLAIN = 20.0
BEFORE = 0.95


class Goal(NamedTuple):
    """One figure and its bound."""

    what: str
    value: float
    bound: float
    at_least: bool = True

    @property
    def is_met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def judge(results: Results) -> list[Goal]:
    """Every goal whose figures were measured."""
    return [
        *_against_no_store(results),
        *_group_commit(results),
        *_latency(results),
        *_arrays(results),
        *_size(results),
        *_inquiry(results),
        *_before(results),
    ]


def _against_no_store(results: Results) -> Iterator[Goal]:
    connections = results.plan.connections[-1]
    for (store, workload), bound in AGAINST_NO_STORE.items():
        row = find(results.throughput, store, workload, connections=connections)
        bare = find(results.throughput, NO_STORE, workload, connections=connections)
        if row and bare:
            what = f"{store}, {workload}: throughput against no store"
            yield Goal(what, ratio(row, bare), bound)


def _group_commit(results: Results) -> Iterator[Goal]:
    slow = f", fsync {results.plan.slow_fsync_ms} ms longer"
    connections = results.plan.connections[-1]
    for rows, disk in ((results.throughput, ""), (results.fsync, slow)):
        for store, bound in AGAINST_ONE_A_COMMIT.items():
            group = find(rows, store, "new", connections=connections)
            single = find(rows, one_a_commit(store), "new", connections=connections)
            if group and single:
                what = f"{store}, new: group commit against one a commit{disk}"
                yield Goal(what, ratio(group, single), bound)


def _latency(results: Results) -> Iterator[Goal]:
    for paced in results.latency:
        if paced.server == NO_STORE:
            bare = paced
            continue
        what = f"{paced.server}, {paced.workload}: p99 without one fsync, against no store"
        yield Goal(what, _p99_ratio(paced, bare, results.machine.fsync_ms), P99, at_least=False)


def _p99_ratio(paced: Paced, bare: Paced, fsync_ms: float) -> float:
    return (paced.p99_ms - fsync_ms) / bare.p99_ms


def _arrays(results: Results) -> Iterator[Goal]:
    for store in STORES.values():
        for workload in ("new", "ordered", "known"):
            many = find(results.batch, store, workload, array=ARRAY)
            single = find(results.batch, store, workload, array=1)
            if many and single:
                what = f"{store}, {workload}: arrays of {ARRAY} against single posts"
                yield Goal(what, ratio(many, single), ARRAYS)


def _size(results: Results) -> Iterator[Goal]:
    sizes = results.plan.small, results.plan.large
    for kind, store in STORES.items():
        small, large = (name_of(kind, identities) for identities in sizes)
        for row in results.size:
            other = find(results.size, large, row.workload, connections=row.connections)
            if row.server == small and other:
                where = "over HTTP" if row.connections else "the store alone"
                what = f"{store}, {row.workload}: {sizes[1]:,} identities, cost {where}"
                yield Goal(what, ratio(row, other), SIZE, at_least=False)


def _inquiry(results: Results) -> Iterator[Goal]:
    for row in results.inquiry:
        what = f"{row.server}: explaining within {row.identifiers:,} identifiers against reading"
        yield Goal(f"{what} them", row.explain_ms / row.identity_ms, EXPLAIN, at_least=False)


def _before(results: Results) -> Iterator[Goal]:
    for row in results.before:
        what = f"{row.server}, {row.workload}, {row.ask}: time at {row.commit[:7]} against now"
        yield Goal(what, row.ratio, BEFORE)
