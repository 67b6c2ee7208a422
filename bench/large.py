"""What one very large identity costs: its answer, and merging it."""

from __future__ import annotations

import http.client
import statistics
import time

import msgspec

from bench import workloads
from bench.lab import STORES, Lab
from bench.servers import Server
from reunite.repositories import Store

_REPEATS = 20


class Large(msgspec.Struct, frozen=True):
    """What a very large identity costs over HTTP on an idle server, in milliseconds.

    Attributes:
        kib: of its answer.
        small_ms: the answer of an identity of one contact, for comparison.
        answer_ms: its answer.
        merge_small_ms: merging an identity of one contact into it.
        merge_equal_ms: merging it with another of the same size.
    """

    server: str
    identifiers: int
    kib: float
    small_ms: float
    answer_ms: float
    merge_small_ms: float
    merge_equal_ms: float


def large(lab: Lab) -> list[Large]:
    """One identity of 10,000 identifiers, its limit raised, in each store."""
    rows: list[Large] = []
    contacts = lab.plan.identifiers // 2
    for kind, name in STORES.items():
        database = lab.filled(kind, 2 * contacts + _REPEATS)
        lab.tell(f"growing two identities of {lab.plan.identifiers:,} identifiers in {name}")
        with lab.opened(database) as store:
            store.set_identity_limit(10 * lab.plan.identifiers)
            grow(store, 0, contacts)
            grow(store, contacts, contacts)
        with lab.server(name, database) as server:
            rows.append(_ask(server, contacts, lab.plan.identifiers))
    return rows


def grow(store: Store, first: int, contacts: int) -> None:
    """Merge contacts into one identity, in pairs, then pairs of pairs, and so on."""
    step = 1
    while step < contacts:
        merges = [
            (workloads.email(first + place), workloads.phone(first + place + step))
            for place in range(0, contacts - step, 2 * step)
        ]
        store.identify_many(merges)
        step *= 2


def _ask(server: Server, contacts: int, identifiers: int) -> Large:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def post(email: int, phone: int) -> tuple[float, bytes]:
        body = workloads.body((workloads.email(email), workloads.phone(phone)))
        began = time.perf_counter()
        connection.request("POST", "/identify", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {answer[:200]!r}")
        return (time.perf_counter() - began) * 1000, answer

    others = range(2 * contacts, 2 * contacts + _REPEATS)
    row = Large(
        server.name,
        identifiers,
        kib=len(post(0, 0)[1]) / 1024,
        small_ms=statistics.median(post(number, number)[0] for number in others),
        answer_ms=statistics.median(post(0, 0)[0] for _ in others),
        merge_small_ms=statistics.median(post(0, number)[0] for number in others),
        merge_equal_ms=post(0, contacts)[0],
    )
    connection.close()
    return row
