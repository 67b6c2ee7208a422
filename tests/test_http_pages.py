"""What a server tells of itself: metrics by route, an access log if wanted, a page to try it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import reunite
from reunite.settings import Settings
from serving import Served, serve


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")) as served:
        yield served


def count(served: Served, **labels: str) -> float:
    families = text_string_to_metric_families(served.client.get("/metrics").text)
    named = (sample for family in families for sample in family.samples)
    return sum(
        sample.value
        for sample in named
        if sample.name == "http_server_request_duration_seconds_count"
        and sample.labels.items() >= labels.items()
    )


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("POST", "/identify", "/identify", "415"),
        ("GET", "/identify", "/identify", "405"),
        ("GET", "/livez?x=1", "/livez", "200"),
        ("GET", "/no/such/path", "none", "404"),
    ],
)
def test_requests_are_counted_by_route_and_status(
    served: Served, method: str, path: str, route: str, status: str
) -> None:
    labels = {
        "http_request_method": method,
        "http_route": route,
        "http_response_status_code": status,
    }
    before = count(served, **labels)
    served.client.request(method, path)
    assert count(served, **labels) == before + 1


def test_contacts_and_identities_are_read_from_the_store(served: Served) -> None:
    served.post({"email": "a@example.com"})
    served.post({"email": "a@example.com", "phoneNumber": "1"})
    served.post({"email": "b@example.com"})
    metrics = served.client.get("/metrics").text
    assert "\nreunite_contacts 3.0\n" in metrics
    assert "\nreunite_identities 2.0\n" in metrics


@pytest.mark.parametrize("wanted", [True, False])
def test_there_is_an_access_log_only_if_wanted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wanted: bool
) -> None:
    caplog.set_level(logging.INFO, "reunite")
    settings = Settings(access_log=wanted)
    with serve(reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}"), settings) as served:
        served.client.get("/livez", headers={"X-Request-Id": "seen-1"})
    lines = [vars(record) for record in caplog.records if record.name == "reunite.access"]
    assert len(lines) == int(wanted)
    for line in lines:
        expected = {"method": "GET", "route": "/livez", "status": 200, "requestId": "seen-1"}
        assert line.items() >= expected.items()


def test_the_page_to_try_it_needs_nothing_from_elsewhere(served: Served) -> None:
    page = served.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    linked = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert len(linked) == 3
    for path in linked:
        assert served.client.get("/" + path).status_code == 200
    assert "http" not in page.text
    assert "openapi.json" in served.client.get("/docs/page.js").text


def test_the_page_can_show_the_version_of_openapi_that_is_served(served: Served) -> None:
    assert served.client.get("/openapi.json").json()["openapi"].startswith("3.1.")
    script = served.client.get("/docs/swagger-ui-bundle.js").text
    assert "isOAS31" in script
