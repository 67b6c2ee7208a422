"""The OpenAPI document is true: Schemathesis asks whatever it allows and forbids, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

import reunite
from reunite.http import create_app
from reunite.http.openapi import document
from reunite.http.problem import KINDS
from reunite.identifier import Policy
from reunite.lane import Lane
from reunite.repositories import Store
from reunite.settings import Settings
from serving import Served, serve

KEY = "secret"
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")) as served:
        yield served


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Served]:
    settings = Settings(api_keys=(KEY,))
    with serve(reunite.open(f"sqlite:///{tmp_path / 'keyed.db'}"), settings) as served:
        yield served


def schemathesis(location: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it with all its checks."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", location, "--checks=all"]
    return subprocess.run(
        [*command, "--seed=1", "--no-color", *options],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS.stem, "PYTHONPATH": str(HOOKS.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_schemathesis_finds_nothing(served: Served, tmp_path: Path) -> None:
    found = schemathesis(f"{served.url}/openapi.json", tmp_path, "--max-examples=25")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Tested: 24" in found.stdout


def test_schemathesis_finds_nothing_where_keys_are_asked_for(keyed: Served, tmp_path: Path) -> None:
    key = f"Authorization: Bearer {KEY}"
    found = schemathesis(
        f"{keyed.url}/openapi.json", tmp_path, "--phases=examples,coverage", "-H", key
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_schemathesis_finds_a_promise_that_the_server_does_not_keep(
    served: Served, tmp_path: Path
) -> None:
    promises = document(Settings())
    promises["components"]["schemas"]["Contact"]["required"].append("favouriteColour")
    (tmp_path / "promises.json").write_text(json.dumps(promises))
    found = schemathesis("promises.json", tmp_path, "--phases=examples", "--url", served.url)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "favouriteColour" in found.stdout


def test_every_kind_of_problem_is_described() -> None:
    described = json.dumps(document(Settings(api_keys=(KEY,))))
    by_path = {"not-found", "method-not-allowed", "misdirected-request"}
    for kind in KINDS.values():
        if kind.slug not in by_path:
            assert f"urn:reunite:problem:{kind.slug}`" in described, kind


def test_keys_are_described_only_where_they_are_asked_for() -> None:
    without, with_keys = document(Settings()), document(Settings(api_keys=(KEY,)))
    assert "securitySchemes" not in without["components"]
    for path, methods in with_keys["paths"].items():
        for operation in methods.values():
            is_open = path in ("/livez", "/readyz", "/healthz")
            assert ("security" in operation) != is_open
            assert ("401" in operation["responses"]) != is_open


def test_every_path_is_described_but_for_the_parts_of_the_page(served: Served) -> None:
    anything = SimpleNamespace(policy=Policy())
    app = create_app(cast(Store, anything), cast(Lane, anything), Settings())
    described = served.client.get("/openapi.json").json()["paths"]
    assert {path for path in app.paths if not path.startswith("/docs/")} == set(described)


def test_every_path_takes_the_methods_that_are_described_and_no_other(served: Served) -> None:
    for path, methods in served.client.get("/openapi.json").json()["paths"].items():
        refused: httpx.Response = served.client.request("PATCH", path)
        assert refused.status_code == 405
        assert refused.headers["allow"] == ", ".join(methods).upper()


def test_the_examples_are_what_the_server_answers(tmp_path: Path) -> None:
    paths = document(Settings())["paths"]
    with serve(reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")) as served:
        identify = paths["/identify"]["post"]
        served.post(identify["requestBody"]["content"]["application/json"]["example"])
        answer = served.post({"email": "foo@example.com", "phoneNumber": "9999999999"})
        refusal = served.post({"email": "nobody"})
    responses = identify["responses"]
    assert answer.json() == responses["200"]["content"]["application/json"]["example"]
    example = responses["400"]["content"]["application/problem+json"]["example"]
    assert refusal.json() == example | {"requestId": refusal.headers["x-request-id"]}
