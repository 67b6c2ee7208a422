"""Who may ask: names on loopback, keys everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import reunite
from reunite.settings import Settings
from serving import Served, serve

KEYS = ("first-secret", "second-secret")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'reunite.db'}"


@pytest.fixture
def local(url: str) -> Iterator[Served]:
    with serve(reunite.open(url)) as served:
        yield served


@pytest.fixture
def keyed(url: str) -> Iterator[Served]:
    """A server that listens to others as well, as far as its settings know."""
    with serve(reunite.open(url), Settings(host="0.0.0.0", api_keys=KEYS)) as served:
        yield served


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "localhost:",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:8000",
        "[::1]:",
    ],
)
def test_on_loopback_the_server_answers_to_its_own_names(local: Served, host: str) -> None:
    assert local.client.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example.com",
        "rebound.example.com:8000",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "localhost:8000:evil",
        "localhost:x",
        "[::1",
        "0.0.0.0",
    ],
)
def test_on_loopback_a_rebound_name_reads_nothing(local: Served, host: str) -> None:
    for path in ("/livez", "/metrics", "/openapi.json", "/nothing"):
        answer = local.client.get(path, headers={"Host": host})
        assert answer.status_code == 421
    answer = local.client.post("/identify", json={"email": "a@b.c"}, headers={"Host": host})
    assert answer.status_code == 421


def test_without_a_host_nothing_is_answered(local: Served) -> None:
    assert local.exchange(b"GET /livez HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_the_address_it_was_told_to_listen_on_is_a_name_of_it(url: str) -> None:
    with serve(reunite.open(url), Settings(host="127.0.0.5")) as served:
        assert served.client.get("/livez", headers={"Host": "127.0.0.5:8000"}).status_code == 200


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_each_key_opens_every_route(keyed: Served, key: str, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {key}", "Host": "customers.example.com"}
    for path in ("/metrics", "/openapi.json", "/docs"):
        assert keyed.client.get(path, headers=headers).status_code == 200
    body = {"email": "foo@example.com"}
    assert keyed.client.post("/identify", json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer",
        "Bearer wrong",
        "Bearer first-secre",
        "Bearer first-secret,second-secret",
        "Basic first-secret",
        "first-secret",
    ],
)
def test_without_a_key_only_the_probes_are_answered(
    keyed: Served, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/livez", "/readyz", "/healthz"):
        assert keyed.client.get(path, headers=headers).status_code == 200
    for method, path in (
        ("POST", "/identify"),
        ("POST", "/identify/batch"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/docs/swagger-ui.css"),
        ("GET", "/livez/"),
        ("GET", "/nothing"),
    ):
        answer = keyed.client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="reunite"'
        assert answer.json()["type"] == "urn:reunite:problem:unauthorized"


def test_keys_are_asked_for_on_loopback_too_if_there_are_any(url: str) -> None:
    with serve(reunite.open(url), Settings(api_keys=KEYS)) as served:
        assert served.client.get("/metrics").status_code == 401


def test_a_page_of_another_origin_may_not_write(local: Served) -> None:
    """What a browser sends without asking first is refused, and asking first is, too."""
    body = b'{"email": "foo@example.com"}'
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        headers = {"Content-Type": content_type, "Origin": "https://example.com"}
        assert local.client.post("/identify", content=body, headers=headers).status_code == 415
    asking = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    answer = local.client.options("/identify", headers=asking)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
