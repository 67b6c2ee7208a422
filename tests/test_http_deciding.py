"""What is decided by hand over HTTP: shapes, refusals, keys; on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reunite.repositories import Store
from serving import Served, serve

ANN, BEN, PHONE = {"email": "ann@x.co"}, {"email": "ben@x.co"}, {"phoneNumber": "15551234567"}


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server on a store where one phone joins Ann and Ben, contacts 1 and 2."""
    with serve(store) as served:
        for email in (ANN, BEN):
            served.post({**email, **PHONE}).raise_for_status()
        yield served


def decide(served: Served, path: str, body: object, key: str | None = None) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = served.client.post(path, json=body, headers=headers)
    return answer.status_code, answer.json()


def people(answer: Any) -> list[tuple[list[str], list[str]]]:
    return [(one["emails"], one["phoneNumbers"]) for one in answer["identities"]]


def test_a_recycled_phone_is_unlinked_and_asked_for_again_it_is_held(served: Served) -> None:
    asked = {"identifier": PHONE, "who": "ada", "why": "recycled"}

    status, tried = decide(served, "/identities/1/unlink?dryRun=true", asked)
    assert (status, tried["position"]) == (200, None)
    assert served.post(PHONE).json()["contact"]["emails"] == ["ann@x.co", "ben@x.co"]

    status, done = decide(served, "/identities/1/unlink", asked)
    assert (status, done["position"]) == (200, 3)
    assert people(done) == people(tried)
    assert people(done) == [(["ann@x.co"], []), ([], ["15551234567"]), (["ben@x.co"], [])]
    assert done["unrecorded"]["count"] == 2

    refused = served.post({**BEN, **PHONE})
    assert refused.status_code == 409
    assert refused.json()["constraint"]["position"] == 3
    assert [step["by"] for step in refused.json()["chain"]] == ["request"]
    held = served.client.get("/held").json()["held"]
    assert [one["heldId"] for one in held] == [refused.json()["heldId"]]


def test_what_was_held_is_allowed_and_that_is_undone(served: Served) -> None:
    decide(served, "/identities/1/unlink", {"pair": [BEN, PHONE]})
    held_id = served.post({**BEN, **PHONE}).json()["heldId"]

    status, allowed = decide(served, f"/held/{held_id}/allow", {"who": "ada"})
    assert (status, len(allowed["lifted"])) == (200, 1)
    assert served.client.get("/constraints").json()["constraints"] == []
    assert decide(served, f"/held/{held_id}/dismiss", {})[0] == 409

    status, _ = decide(served, f"/journal/{allowed['position']}/undo", {})
    assert status == 200
    assert len(served.client.get("/constraints").json()["constraints"]) == 1
    assert served.client.get("/held").json()["held"][0]["heldId"] == held_id
    assert decide(served, f"/held/{held_id}/dismiss", {})[0] == 200
    assert served.client.get("/held").json() == {"held": [], "next": None}


def test_the_same_key_is_answered_as_before_and_with_another_body_refused(served: Served) -> None:
    body = {"pair": [BEN, PHONE], "who": "ada"}

    first = decide(served, "/identities/1/unlink", body, "k")
    assert decide(served, "/identities/1/unlink", body, "k") == first
    status, problem = decide(served, "/identities/1/unlink", {**body, "who": "bob"}, "k")
    assert (status, problem["type"]) == (422, "urn:reunite:problem:key-reused")


def test_two_are_merged_by_hand_and_kept_apart_only_once_that_is_undone(served: Served) -> None:
    served.post({"email": "cy@x.co"})
    status, merged = decide(served, "/identities/3/merge", {"contactId": 1, "who": "ada"})
    assert (status, len(merged["identities"])) == (200, 1)

    two = {"a": {"contactId": 3}, "b": ANN}
    status, refused = decide(served, "/constraints", two)
    assert (status, refused["type"]) == (409, "urn:reunite:problem:still-joined")
    assert [step["source"] for step in refused["chain"]] == ["asserted"]
    assert "force" not in refused["detail"]

    assert decide(served, f"/journal/{merged['position']}/undo", {})[0] == 200
    assert decide(served, "/constraints", two)[0] == 200
    status, refused = decide(served, "/identities/3/merge", {"contactId": 1})
    assert (status, refused["type"]) == (409, "urn:reunite:problem:constraint-violation")
    assert decide(served, "/constraints/remove", two)[0] == 200


def test_a_blocked_phone_splits_whom_it_joined_and_joins_them_again(served: Served) -> None:
    status, split = decide(served, "/blocks", {"identifier": PHONE})
    assert (status, people(split)) == (
        200,
        [(["ann@x.co"], ["15551234567"]), (["ben@x.co"], ["15551234567"])],
    )
    assert len(served.client.get("/blocks").json()["blocks"]) == 1

    status, joined = decide(served, "/blocks/remove", {"identifier": PHONE})
    assert (status, people(joined)) == (200, [(["ann@x.co", "ben@x.co"], ["15551234567"])])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/identities/1/unlink", {}, 400),
        ("/identities/1/unlink", {"pair": [ANN]}, 400),
        ("/identities/1/unlink", {"pair": [ANN, ANN]}, 409),
        ("/identities/1/unlink", {"identifier": {"contactId": 1}}, 400),
        ("/identities/1/unlink", {"position": 1, "identifier": PHONE}, 400),
        ("/identities/1/unlink", {"position": True}, 400),
        ("/identities/1/unlink", {"position": 1, "identifier": {}}, 400),
        ("/identities/1/unlink", {"position": 1, "identifier": ""}, 400),
        ("/identities/1/unlink", {"position": 1, "identifier": False}, 400),
        ("/identities/1/unlink", {"position": 99}, 404),
        ("/identities/1/unlink", {"identifier": {"email": "nobody@x.co"}}, 404),
        ("/identities/99/unlink", {"identifier": PHONE}, 404),
        ("/identities/1/unlink", {"identifier": PHONE, "who": 7}, 400),
        ("/identities/1/unlink", {"identifier": PHONE, "why": "a\0b"}, 400),
        ("/identities/1/unlink", {"identifier": PHONE, "force": "yes"}, 400),
        ("/identities/1/merge", {"contactId": 0}, 400),
        ("/identities/1/merge", {"contactId": 99}, 404),
        ("/identities/one/merge", {"contactId": 1}, 400),
        ("/journal/0/undo", {}, 404),
        ("/journal/9223372036854775808/undo", {}, 404),
        ("/constraints", {"a": ANN, "b": ANN}, 409),
        ("/constraints", {"a": ANN}, 400),
        ("/constraints", {"a": {"contactId": 2**63}, "b": ANN}, 404),
        ("/constraints?dryRun=true", {"a": ANN, "b": {"contactId": 2**64 - 1}}, 404),
        ("/constraints/remove", {"a": {"contactId": 2**63}, "b": ANN}, 404),
        ("/constraints/remove", {"a": ANN, "b": PHONE}, 404),
        ("/blocks/remove", {"identifier": PHONE}, 404),
        ("/held/1/allow", {}, 404),
        ("/held/1/dismiss", [], 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    served: Served, path: str, body: object, status: int
) -> None:
    answered, problem = decide(served, path, body)

    assert (answered, problem["status"]) == (status, status)
    assert "x.co" not in str(problem)
    history = served.client.get("/identities/1/history").json()
    assert [event["position"] for event in history["events"]] == [1, 2]
