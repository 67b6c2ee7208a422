"""Looking over HTTP, on both stores: the routes, what they refuse, and a server that writes too."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest

import decided
from conftest import OpenStore
from reunite.errors import StoreUnavailable
from reunite.identity import Identity
from reunite.inquiry import Inquiry
from reunite.repositories import Store
from reunite.settings import Settings
from serving import Served, serve

ADA, BOB, CYD = "ada@x.co", "bob@x.co", "cyd@x.co"
PEOPLE = [(ADA, "+1555"), (ADA, "777"), (BOB, "888"), (BOB, "777"), (CYD, None)]


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """Ada and Bob, one by the phone 777: contacts 1 to 3 and a link; and Cyd, contact 4."""
    store = open_store()
    for email, phone in PEOPLE:
        store.identify(email, phone)
    return store


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    with serve(store) as served:
        yield served


@pytest.fixture
def parted(store: Store) -> Iterator[Served]:
    """The phone was taken from Ada by hand."""
    decided.unlink(store, 2, gone_with=(3,))
    with serve(store) as served:
        yield served


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem of a refusal with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    return told


# ── lookup ───────────────────────────────────────────────────────────────────────────────────────


def test_lookup_answers_whose_identifiers_are(served: Served) -> None:
    answer = served.post({"email": CYD, "phoneNumber": 888}, "/lookup")
    assert answer.status_code == 200
    assert answer.json() == {
        "identities": [
            {
                "primaryContactId": 1,
                "emails": [ADA, BOB],
                "phoneNumbers": ["+1555", "777", "888"],
                "secondaryContactIds": [2, 3],
            },
            {
                "primaryContactId": 4,
                "emails": [CYD],
                "phoneNumbers": [],
                "secondaryContactIds": [],
            },
        ]
    }


def test_lookup_of_what_nobody_has_is_not_found_and_makes_nobody(served: Served) -> None:
    for _ in range(2):
        told = problem(served.post({"email": "nobody@x.co"}, "/lookup"), 404)
        assert told["type"] == "urn:reunite:problem:unknown"
        assert "nobody@" not in str(told)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"email": "a"}', 400),
        (b'{"email": 1}', 400),
        (b'{"phoneNumber": true}', 400),
        (b'{"email": "' + b"a" * 70_000 + b'@x.co"}', 413),
    ],
)
def test_lookup_refuses_what_identify_refuses(served: Served, body: bytes, status: int) -> None:
    lookup, identify = (served.post_raw(body, path) for path in ("/lookup", "/identify"))
    named = {"requestId": lookup.headers["x-request-id"]}
    assert problem(lookup, status) == problem(identify, status) | named


def test_lookup_asks_for_plain_json(served: Served) -> None:
    for path in ("/lookup", "/explain"):
        problem(served.post_raw(b"{}", path, Content_Type="text/plain"), 415)
        problem(served.client.get(path), 405)


# ── identities ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("contact_id", [1, 2, 3])
def test_any_contact_of_an_identity_answers_all_of_it(served: Served, contact_id: int) -> None:
    answer = served.client.get(f"/identities/{contact_id}")
    assert answer.status_code == 200
    assert answer.json() == served.post({"email": ADA}).json()


@pytest.mark.parametrize("path", ["", "/history", "/graph"])
@pytest.mark.parametrize("contact_id", ["5", "0", "99999999999999999999", "9" * 400])
def test_no_such_contact_is_not_found(served: Served, path: str, contact_id: str) -> None:
    told = problem(served.client.get(f"/identities/{contact_id}{path}"), 404)
    assert told["type"] == "urn:reunite:problem:unknown"


@pytest.mark.parametrize("path", ["", "/history", "/graph"])
@pytest.mark.parametrize("contact_id", ["x", "1.0", "-1", "ada@x.co", "%D9%A3", "1%00", " 1"])
def test_what_is_no_contact_id_is_told_without_repeating_it(
    served: Served, path: str, contact_id: str
) -> None:
    told = problem(served.client.get(f"/identities/{contact_id}{path}"), 400)
    assert told["right"] == "a whole number such as 1"
    assert "ada" not in str(told)


@pytest.mark.parametrize(
    "path", ["/identities", "/identities/", "/identities/1/", "/identities/1/x"]
)
def test_other_paths_are_not_there(served: Served, path: str) -> None:
    told = problem(served.client.get(path), 404)
    assert told["type"] == "urn:reunite:problem:not-found"


def test_a_history_is_paged(served: Served) -> None:
    first = served.client.get("/identities/2/history?limit=2").json()
    assert first["primaryContactId"] == 1
    assert [event["type"] for event in first["events"]] == ["created", "extended"]
    assert first["next"] == 2
    rest = served.client.get(f"/identities/2/history?after={first['next']}").json()
    assert [event["type"] for event in rest["events"]] == ["created", "merged"]
    assert rest["next"] is None
    assert datetime.fromisoformat(rest["events"][0]["at"]).utcoffset() is not None


def test_a_query_parameter_that_is_not_known_is_refused_whatever_it_is(served: Served) -> None:
    told = problem(served.client.get("/identities/2/history?limit=2&unknown=%FF"), 400)
    assert told["right"] == "only after and limit"


def test_a_graph_is_cut_where_it_is_asked_to_be(served: Served) -> None:
    whole = served.client.get("/identities/3/graph").json()
    assert (len(whole["nodes"]), len(whole["edges"]), whole["isCut"]) == (8, 7, False)
    cut = served.client.get("/identities/3/graph?limit=3").json()
    assert (len(cut["nodes"]), cut["isCut"], cut["counts"]) == (3, True, whole["counts"])


@pytest.mark.parametrize(
    "query",
    [
        *("history?limit=0", "history?limit=1001", "history?limit=x", "history?limit="),
        *("history?after=-1", "history?after=1e3", "history?after=99999999999999999999"),
        *("history?after=1&after=2", "graph?limit=10001", "graph?limit=%D9%A3"),
    ],
)
def test_a_query_that_is_not_right_is_refused_by_name(served: Served, query: str) -> None:
    told = problem(served.client.get(f"/identities/1/{query}"), 400)
    assert told["wrong"].startswith("the query parameter ")
    assert ("limit" in told["wrong"]) == ("limit" in query)


# ── explain ──────────────────────────────────────────────────────────────────────────────────────


def explain(served: Served, a: object, b: object) -> httpx.Response:
    return served.post({"a": a, "b": b}, "/explain")


def test_why_two_are_one_is_answered_as_data_and_as_sentences(served: Served) -> None:
    told = explain(served, {"phoneNumber": "+1 (555)"}, {"contactId": 3}).json()
    assert told["joined"] is True
    assert [(step["from"]["value"], step["to"]["value"]) for step in told["chain"]] == [
        *(("+1555", ADA), (ADA, "777"), ("777", BOB)),
    ]
    assert told["chain"][0]["contactIds"] == [1]
    assert told["sentences"] == [step["sentence"] for step in told["chain"]]
    assert (told["sides"], told["constraint"], told["once"]) == ([], None, [])


def test_why_two_are_not_one_is_answered_with_what_each_has(parted: Served) -> None:
    told = explain(parted, {"email": ADA}, {"email": BOB}).json()
    assert told["joined"] is False
    assert [side["primaryContactId"] for side in told["sides"]] == [1, 2]
    assert told["constraint"]["who"] == decided.WHO
    assert told["once"][0]["takenBack"]["type"] == "unlinked"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("x", "the body is a string"),
        ([], "the body is an array"),
        ({}, "a is missing"),
        ({"a": {"email": ADA}}, "b is missing"),
        ({"a": ADA, "b": ADA}, "a is no object"),
        ({"a": {}, "b": {}}, "a has none of the three"),
        ({"a": {"email": ADA, "contactId": 1}, "b": {}}, "a has email and contactId"),
        ({"a": {"contactId": True}, "b": {}}, "a.contactId is no contact id"),
        ({"a": {"contactId": 0}, "b": {}}, "a.contactId is no contact id"),
        ({"a": {"contactId": "1"}, "b": {}}, "a.contactId is no contact id"),
    ],
)
def test_explain_says_what_is_wrong_and_where(served: Served, body: object, says: str) -> None:
    assert problem(served.post(body, "/explain"), 400)["wrong"] == says


@pytest.mark.parametrize("value", ["nobody", "a b@x.co", "", "\x00@x.co", "\ud800@x.co", 5, {}])
def test_explain_names_the_member_that_is_no_identifier(served: Served, value: object) -> None:
    body = json.dumps({"a": {"email": ADA}, "b": {"email": value}}).encode()
    told = problem(served.post_raw(body, "/explain"), 400)
    assert told["field"] == "b.email"


def test_explain_says_which_of_the_two_is_unknown(served: Served) -> None:
    for a, b, which in (
        ({"email": "nobody@x.co"}, {"contactId": 1}, "the first identifier"),
        ({"contactId": 1}, {"phoneNumber": 12345}, "the second identifier"),
        ({"contactId": 1}, {"contactId": 2**64}, "the second, contact"),
    ):
        told = problem(explain(served, a, b), 404)
        assert told["detail"].startswith(which)
        assert "nobody" not in str(told)
        assert "12345" not in str(told)


# ── what a request would do, and why it may not ──────────────────────────────────────────────────


def test_a_dry_run_answers_what_would_be_and_writes_nothing(served: Served) -> None:
    body = {"email": CYD, "phoneNumber": "777"}
    foreseen = [served.post(body, "/identify?dryRun=true").json() for _ in range(2)]
    assert foreseen[0] == foreseen[1]
    assert foreseen[0]["outcome"] == "merged"
    assert foreseen[0]["writes"]["type"] == "merged"
    assert foreseen[0]["writes"]["demotedContactId"] == 4
    done = served.post(body, "/identify?dryRun=false")
    assert done.headers["reunite-outcome"] == "merged"
    assert done.json() == {"contact": foreseen[0]["contact"]}


def test_a_dry_run_is_true_or_false(served: Served) -> None:
    for value in ("1", "TRUE", ""):
        problem(served.post({"email": CYD}, f"/identify?dryRun={value}"), 400)


@pytest.mark.parametrize("path", ["/identify", "/identify?dryRun=true"])
def test_a_request_that_a_constraint_forbids_is_told_with_the_chain(
    parted: Served, path: str
) -> None:
    told = problem(parted.post({"email": BOB, "phoneNumber": "1555"}, path), 409)
    assert told["type"] == "urn:reunite:problem:constraint-violation"
    assert told["constraint"]["position"] == 6
    assert [told["constraint"][end]["value"] for end in "ab"] == [ADA, "777"]
    assert [(step["from"]["value"], step["by"]) for step in told["chain"]] == [
        *((ADA, "contact"), ("+1555", "request"), (BOB, "link")),
    ]
    assert ("heldId" in told) == (path == "/identify")


def test_a_refusal_is_told_even_where_it_cannot_be_explained(
    parted: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(Inquiry, "chain", fail)
    told = problem(parted.post({"email": BOB, "phoneNumber": "1555"}), 409)
    assert "chain" not in told


# ── beside everything else ───────────────────────────────────────────────────────────────────────


@contextmanager
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Looks at identities that wait; tells when the first has begun."""
    let_go, begun = threading.Event(), threading.Event()
    identity = Inquiry.identity

    def wait(inquiry: Inquiry, contact_id: int) -> Identity:
        begun.set()
        let_go.wait(20)
        return identity(inquiry, contact_id)

    monkeypatch.setattr(Inquiry, "identity", wait)
    yield begun
    let_go.set()


def get(served: Served) -> httpx.Response:
    return httpx.get(f"{served.url}/identities/1", timeout=20)


def test_others_are_served_while_a_look_takes_long(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with held_up(monkeypatch) as begun:
            look = pool.submit(get, served)
            assert begun.wait(10)
            assert served.client.get("/livez").status_code == 200
            assert served.post({"email": "new@x.co"}).status_code == 200
        assert look.result().status_code == 200


def test_looks_that_are_too_many_are_shed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(store, Settings(queue_size=2)) as served, ThreadPoolExecutor(3) as pool:
        with held_up(monkeypatch):
            looks = [pool.submit(get, served) for _ in range(3)]
            shed = next(as_completed(looks)).result()
        told = problem(shed, 503)
        assert sorted(look.result().status_code for look in looks) == [200, 200, 503]
    assert told["type"] == "urn:reunite:problem:overloaded"
    assert shed.headers["retry-after"] == "1"


def test_a_look_that_takes_too_long_is_answered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(store, Settings(request_timeout=0.2)) as served, held_up(monkeypatch):
        told = problem(get(served), 503)
    assert told["type"] == "urn:reunite:problem:store-unavailable"


def test_a_store_that_fails_is_told_as_what_it_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("the server went away")

    monkeypatch.setattr(Inquiry, "lookup", fail)
    assert problem(served.post({"email": ADA}, "/lookup"), 503)["detail"].startswith("Nothing was")


def test_looking_beside_a_flood_of_merges_sees_each_identity_whole(served: Served) -> None:
    """Every look is at one moment: what it answers was true of the identity as a whole."""
    done = threading.Event()
    seen: list[dict[str, Any]] = []

    def look() -> None:
        with httpx.Client(base_url=served.url, timeout=20) as client:
            while not done.is_set():
                graph = client.get("/identities/4/graph").json()
                history = client.get("/identities/4/history?limit=1000").json()
                explained = client.post(
                    "/explain", json={"a": {"contactId": 4}, "b": {"contactId": 1}}
                ).json()
                seen.append(graph)
                check(graph, history, explained)

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        try:
            for number in range(150):
                answer = served.post({"email": f"{number}@x.co", "phoneNumber": number + 10})
                assert answer.status_code == 200
                both = {"email": CYD if number % 2 else ADA, "phoneNumber": number + 10}
                assert served.post(both).status_code == 200
            assert served.post({"email": CYD, "phoneNumber": "777"}).status_code == 200
        finally:
            done.set()
        for one in looking:
            one.result()
    assert len(seen) > 2
    assert explain(served, {"contactId": 4}, {"contactId": 1}).json()["joined"]


def check(graph: dict[str, Any], history: dict[str, Any], explained: dict[str, Any]) -> None:
    """What a look must be in itself, whatever others do meanwhile."""
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert {edge[end] for edge in graph["edges"] for end in ("from", "to")} <= nodes.keys()
    beside: dict[str, set[str]] = {}
    for edge in graph["edges"]:
        beside.setdefault(edge["from"], set()).add(edge["to"])
        beside.setdefault(edge["to"], set()).add(edge["from"])
    reached, new = set(), {"contact:4"}
    while new:
        reached |= new
        new = {other for one in new for other in beside[one]} - reached
    assert reached == nodes.keys()
    positions = [event["position"] for event in history["events"]]
    assert positions == sorted(set(positions))
    assert explained["joined"] or len(explained["sides"]) == 2
