"""Latency at half of a store's top rate, with the store and without, by an open-loop client."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from bench import measure, workloads
from bench.lab import STORES, Lab
from bench.measure import Subject, alternate
from bench.open_loop import Latencies
from bench.servers import ROOT, Server

# The client's drawn gaps make a few requests more or less than rate times seconds.
_SPARE = 1.5

_decode = msgspec.json.Decoder(Latencies).decode


class Paced(msgspec.Struct, frozen=True):
    """One workload on one server at the rate that is half of ``store``'s top; round by round."""

    server: str
    store: str
    workload: str
    drives: list[Latencies]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.drives[0].rate

    @property
    def p50_ms(self) -> float:
        return statistics.median(drive.p50_ms for drive in self.drives)

    @property
    def p99_ms(self) -> float:
        return statistics.median(drive.p99_ms for drive in self.drives)

    @property
    def failed(self) -> int:
        return sum(drive.refused + drive.lost for drive in self.drives)


def latency(lab: Lab) -> list[Paced]:
    """New pairs in no order and in order, and known ones, for each store."""
    rows: list[Paced] = []
    filled = lab.plan.filled
    with lab.stand_in() as bare:
        for kind, name in STORES.items():
            with lab.server(name, lab.filled(kind, filled), filled=filled) as server:
                for workload in ("new", "ordered", "known"):
                    rows += _alternate(lab, (bare, server), workload)
    return rows


def _alternate(lab: Lab, servers: tuple[Server, Server], workload: str) -> list[Paced]:
    plan, store = lab.plan, servers[1].name
    (top,) = alternate([Subject(servers[1], plan.connections[-1])], workload, plan, lab.tell)
    drives: dict[str, list[Latencies]] = {server.name: [] for server in servers}
    for number in range(plan.rounds):
        run = next(measure.runs)
        for server in servers[:: -1 if number % 2 else 1]:
            lab.tell(f"{workload} at {top.rate / 2:,.0f} a second: {server.name}")
            drives[server.name].append(_drive(server, workload, run, top.rate / 2, plan.seconds))
    return [Paced(name, store, workload, seen) for name, seen in drives.items()]


def _drive(server: Server, workload: str, run: int, rate: float, seconds: int) -> Latencies:
    requests = workloads.WORKLOADS[workload].requests(workloads.Run(run, server.filled))
    with tempfile.NamedTemporaryFile(prefix="reunite-bench-", suffix=".txt") as file:
        workloads.write(Path(file.name), requests, int(rate * seconds * _SPARE) + 100)
        printed = subprocess.run(
            [
                *(sys.executable, "-m", "bench.open_loop", str(server.port), file.name),
                *("--rate", str(rate), "--seconds", str(seconds), "--seed", str(run)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    return _decode(printed)
