"""Whatever is killed while people decide by hand, each decision is made once and whole."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import reunite
from history import Client
from load import Load
from reunite.evidence import Entry, Identifier
from reunite.inquiry import Inquiry
from reunite.repositories import Store
from server import Server, wait_until
from test_crash import ROUNDS, SOON

Decided = tuple[str, int]
"""What the journal calls it, and the position that was answered."""

OPERATIONS = 7
"""Decisions about each person."""


def phone_of(n: int) -> str:
    """A phone number that nobody else posts."""
    return f"7700900{n:06}"


class Deciding:
    """One client that decides about person after person until it is told to stop.

    An answer that was lost is asked for again, under the same key.
    """

    def __init__(self, url: str) -> None:
        self.decided: list[Decided] = []
        self.people = 0
        self.lost = 0
        self._client = Client(url)
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Deciding:
        self._run = self._thread.submit(self._decide_until_stopped)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.shutdown()
        self._client.close()
        self._run.result()

    def wait_for_more(self, decisions: int) -> None:
        """Wait until so many more were answered."""
        enough = len(self.decided) + decisions
        wait_until(lambda: len(self.decided) >= enough or self._run.done(), "more decisions")

    def _decide_until_stopped(self) -> None:
        while not self._stop.is_set():
            self._decide_about(self.people)
            self.people += 1

    def _decide_about(self, n: int) -> None:
        email, phone = {"email": f"by-hand-{n}@x.co"}, {"phoneNumber": phone_of(n)}
        other = {"email": f"other-{n}@x.co"}
        one = self._post("/identify", {**email, **phone})["contact"]["primaryContactId"]
        two = self._post("/identify", other)["contact"]["primaryContactId"]
        path = f"/identities/{one}"
        merged = self._decide("asserted", f"{path}/merge", {"contactId": two})
        undone = self._decide("undone", f"/journal/{merged}/undo", {})
        self._decide("undone", f"/journal/{undone}/undo", {})
        self._decide("unlinked", f"{path}/unlink", {"pair": [email, phone]})
        self._decide("blocked", "/blocks", {"identifier": phone})
        self._decide("unblocked", "/blocks/remove", {"identifier": phone})
        self._decide("constrained", "/constraints", {"a": other, "b": phone})

    def _decide(self, type_: str, path: str, body: dict[str, Any]) -> int:
        position: int = self._post(path, body, key=f"key-{len(self.decided)}")["position"]
        self.decided.append((type_, position))
        return position

    def _post(self, path: str, body: dict[str, Any], key: str | None = None) -> Any:
        headers = {} if key is None else {"idempotency-key": key}
        while True:
            reply = self._client.post(path, body, headers)
            if reply is None:
                self.lost += 1
            elif reply.status != 503:
                assert reply.status == 200, (path, reply)
                return reply.body


def journal(store: Store) -> list[Entry]:
    with store.sight() as sight:
        return sight.entries(range(1, sight.head.position + 1))


def assert_decided_once(store: Store, deciding: Deciding) -> None:
    """Every decision has the row that was answered, and no other decision was written."""
    entries = journal(store)
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    types = {type_ for type_, _ in deciding.decided}
    written = [(entry.type, entry.position) for entry in entries if entry.type in types]
    assert written == sorted(deciding.decided, key=lambda decided: decided[1])


def assert_whole(store: Store, people: int) -> None:
    """Each person is as all decisions about it together leave it."""
    inquiry = Inquiry(store)
    for n in range(people):
        merged, alone = (
            inquiry.lookup(reunite.Presented(*pair))
            for pair in ((f"by-hand-{n}@x.co", None), (None, phone_of(n)))
        )
        assert merged[0].emails == (f"by-hand-{n}@x.co", f"other-{n}@x.co")
        assert (alone[0].emails, alone[0].phone_numbers) == ((), (phone_of(n),))
        for email in (f"by-hand-{n}@x.co", f"other-{n}@x.co"):
            chain = inquiry.explain(Identifier("email", email), Identifier("phone", phone_of(n)))
            assert not chain.joined


def test_kill_9_while_people_decide_leaves_each_decision_made_once_and_whole(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    rng = random.Random()
    with Server(store_url, tmp_path / "server.log", workspace=fresh_workspace) as server:
        with Deciding(server.url) as deciding, Load(server.url, 0) as load:
            for _ in range(2 * ROUNDS):
                deciding.wait_for_more(rng.randint(1, 2 * OPERATIONS))
                time.sleep(rng.uniform(0, 0.02))  # the moment is random, not right after an answer
                server.kill()
                assert server.start() < SOON
            load.wait_for_more(1)
            deciding.wait_for_more(OPERATIONS)
        with reunite.open(store_url, workspace=fresh_workspace) as store:
            assert_decided_once(store, deciding)
            assert_whole(store, deciding.people)
