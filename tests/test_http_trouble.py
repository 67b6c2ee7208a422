"""When the store or the lane fails, the answer says truly what was written; the log says why."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

import reunite
from reunite import (
    OutcomeUnknown,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UnsuitableStore,
)
from reunite.errors import Shed
from reunite.http import serve_app
from reunite.identifier import Presented
from reunite.identity import Identified
from reunite.lane import Answer, Lane
from reunite.repositories import Store
from reunite.repositories.repository import OnWait
from reunite.settings import Settings
from serving import Served, serve, serve_lane


class Broken:
    """A lane that fails: here what the edge makes of it is looked at, not the lane."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def submit(self, _requests: Sequence[Presented]) -> asyncio.Future[list[Answer]]:
        if isinstance(self._error, Shed):
            raise self._error
        future: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        future.set_exception(self._error)
        return future

    async def close(self) -> bool:
        return True


@pytest.fixture
def empty_store(tmp_path: Path) -> Store:
    return reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")


@contextmanager
def failing_with(error: Exception, store: Store) -> Iterator[Served]:
    with serve_lane(lambda: cast(Lane, Broken(error)), store) as served:
        yield served


ONE = {"email": "foo@example.com"}
TROUBLES = [
    (Shed("too many requests wait"), 503, "overloaded", "Nothing was written"),
    (StoreUnavailable("no connection"), 503, "store-unavailable", "Nothing was written"),
    (OutcomeUnknown("lost"), 503, "outcome-unknown", "repeating is safe"),
    (StoreFull("disk full"), 507, "store-full", "Nothing was written"),
    (StoreError("no such function"), 500, "store-failed", "log"),
    (UnsuitableStore("a pooler is between"), 503, "store-refused", "Nothing was written"),
    (RuntimeError("foo@example.com"), 500, "internal-error", "log"),
]


@pytest.mark.parametrize(("error", "status", "slug", "says"), TROUBLES)
def test_each_trouble_is_told_as_what_it_is(
    empty_store: Store, error: Exception, status: int, slug: str, says: str
) -> None:
    with failing_with(error, empty_store) as served:
        answer = served.post(ONE)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:reunite:problem:{slug}"
    assert says in answer.json()["detail"]
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "foo@" not in answer.text


@pytest.mark.parametrize(("error", "status", "slug", "says"), TROUBLES)
def test_each_trouble_is_logged_under_the_id_of_its_request(
    empty_store: Store,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    slug: str,
    says: str,
) -> None:
    with failing_with(error, empty_store) as served:
        served.client.post("/identify", json=ONE, headers={"X-Request-Id": "seen-1"})
    (record,) = [record for record in caplog.records if record.name == "reunite.http"]
    assert vars(record).items() >= {"requestId": "seen-1", "problem": slug}.items()
    assert record.levelno == (logging.ERROR if slug == "internal-error" else logging.WARNING)
    if isinstance(error, StoreError | UnsuitableStore):
        assert vars(record)["reason"] == str(error)


@pytest.mark.parametrize(
    ("error", "status"),
    [(Shed("full"), 503), (StoreUnavailable("gone"), 503), (StoreFull("full"), 507)],
)
def test_a_batch_of_which_nothing_was_taken_is_refused_as_a_whole(
    empty_store: Store, error: Exception, status: int
) -> None:
    with failing_with(error, empty_store) as served:
        answer = served.post([ONE, {"email": "nobody"}], "/identify/batch")
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_the_items_of_a_batch_whose_outcome_is_unknown_say_so_themselves(
    empty_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with failing_with(OutcomeUnknown("lost"), empty_store) as served:
        answer = served.post([ONE, {"email": "nobody"}, ONE], "/identify/batch")
    assert answer.status_code == 200
    assert [item["problem"]["status"] for item in answer.json()] == [503, 400, 503]
    assert [record.message for record in caplog.records] == ["request refused"]


def test_a_full_queue_is_told_and_not_waited_for(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    recognise_many = empty_store.recognise_many

    def wait(requests: Sequence[Presented], on_wait: OnWait) -> list[Identified | None]:
        let_go.wait(10)
        return recognise_many(requests, on_wait)

    monkeypatch.setattr(empty_store, "recognise_many", wait)
    with serve(empty_store, Settings(queue_size=2)) as served, ThreadPoolExecutor(3) as clients:
        asked = [clients.submit(served.post, {"phoneNumber": number}) for number in range(3)]
        first = next(as_completed(asked)).result()
        let_go.set()
        statuses = sorted(answer.result().status_code for answer in asked)
    assert first.json()["type"] == "urn:reunite:problem:overloaded"
    assert statuses == [200, 200, 503]


def test_a_store_that_does_not_answer_makes_the_server_not_ready_but_alive(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(empty_store) as served:
        assert served.client.get("/readyz").status_code == 200

        def fail() -> None:
            raise StoreUnavailable("the server went away")

        monkeypatch.setattr(empty_store, "check", fail)
        for path in ("/readyz", "/healthz"):
            answer = served.client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert served.client.get("/livez").status_code == 200
        metrics = served.client.get("/metrics")
        assert metrics.status_code == 200
        assert "\nreunite_contacts " not in metrics.text
        monkeypatch.undo()
        assert served.client.get("/readyz").status_code == 200
        assert "\nreunite_contacts 0.0\n" in served.client.get("/metrics").text


def test_a_store_that_hangs_does_not_hang_the_question_whether_it_does(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    looks: list[int] = []

    def hang() -> None:
        looks.append(1)
        let_go.wait(10)

    monkeypatch.setattr(empty_store, "check", hang)
    with serve(empty_store, Settings(request_timeout=0.2)) as served:
        statuses = [served.client.get("/readyz").status_code for _ in range(3)]
        let_go.set()
    assert statuses == [503, 503, 503]
    assert len(looks) == 1


def test_a_process_that_cannot_open_the_store_says_why_and_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """So a worker that is started while the store is away is followed by another."""
    monkeypatch.setenv("REUNITE_DATABASE", "sqlite:////nowhere/reunite.db")
    with pytest.raises(SystemExit) as ended:
        serve_app()
    assert ended.value.code == 1
    assert "/nowhere/reunite.db" in caplog.text
