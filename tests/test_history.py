"""What the recorder writes down over HTTP is what the checker needs, races included."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from faulty import RIGHT, WRONG, Atomic
from history import Mix, Recorder
from linearizability import Answer, Counterexample, Linearisation, Refusal, Rule, linearise


class StandIn(BaseHTTPRequestHandler):
    """The service's contract in front of a server in memory; between its steps others run."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Atomic
    steps: threading.Lock

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = json.loads(self.rfile.read(length))
        if self.path == "/identify":
            answer = self._identify(body)
            status = {Refusal: 409, Answer: 200}.get(type(answer), 503)
            self._send(status, _content(answer), getattr(answer, "outcome", "none"))
        else:
            answers = [self._identify(item) for item in body]
            self._send(200, [_item(answer) for answer in answers], "none")

    def _identify(self, body: dict[str, Any]) -> Answer | Refusal | None:
        phone = body["phoneNumber"]
        steps = self.service.handle((body["email"], phone if phone is None else str(phone)))
        while True:
            time.sleep(self.service.rng.uniform(0, 0.001))  # as if it were a network's delay
            with self.steps:
                try:
                    next(steps)
                except StopIteration as finished:
                    answer: Answer | Refusal | None = finished.value
                    return answer

    def _send(self, status: int, content: object, outcome: str) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("reunite-outcome", outcome)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def _content(answer: Answer | Refusal | None) -> dict[str, object]:
    if answer is None:
        return {"status": 503}
    if isinstance(answer, Refusal):
        names = ("identity", "size", "wouldBe", "limit")
        return {"status": 409, **dict(zip(names, answer, strict=True))}
    names = ("primaryContactId", "emails", "phoneNumbers", "secondaryContactIds")
    return {"contact": dict(zip(names, answer[1:], strict=True))}


def _item(answer: Answer | Refusal | None) -> dict[str, object]:
    return _content(answer) if isinstance(answer, Answer) else {"problem": _content(answer)}


@contextmanager
def served(service: Atomic) -> Iterator[str]:
    handler = type("Handler", (StandIn,), {"service": service, "steps": threading.Lock()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_server_is_not_accused_over_http(kind: type[Atomic]) -> None:
    for seed in range(4):
        limit = 3 if seed % 2 else 10_000
        with served(kind(random.Random(seed), limit)) as url:
            history = Recorder([url], Mix(seed)).record(seed)
        verdict = linearise(history, Rule(limit=limit))
        assert isinstance(verdict, Linearisation), str(verdict)


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_server_is_caught_over_http(kind: type[Atomic]) -> None:
    verdicts = []
    for seed in range(20):
        with served(kind(random.Random(seed))) as url:
            history = Recorder([url], Mix(seed)).record(seed)
        verdicts.append(linearise(history, Rule()))
        if isinstance(verdicts[-1], Counterexample):
            return
    raise AssertionError(f"{len(verdicts)} histories of a wrong server passed")


def test_a_history_has_overlaps_arrays_and_a_last_look_at_everything() -> None:
    with served(Atomic(random.Random(0))) as url:
        history = Recorder([url], Mix(7)).record(0)
    by_client = {each.client for each in history}
    assert by_client == set(range(7))
    assert any(
        one.called < other.returned and other.called < one.returned
        for one in history
        for other in history
        if one.client != other.client
    )
    assert any(each.after is not None for each in history)
    alone = [each.asked for each in history if each.client == 6]
    assert alone == Mix(7).each_alone()


def test_the_interrupt_happens_once_in_the_midst() -> None:
    calls: list[int] = []
    with served(Atomic(random.Random(0))) as url:
        Recorder([url], Mix(7), interrupt=(10, lambda: calls.append(1))).record(0)
    assert calls == [1]
