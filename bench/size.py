"""Whether a store's size costs: few identities against many, over HTTP and in the store alone."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from itertools import islice

import msgspec

import reunite
from bench import measure, workloads
from bench.lab import STORES, Lab
from bench.measure import Row, Subject, alternate
from bench.wrk import Load
from reunite.repositories import Store

BATCH = 64
# New pairs make the small store larger, so there are few: a second, or so many batches.
_NEW_SECONDS = 1
_NEW_BATCHES = 100


def size(lab: Lab) -> list[Row]:
    """New and known pairs on a small store, made anew for each round, and on a large one.

    The store alone, in batches of 64, stands under 0 connections.
    """
    found: dict[tuple[str, str, int], Row] = {}
    for kind in STORES:
        large = lab.filled(kind, lab.plan.large)
        for _ in range(lab.plan.rounds):
            databases = {
                lab.plan.small: lab.filled(kind, lab.plan.small),
                lab.plan.large: large,
            }
            for row in [*_alone(lab, kind, databases), *_served(lab, kind, databases)]:
                key = (row.server, row.workload, row.connections)
                before = found[key].loads if key in found else []
                found[key] = msgspec.structs.replace(row, loads=before + row.loads)
    return list(found.values())


def name_of(kind: str, identities: int) -> str:
    """What a store of so many identities is called in the tables."""
    return f"{STORES[kind]}, {identities:,}"


def _served(lab: Lab, kind: str, databases: dict[int, str]) -> list[Row]:
    once = msgspec.structs.replace(lab.plan, rounds=1)
    briefly = msgspec.structs.replace(once, seconds=_NEW_SECONDS)
    with ExitStack() as stack:
        subjects = [
            Subject(
                stack.enter_context(
                    lab.server(name_of(kind, identities), database, filled=identities)
                ),
                lab.plan.connections[-1],
            )
            for identities, database in databases.items()
        ]
        return [
            *alternate(subjects, "known", once, lab.tell),
            *alternate(subjects, "new", briefly, lab.tell),
        ]


def _alone(lab: Lab, kind: str, databases: dict[int, str]) -> list[Row]:
    rows: list[Row] = []
    with ExitStack() as stack:
        stores = {
            identities: stack.enter_context(reunite.open(database))
            for identities, database in databases.items()
        }
        for workload in ("known", "new"):
            run = next(measure.runs)
            for identities, store in stores.items():
                name = name_of(kind, identities)
                lab.tell(f"{workload}, the store alone: {name}")
                load = _ask(store, workload, workloads.Run(run, identities), lab.plan.seconds)
                rows.append(Row(name, workload, 0, 1, [load]))
    return rows


def _ask(store: Store, workload: str, run: workloads.Run, seconds: int) -> Load:
    """Batches, measured as wrk would say it; the latencies are those of a batch."""
    requests = workloads.WORKLOADS[workload].requests(run)
    ask = store.identify_many if workload == "new" else store.recognise_many
    took: list[float] = []
    while sum(took) < seconds and (workload != "new" or len(took) < _NEW_BATCHES):
        batch = [reunite.Presented(*pair) for pair in islice(requests, BATCH)]
        began = time.perf_counter()
        ask(batch)
        took.append(time.perf_counter() - began)
    p99 = sorted(took)[int(len(took) * 0.99)]
    return Load(
        requests=len(took) * BATCH,
        seconds=sum(took),
        refused=0,
        lost=0,
        p50_ms=statistics.median(took) * 1000,
        p99_ms=p99 * 1000,
    )
