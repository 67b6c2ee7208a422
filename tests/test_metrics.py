"""What Prometheus reads is true, of one process and of several workers together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reunite import metrics
from reunite.repositories.repository import Totals

OBSERVE = """
from reunite import metrics
metrics.observe_http_request("POST", "/identify", 200, 0.003)
metrics.batch_requests["write"].observe(64)
metrics.requests["created"].inc(5)
metrics.queue_depth.set(7)
"""
AND_STAY = "print('ready', flush=True); input()"
RENDER = """
from reunite import metrics
import sys
sys.stdout.buffer.write(metrics.render(None)[0])
"""

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: bytes) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(values: Values, name: str, **labels: str) -> float:
    return values[name, frozenset(labels.items())]


def scrape() -> Values:
    return read(metrics.render(Totals(contacts=3, identities=2))[0])


def test_the_names_are_those_that_were_promised() -> None:
    metrics.observe_http_request("POST", "/identify", 200, 0.001)
    text, content_type = metrics.render(Totals(contacts=3, identities=2))
    families = {family.name for family in text_string_to_metric_families(text.decode())}
    assert content_type.startswith("text/plain; version=")
    assert families >= {
        "http_server_request_duration_seconds",
        "reunite_batch_requests",
        "reunite_queue_depth",
        "reunite_shed",
        "reunite_store_repeats",
        "reunite_store_transaction_seconds",
        "reunite_requests",
        "reunite_contacts",
        "reunite_identities",
    }


def test_each_word_is_there_before_it_first_happens() -> None:
    values = scrape()
    for outcome in ("created", "extended", "merged", "known", "refused", "kept_apart", "blocked"):
        assert ("reunite_requests_total", frozenset({("outcome", outcome)})) in values
    for reason in ("full", "late", "closing"):
        assert ("reunite_shed_total", frozenset({("reason", reason)})) in values


def test_contacts_and_identities_are_those_of_the_store_at_this_moment() -> None:
    values = scrape()
    assert value(values, "reunite_contacts") == 3
    assert value(values, "reunite_identities") == 2


def test_a_store_that_does_not_answer_costs_only_its_own_two_figures() -> None:
    values = read(metrics.render(None)[0])
    assert not any(name == "reunite_contacts" for name, _ in values)
    assert value(values, "reunite_queue_depth") >= 0


def test_a_request_is_counted_under_its_method_route_and_status() -> None:
    labels = {
        "http_request_method": "POST",
        "http_route": "/counted",
        "http_response_status_code": "503",
    }
    metrics.observe_http_request("POST", "/counted", 503, 0.0004)
    metrics.observe_http_request("POST", "/counted", 503, 9.0)
    values = scrape()
    name = "http_server_request_duration_seconds"
    assert value(values, f"{name}_bucket", le="0.0005", **labels) == 1
    assert value(values, f"{name}_bucket", le="10.0", **labels) == 2
    assert value(values, f"{name}_count", **labels) == 2


@pytest.mark.parametrize("method", ["BREW", "post", "X" * 500])
def test_an_invented_method_makes_no_series_of_its_own(method: str) -> None:
    metrics.observe_http_request(method, "/invented", 405, 0.001)
    methods = {
        dict(labels).get("http_request_method")
        for _, labels in scrape()
        if ("http_route", "/invented") in labels
    }
    assert methods == {"_OTHER"}


def python(code: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_any_worker_answers_for_all_and_a_dead_one_holds_no_queue(tmp_path: Path) -> None:
    with python(OBSERVE + AND_STAY, tmp_path) as one, python(OBSERVE + AND_STAY, tmp_path) as other:
        for worker in (one, other):
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
        both = read(python(RENDER, tmp_path).communicate(timeout=30)[0])
        other.kill()
        other.wait()
        left = read(python(RENDER, tmp_path).communicate(timeout=30)[0])
        one.communicate(b"\n", timeout=30)
    assert value(both, "reunite_queue_depth") == 14
    assert value(left, "reunite_queue_depth") == 7
    for values in (both, left):
        assert value(values, "reunite_requests_total", outcome="created") == 10
        assert value(values, "reunite_batch_requests_count", stage="write") == 2
        assert value(values, "reunite_batch_requests_bucket", stage="write", le="32.0") == 0
        assert value(values, "reunite_batch_requests_bucket", stage="write", le="64.0") == 2
