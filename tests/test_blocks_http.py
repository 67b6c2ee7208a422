"""Blocked identifiers over HTTP: 422 alone, an attribute beside another value, counted apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import reunite
from planted import Plan, plant
from serving import Served, serve


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that blocks a phone and an e-mail."""
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    reunite.open(url).close()
    plant(url, "default", Plan([], blocked=[("phone", "000"), ("email", "shop@x.co")]))
    return url


def counted(served: Served) -> float:
    """How many requests were answered with 422 so far."""
    families = text_string_to_metric_families(served.client.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "reunite_requests_total" and sample.labels["outcome"] == "blocked"
    )


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (
            {"phoneNumber": "000"},
            {
                "detail": "phoneNumber: is blocked and links no one; "
                "present an identifier that is not blocked, alone or with it.",
                "field": "phoneNumber",
                "wrong": "is blocked and links no one",
            },
        ),
        (
            {"email": "Shop@x.co", "phoneNumber": "+000"},
            {
                "detail": "email and phoneNumber: both are blocked; "
                "present an identifier that is not blocked, alone or with it.",
                "wrong": "both are blocked",
            },
        ),
    ],
)
def test_what_is_blocked_is_a_problem_of_its_request(
    url: str, body: dict[str, str], members: dict[str, str]
) -> None:
    with serve(reunite.open(url)) as served:
        before = counted(served)
        refusal = served.post(body)
        array = served.post(
            [body, {"email": "a@x.co", **body}, {"email": "b@x.co"}], "/identify/batch"
        )
        after = counted(served)
    right = "present an identifier that is not blocked, alone or with it"
    expected = {
        "type": "urn:reunite:problem:blocked-identifier",
        "title": "What was presented is blocked",
        "status": 422,
        "right": right,
        **members,
    }
    assert refusal.status_code == 422
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.json() == expected | {"requestId": refusal.headers["x-request-id"]}
    assert array.status_code == 200
    assert array.json()[0] == {"problem": expected}
    assert array.json()[2]["contact"]["emails"] == ["b@x.co"]
    assert after - before == (2 if "email" not in body else 3)


def test_beside_another_value_it_is_shown(url: str) -> None:
    with serve(reunite.open(url)) as served:
        answers = [
            served.post({"email": email, "phoneNumber": phone})
            for email, phone in (
                ("a@x.co", "000"),
                ("b@x.co", "000"),
                ("shop@x.co", "5"),
                ("shop@x.co", "5"),
            )
        ]
    assert [answer.headers["reunite-outcome"] for answer in answers] == [
        *("created", "created", "created", "known")
    ]
    assert [answer.json()["contact"]["phoneNumbers"] for answer in answers[:2]] == [
        ["000"],
        ["000"],
    ]
    assert answers[3].json()["contact"]["emails"] == ["shop@x.co"]
