"""What reunite counts, and how Prometheus reads it.

Each child (a metric with its labels) is resolved once and not at every observation: finding it
costs more than the observation itself. Identifiers never appear in a label.

Several processes of one server share their values through the files of
``PROMETHEUS_MULTIPROC_DIR``, which has to be set, to an empty folder, before this module is
imported; any of them then answers for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_REGISTRY = CollectorRegistry()
_SHARED = os.environ.get("PROMETHEUS_MULTIPROC_DIR")

_SECONDS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_REQUESTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_http_request_duration = Histogram(
    "http_server_request_duration_seconds",
    "How long HTTP requests took.",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=_SECONDS,
    registry=_REGISTRY,
)
_batch_requests = Histogram(
    "reunite_batch_requests",
    "Requests that one batch of the lane held.",
    ["stage"],
    buckets=_REQUESTS,
    registry=_REGISTRY,
)
_requests = Counter(
    "reunite_requests_total",
    "Requests that the store answered, by what they did.",
    ["outcome"],
    registry=_REGISTRY,
)
_shed = Counter(
    "reunite_shed_total",
    "Requests that were not taken, or waited past their deadline and were not run.",
    ["reason"],
    registry=_REGISTRY,
)
_store_transaction = Histogram(
    "reunite_store_transaction_seconds",
    "How long the store took for a batch, waiting for its lock included.",
    ["stage"],
    buckets=_SECONDS,
    registry=_REGISTRY,
)

batch_requests = {stage: _batch_requests.labels(stage) for stage in ("recognise", "write")}
requests = {
    outcome: _requests.labels(outcome)
    for outcome in ("created", "extended", "merged", "known", "refused", "kept_apart", "blocked")
}
shed = {reason: _shed.labels(reason) for reason in ("full", "late", "closing")}
store_transaction = {stage: _store_transaction.labels(stage) for stage in ("recognise", "write")}
queue_depth = Gauge(
    "reunite_queue_depth",
    "Requests that were taken and are not answered yet.",
    # A worker that died holds no requests any more.
    multiprocess_mode="livesum",
    registry=_REGISTRY,
)
store_repeats = Counter(
    "reunite_store_repeats_total",
    "Transactions done again because surely nothing of them was committed.",
    registry=_REGISTRY,
)


class Totals(Protocol):
    """The counts that a repository keeps of its workspace (`Repository.totals` answers them)."""

    @property
    def contacts(self) -> int: ...

    @property
    def identities(self) -> int: ...


def observe_http_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one HTTP request; ``route`` is the pattern that matched, never the path itself."""
    # A client chooses the method freely: each of its inventions would be a series for ever.
    _http_request(method if method in _METHODS else "_OTHER", route, status)(seconds)


def render(totals: Totals | None) -> tuple[bytes, str]:
    """All metrics of all workers in Prometheus' text format, and its content type.

    Without ``totals`` (the store does not answer now) the two gauges read from it are left out.
    """
    encode, content_type = choose_encoder("")
    return encode(_Scrape(totals)), content_type


@cache
def _http_request(method: str, route: str, status: int) -> Callable[[float], None]:
    return _http_request_duration.labels(method, route, status).observe


class _Scrape(Collector):
    def __init__(self, totals: Totals | None) -> None:
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        yield from _collect_workers(Path(_SHARED)) if _SHARED else _REGISTRY.collect()
        if self._totals is not None:
            contacts, identities = self._totals.contacts, self._totals.identities
            yield GaugeMetricFamily("reunite_contacts", "Contacts in the store.", contacts)
            yield GaugeMetricFamily("reunite_identities", "Identities in the store.", identities)


def _collect_workers(folder: Path) -> Iterable[Metric]:
    # Nobody tells us when a worker is killed, so each scrape looks who is left.
    for file in folder.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _is_alive(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    return MultiProcessCollector(None, str(folder)).collect()  # type: ignore[no-untyped-call,no-any-return]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # The number went to a process of another user: it cannot be a worker of ours.
        return False
    return True
