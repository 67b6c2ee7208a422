"""POST /identify and /identify/batch answer the task's contract, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import reunite
from reunite.repositories import Store
from serving import Served, serve


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server on an empty SQLite store."""
    with serve(reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")) as served:
        yield served


def test_the_two_requests_of_the_readme_get_the_answers_of_the_readme_on_both_stores(
    store: Store,
) -> None:
    with serve(store) as served:
        first = served.post({"email": "foo@example.com", "phoneNumber": "1234567890"})
        second = served.post({"email": "foo@example.com", "phoneNumber": "9999999999"})

    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.text == (
        '{"contact":{"primaryContactId":1,"emails":["foo@example.com"],'
        '"phoneNumbers":["1234567890"],"secondaryContactIds":[]}}'
    )
    assert second.status_code == 200
    assert second.text == (
        '{"contact":{"primaryContactId":1,"emails":["foo@example.com"],'
        '"phoneNumbers":["1234567890","9999999999"],"secondaryContactIds":[2]}}'
    )


def test_a_header_says_what_the_request_did(served: Served) -> None:
    outcomes = [
        served.post(body).headers["reunite-outcome"]
        for body in (
            {"email": "a@example.com", "phoneNumber": "1"},
            {"email": "b@example.com", "phoneNumber": "2"},
            {"email": "a@example.com", "phoneNumber": "3"},
            {"email": "a@example.com", "phoneNumber": "2"},
            {"email": "b@example.com"},
        )
    ]
    assert outcomes == ["created", "created", "extended", "merged", "known"]


@pytest.mark.parametrize(
    "body",
    [
        {"email": "foo@example.com", "phoneNumber": None},
        {"email": "foo@example.com", "phoneNumber": ""},
        {"email": "foo@example.com", "phoneNumber": "  "},
        {"email": "foo@example.com"},
        {"email": " FOO@Example.com "},
        {"email": "foo@example.com", "telephone": "123", "nested": {"phoneNumber": "5"}},
    ],
)
def test_what_is_absent_or_unknown_or_spelt_differently_changes_nothing(
    served: Served, body: dict[str, object]
) -> None:
    answer = served.post(body)
    assert answer.json()["contact"]["emails"] == ["foo@example.com"]
    assert answer.json()["contact"]["phoneNumbers"] == []


@pytest.mark.parametrize(
    ("number", "phone"),
    [
        ("1234567890", "1234567890"),
        ("0", "0"),
        ("-0", "0"),
        ("18446744073709551616", "18446744073709551616"),
        ("12345678901234567890123456789012", "12345678901234567890123456789012"),
    ],
)
def test_a_number_is_the_phone_of_its_digits(served: Served, number: str, phone: str) -> None:
    answer = served.post_raw(b'{"phoneNumber": %s}' % number.encode())
    assert answer.json()["contact"]["phoneNumbers"] == [phone]
    assert served.post({"phoneNumber": phone}).headers["reunite-outcome"] == "known"


def test_an_escaped_lone_surrogate_where_nobody_looks_is_ignored(served: Served) -> None:
    answer = served.post_raw(rb'{"email": "foo@example.com", "note": "\ud800"}')
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON; Charset="utf-8"',
        "application/json; profile=x",
    ],
)
def test_json_is_taken_however_its_type_is_spelt(served: Served, content_type: str) -> None:
    answer = served.post_raw(b'{"email": "foo@example.com"}', content_type=content_type)
    assert answer.status_code == 200


def test_a_body_may_come_in_many_pieces(served: Served) -> None:
    pieces = (bytes([byte]) for byte in b'{"email": "foo@example.com"}')
    answer = served.client.post(
        "/identify", content=pieces, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200


def test_a_safe_request_id_comes_back(served: Served) -> None:
    answer = served.client.get("/livez", headers={"X-Request-Id": "order-77/step.2"})
    assert answer.headers["x-request-id"] == "order-77/step.2"


@pytest.mark.parametrize("sent", ["foo@example.com", "x" * 129, "a b", "", "+4915112345678"])
def test_another_request_id_is_replaced(served: Served, sent: str) -> None:
    answers = [served.client.get("/livez", headers={"X-Request-Id": sent}) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert sent not in ids


def test_a_batch_is_answered_in_order_as_if_its_items_came_one_by_one(served: Served) -> None:
    requests = [
        {"email": "a@example.com", "phoneNumber": "1"},
        {"email": "b@example.com", "phoneNumber": 2},
        {"email": "a@example.com", "phoneNumber": "2"},
        {"email": "b@example.com"},
    ]
    answer = served.post(requests, "/identify/batch")

    both = {
        "primaryContactId": 1,
        "emails": ["a@example.com", "b@example.com"],
        "phoneNumbers": ["1", "2"],
        "secondaryContactIds": [2],
    }
    assert answer.status_code == 200
    assert [item["contact"] for item in answer.json()[2:]] == [both, both]
    assert answer.json()[1]["contact"]["primaryContactId"] == 2
    assert list(answer.json()[0]["contact"]) == list(both)


def test_an_item_that_is_refused_takes_nothing_from_the_others(served: Served) -> None:
    items = [
        rb'{"email": "a@example.com"}',
        rb'{"email": "nobody"}',
        rb"5",
        rb'{"phoneNumber": 1.5}',
        rb'{"email": "\ud800@example.com"}',
        rb'{"phoneNumber": %s}' % (b"9" * 5000),
        rb"{}",
        rb'{"phoneNumber": "1"}',
    ]
    answer = served.post_raw(b"[" + b",".join(items) + b"]", "/identify/batch")

    assert answer.status_code == 200
    kinds = [next(iter(item)) for item in answer.json()]
    assert kinds == ["contact", *["problem"] * 6, "contact"]
    problems = [item["problem"] for item in answer.json()[1:-1]]
    assert {problem["status"] for problem in problems} == {400}
    assert [problem.get("field") for problem in problems] == [
        *("email", None, "phoneNumber", "email", "phoneNumber", None)
    ]


def test_a_thousand_items_are_taken_and_one_more_is_not(served: Served) -> None:
    items = [{"phoneNumber": number} for number in range(1000)]
    assert len(served.post(items, "/identify/batch").json()) == 1000
    refusal = served.post([*items, {"phoneNumber": 1000}], "/identify/batch")
    assert refusal.status_code == 400
    assert "1000" in refusal.json()["right"]
    assert served.post({"phoneNumber": 1000}).headers["reunite-outcome"] == "created"


@pytest.mark.parametrize("body", ["[]", "[{}]"])
def test_a_batch_of_which_nothing_can_be_taken_is_still_answered(served: Served, body: str) -> None:
    answer = served.post_raw(body.encode(), "/identify/batch")
    assert answer.status_code == 200
    assert len(answer.json()) == len(json.loads(body))


def test_an_identity_may_not_outgrow_the_limit_of_the_store(tmp_path: Path) -> None:
    repository = reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")
    repository.set_identity_limit(3)
    with serve(repository) as served:
        served.post({"email": "a@example.com", "phoneNumber": "1"})
        served.post({"email": "a@example.com", "phoneNumber": "2"})
        refusal = served.post({"email": "a@example.com", "phoneNumber": "3"})
        in_batch = served.post(
            [{"email": "a@example.com", "phoneNumber": "3"}, {"email": "b@example.com"}],
            "/identify/batch",
        )
        unchanged = served.post({"email": "a@example.com"}).json()

    assert refusal.status_code == 409
    assert refusal.headers["content-type"] == "application/problem+json"
    members = {"identity": 1, "size": 3, "wouldBe": 4, "limit": 3}
    assert refusal.json().items() >= members.items()
    assert in_batch.json()[0]["problem"].items() >= {"status": 409, **members}.items()
    assert "contact" in in_batch.json()[1]
    assert unchanged["contact"]["phoneNumbers"] == ["1", "2"]
