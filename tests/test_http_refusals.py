"""Bad input is refused with a problem that says what would be right; nothing is written."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

import reunite
from reunite.http.request import ONE_LIMIT
from reunite.http.routes import BATCH_LIMIT
from reunite.repositories import Store
from reunite.settings import Settings
from server import wait_until
from serving import Served, serve

KEPT = {"email": "kept@example.com", "phoneNumber": "555"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return reunite.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'reunite.db'}")


@pytest.fixture(scope="module")
def serving(store: Store) -> Iterator[Served]:
    with serve(store, Settings(request_timeout=2)) as served:
        served.post(KEPT)
        yield served


@pytest.fixture
def served(serving: Served, store: Store) -> Iterator[Served]:
    """A server whose store is seen to be the same after the test."""
    before = store.totals()
    yield serving
    assert store.totals() == before


def require_problem(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert problem["status"] == status
    assert str(problem["type"]).startswith("urn:reunite:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["requestId"] == answer.headers["x-request-id"]
    return problem


ONE = {"email": "new@example.com"}
NEW: dict[str, object] = {
    "/identify": ONE,
    "/identify/batch": [ONE],
    "/lookup": {"email": "kept@example.com"},
    "/explain": {"a": {"contactId": 1}, "b": {"contactId": 1}},
    "/blocks": {"identifier": ONE},
    "/constraints/remove": {"a": ONE, "b": {"contactId": 1}},
    "/held/1/allow": {},
}

BAD_FIELDS = {
    "no @": (b'{"email": "fooexample.com"}', "email"),
    "two @": (b'{"email": "a@b@example.com"}', "email"),
    "no dot": (b'{"email": "foo@localhost"}', "email"),
    "blank inside": (b'{"email": "f oo@example.com"}', "email"),
    "long e-mail": (b'{"email": "%s@example.com"}' % (b"f" * 250), "email"),
    "NUL": (rb'{"email": "foo\u0000@example.com"}', "email"),
    "lone high surrogate": (rb'{"email": "\ud800"}', "email"),
    "lone high surrogate before text": (rb'{"email": "\ud800 foo@example.com"}', "email"),
    "lone low surrogate": (rb'{"email": "foo\udc00@example.com"}', "email"),
    "e-mail as number": (b'{"email": 5}', "email"),
    "e-mail as boolean": (b'{"email": false}', "email"),
    "e-mail as array": (b'{"email": ["foo@example.com"]}', "email"),
    "e-mail as object": (b'{"email": {"a": 1}}', "email"),
    "phone as boolean": (b'{"phoneNumber": true}', "phoneNumber"),
    "fraction": (b'{"phoneNumber": 1.5}', "phoneNumber"),
    "whole fraction": (b'{"phoneNumber": 1.0}', "phoneNumber"),
    "exponent": (b'{"phoneNumber": 1e3}', "phoneNumber"),
    "infinite": (b'{"phoneNumber": 1e999}', "phoneNumber"),
    "negative": (b'{"phoneNumber": -5}', "phoneNumber"),
    "33 digits": (b'{"phoneNumber": %s}' % (b"1" * 33), "phoneNumber"),
    "5000 digits": (b'{"phoneNumber": %s}' % (b"9" * 5000), "phoneNumber"),
    "5000 digits below zero": (b'{"phoneNumber": -%s}' % (b"9" * 5000), "phoneNumber"),
    "60000 digits as text": (b'{"phoneNumber": "%s"}' % (b"9" * 60000), "phoneNumber"),
    "no digit": (b'{"phoneNumber": "+-()"}', "phoneNumber"),
    "letters": (b'{"phoneNumber": "call me 5"}', "phoneNumber"),
    "phone as array": (b'{"phoneNumber": [5]}', "phoneNumber"),
    "a good one beside a bad one": (
        b'{"email": "a@example.com", "phoneNumber": "x"}',
        "phoneNumber",
    ),
}

BAD_BODIES = {
    "neither": b"{}",
    "both null": b'{"email": null, "phoneNumber": null}',
    "both blank": b'{"email": "", "phoneNumber": " "}',
    "empty": b"",
    "blank": b" \n",
    "no JSON": b"email=foo@example.com",
    "cut off": b'{"email": "foo@example.com"',
    "trailing": b'{"email": "foo@example.com"} x',
    "two values": b'{"email": "foo@example.com"}{}',
    "trailing comma": b'{"email": "foo@example.com",}',
    "single quotes": b"{'email': 'foo@example.com'}",
    "NaN": b'{"phoneNumber": NaN}',
    "infinity": b'{"phoneNumber": Infinity}',
    "leading zero": b'{"phoneNumber": 0123}',
    "control character": b'{"email": "foo\x00@example.com"}',
    "not UTF-8": b'{"email": "foo\xff@example.com"}',
    "not UTF-8, where nobody looks": b'{"email": "foo@example.com", "x": "\xff"}',
    "surrogate in UTF-8": b'{"email": "foo\xed\xa0\x80@example.com"}',
    "UTF-16": '{"email": "foo@example.com"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"email": "foo@example.com"}',
    "null": b"null",
    "number": b"5",
    "huge number": b"9" * 5000,
    "string": b'"foo@example.com"',
    "array": b'[{"email": "foo@example.com"}]',
    "deep array": b"[" * 30_000 + b"]" * 30_000,
    "deep, where nobody looks": b'{"x": %s%s, "email": "foo@example.com"}'
    % (b"[" * 30000, b"]" * 30000),
    "deep and cut off": b'{"x": ' * 10_000,
}


@pytest.mark.parametrize("kind", BAD_FIELDS)
def test_a_bad_value_is_named_by_its_field(served: Served, kind: str) -> None:
    body, field = BAD_FIELDS[kind]
    problem = require_problem(served.post_raw(body), 400)
    assert problem["field"] == field
    assert problem["wrong"]
    assert problem["right"]


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_a_bad_body_is_refused(served: Served, kind: str) -> None:
    problem = require_problem(served.post_raw(BAD_BODIES[kind]), 400)
    assert problem["wrong"]
    assert problem["right"]
    assert "field" not in problem


@pytest.mark.parametrize("kind", [kind for kind in BAD_BODIES if kind != "array"])
def test_a_bad_batch_is_refused_or_its_item_is(served: Served, kind: str) -> None:
    require_problem(served.post_raw(BAD_BODIES[kind], "/identify/batch"), 400)
    if kind.startswith(("neither", "both")):
        answer = served.post_raw(b"[%s]" % BAD_BODIES[kind], "/identify/batch")
        assert answer.json()[0]["problem"]["status"] == 400


def test_the_worst_of_numbers_does_not_keep_the_others_waiting(served: Served) -> None:
    body = b"[%s]" % b",".join(b'{"phoneNumber": %s}' % (b"9" * 4000) for _ in range(250))
    items = served.post_raw(body, "/identify/batch").json()
    assert {item["problem"]["field"] for item in items} == {"phoneNumber"}


@pytest.mark.parametrize("item", [b"0", b"[]", b"{}"])
def test_a_batch_of_too_many_items_is_refused_before_they_are_looked_at(
    served: Served, item: bytes
) -> None:
    """An error for each of them took a second and 430 MB."""
    many = (BATCH_LIMIT - 2) // (len(item) + 1)
    tracemalloc.start()
    answer = served.post_raw(b"[%s]" % b",".join([item] * many), "/identify/batch")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"{many} items" in str(require_problem(answer, 400)["wrong"])
    assert most < 100_000_000


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=latin-1",
        "application/problem+json",
        "text/plain; application/json",
    ],
)
def test_another_content_type_is_refused(served: Served, content_type: str) -> None:
    answer = served.post_raw(b'{"email": "foo@example.com"}', content_type=content_type)
    require_problem(answer, 415)


def test_no_content_type_is_refused(served: Served) -> None:
    require_problem(served.client.post("/identify", content=b'{"email": "foo@example.com"}'), 415)


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", ""])
def test_a_content_encoding_is_refused(served: Served, encoding: str) -> None:
    answer = served.post_raw(b'{"email": "foo@example.com"}', content_encoding=encoding)
    require_problem(answer, 415)


def padded(size: int) -> bytes:
    return b"5" + b" " * (size - 1)


@pytest.mark.parametrize(
    ("path", "limit"), [("/identify", ONE_LIMIT), ("/identify/batch", BATCH_LIMIT)]
)
def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(
    served: Served, path: str, limit: int
) -> None:
    require_problem(served.post_raw(padded(limit), path), 400)
    problem = require_problem(served.post_raw(padded(limit + 1), path), 413)
    assert str(limit) in str(problem["right"])
    in_pieces = (padded(limit + 1)[start : start + 5000] for start in range(0, limit + 1, 5000))
    headers = {"Content-Type": "application/json"}
    require_problem(served.client.post(path, content=in_pieces, headers=headers), 413)


def head(*headers: str, target: str = "POST /identify") -> bytes:
    lines = [f"{target} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_length_beyond_the_limit_is_refused_before_the_body_came(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(head("Content-Length: 1000000000"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_is_refused_at_the_limit(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        for _ in range(ONE_LIMIT // 4096 + 1):
            connection.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_longer_than_its_length_is_cut_and_the_rest_is_no_request(served: Served) -> None:
    answer = served.exchange(head("Content-Length: 2") + b'{}{"email": "foo@example.com"}')
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(head("Content-Length: 100") + b'{"email": ')
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("sent", [b"", b'{"email": "foo@'])
def test_a_client_that_leaves_early_leaves_no_trace(
    served: Served, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    connections = count_connections()
    with closing(served.connect()) as connection:
        connection.sendall(head("Content-Length: 100") + sent)
        wait_until(lambda: count_connections() > connections, "connected", 5)
    wait_until(lambda: count_connections() <= connections, "gone", 5)
    assert served.client.get("/livez").status_code == 200
    assert caplog.records == []


def count_connections() -> int:
    import psutil

    return sum(
        1 for found in psutil.Process().net_connections("tcp") if found.status == "ESTABLISHED"
    )


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/identify", "POST"), ("/identify/batch", "POST"), ("/livez", "GET"), ("/docs", "GET")],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_a_method_that_a_path_does_not_take_is_refused(
    served: Served, path: str, allow: str, method: str
) -> None:
    if method == allow:
        return
    answer = served.client.request(method, path)
    assert answer.headers["allow"] == allow
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        require_problem(answer, 405)


@pytest.mark.parametrize("query", ["dryrun=true", "dry_run=true", "dryRun=true&x", "foo@x.co"])
@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("/identify", "only dryRun"),
        ("/identify/batch", "no query parameters"),
        ("/lookup", "no query parameters"),
        ("/explain", "no query parameters"),
        ("/blocks", "only dryRun"),
        ("/constraints/remove", "only dryRun"),
        ("/held/1/allow", "only dryRun"),
    ],
)
def test_a_query_parameter_that_a_route_does_not_take_is_refused(
    served: Served, path: str, takes: str, query: str
) -> None:
    answer = served.post(NEW[path], f"{path}?{query}")
    problem = require_problem(answer, 400)
    assert problem["right"] == takes
    assert "foo@" not in answer.text


def test_a_batch_cannot_be_tried_and_says_so(served: Served) -> None:
    answer = served.post([{"email": "new@example.com"}], "/identify/batch?dryRun=true")
    assert require_problem(answer, 400)["right"] == "no query parameters"


@pytest.mark.parametrize(
    "path",
    ["identities/1", "identities/1/history", "identities/1/graph", "constraints", "held", "blocks"],
)
def test_a_route_that_only_looks_takes_no_other_query_parameter_either(
    served: Served, path: str
) -> None:
    assert served.client.get(f"/{path}").status_code == 200
    require_problem(served.client.get(f"/{path}?Limit=1"), 400)


@pytest.mark.parametrize(
    "path", ["/", "/identify/", "/Identify", "/identity", "/docs/../identify%00"]
)
def test_a_path_that_is_not_there_is_refused(served: Served, path: str) -> None:
    require_problem(served.client.post(path, json={"email": "foo@example.com"}), 404)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        head("Transfer-Encoding: chunked") + b"zz\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_what_is_not_http_is_no_error_of_the_server(
    served: Served, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    answer = served.exchange(request_bytes)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert caplog.records == []
    assert served.client.get("/livez").status_code == 200
