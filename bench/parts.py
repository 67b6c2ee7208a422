"""The parts of a run. Each makes its stores, measures, and gives its rows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from bench import disk
from bench.lab import STORES, Lab, one_a_commit
from bench.measure import Row, Subject, alternate
from bench.servers import Server

ARRAY = 100
# Arrays of 128 connections would not fit into the lane's queue.
_ARRAY_CONNECTIONS = 16


def throughput(lab: Lab) -> list[Row]:
    """All workloads: no store, both stores, both with one commit for each request."""
    with ExitStack() as stack:
        servers = [stack.enter_context(lab.stand_in())]
        for kind in STORES:
            servers += _pair(lab, stack, kind, {})
        return [
            row
            for connections in lab.plan.connections
            for workload in lab.plan.workloads
            for row in alternate(
                [Subject(server, connections) for server in servers], workload, lab.plan, lab.tell
            )
        ]


def slow_fsync(lab: Lab) -> list[Row]:
    """New pairs, group commit and one commit for each request, where a flush takes longer.

    Every fsync and fdatasync of the processes that flush (the SQLite servers, all of PostgreSQL)
    sleeps before it is done. Raises `Unable` where that cannot be had.
    """
    environment = disk.slow_fsync(lab.folder, lab.plan.slow_fsync_ms)
    with ExitStack() as stack:
        servers = _pair(lab, stack, "sqlite", environment)
        stack.enter_context(lab.postgres.slowed(environment))
        servers += _pair(lab, stack, "postgresql", {})
        subjects = [Subject(server, lab.plan.connections[-1]) for server in servers]
        return alternate(subjects, "new", lab.plan, lab.tell)


def arrays(lab: Lab) -> list[Row]:
    """Single posts against /identify/batch with arrays of 100."""
    plan = lab.plan
    with ExitStack() as stack:
        servers = [stack.enter_context(lab.stand_in())]
        servers += [
            stack.enter_context(lab.server(name, lab.filled(kind, plan.filled), filled=plan.filled))
            for kind, name in STORES.items()
        ]
        subjects = [Subject(server, plan.connections[-1]) for server in servers]
        subjects += [Subject(server, _ARRAY_CONNECTIONS, ARRAY) for server in servers]
        return [
            row
            for workload in ("new", "ordered", "known")
            for row in alternate(subjects, workload, plan, lab.tell)
        ]


def _pair(lab: Lab, stack: ExitStack, kind: str, environment: Mapping[str, str]) -> list[Server]:
    """A store's server, and another with a store of its own that commits each request alone."""
    names = {STORES[kind]: None, one_a_commit(STORES[kind]): 1}
    return [
        stack.enter_context(
            lab.server(
                name,
                lab.filled(kind, lab.plan.filled),
                filled=lab.plan.filled,
                batch_size=batch_size,
                environment=environment,
            )
        )
        for name, batch_size in names.items()
    ]
