"""Everything that one run measured, as it is written to bench/results."""

from __future__ import annotations

import msgspec

from bench.before import Compared
from bench.inquiry import Looked
from bench.large import Large
from bench.latency import Paced
from bench.machine import Machine
from bench.measure import Row
from bench.plan import Plan


class Results(msgspec.Struct):
    """One run.

    Attributes:
        left_out: parts that could not be measured here, and why.
    """

    at: str
    machine: Machine
    plan: Plan
    throughput: list[Row] = []
    fsync: list[Row] = []
    latency: list[Paced] = []
    batch: list[Row] = []
    size: list[Row] = []
    large: list[Large] = []
    inquiry: list[Looked] = []
    before: list[Compared] = []
    left_out: dict[str, str] = {}


def find(rows: list[Row], server: str, workload: str, **wanted: int) -> Row | None:
    """The row of a server and workload with these attributes, if it was measured."""
    for row in rows:
        if (row.server, row.workload) == (server, workload) and all(
            getattr(row, name) == value for name, value in wanted.items()
        ):
            return row
    return None
