"""What looking into one very large identity costs, against reading it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import msgspec

from bench import workloads
from bench.lab import STORES, Lab
from bench.large import grow
from reunite.evidence import Identifier
from reunite.inquiry import Inquiry

_REPEATS = 11


class Looked(msgspec.Struct, frozen=True):
    """What it costs to look into a very large identity, in the store alone, in milliseconds.

    Attributes:
        steps: of the chain that explains.
        identity_ms: reading it by a contact id, as the answer has it.
        explain_ms: the chain between two of its identifiers that are far apart.
        apart_ms: that nothing joins one of its identifiers and a stranger's.
        history_ms: the first 100 events.
        graph_ms: the first 1,000 nodes.
    """

    server: str
    identifiers: int
    steps: int
    identity_ms: float
    explain_ms: float
    apart_ms: float
    history_ms: float
    graph_ms: float


def inquiry(lab: Lab) -> list[Looked]:
    """One identity of 10,000 identifiers in each store."""
    rows: list[Looked] = []
    contacts = lab.plan.identifiers // 2
    for kind, name in STORES.items():
        database = lab.filled(kind, contacts + 1)
        lab.tell(f"looking into an identity of {lab.plan.identifiers:,} identifiers in {name}")
        with lab.opened(database) as store:
            grow(store, 0, contacts)
            rows.append(_look(name, Inquiry(store), contacts))
    return rows


def _look(name: str, inquiry: Inquiry, contacts: int) -> Looked:
    first = Identifier("email", workloads.email(0))
    last = Identifier("phone", workloads.phone(contacts - 1).removeprefix("+"))
    stranger = Identifier("email", workloads.email(contacts))
    explanation = inquiry.explain(first, last)
    if not explanation.joined:
        raise RuntimeError("the identity did not grow together")
    looks: dict[str, Callable[[], object]] = {
        "identity_ms": lambda: inquiry.identity(1),
        "explain_ms": lambda: inquiry.explain(first, last),
        "apart_ms": lambda: inquiry.explain(first, stranger),
        "history_ms": lambda: inquiry.history(1),
        "graph_ms": lambda: inquiry.graph(1),
    }
    taken: dict[str, list[float]] = {look: [] for look in looks}
    for _ in range(_REPEATS):
        for look, run in looks.items():
            began = time.perf_counter()
            run()
            taken[look].append((time.perf_counter() - began) * 1000)
    medians = {look: statistics.median(milliseconds) for look, milliseconds in taken.items()}
    return Looked(name, 2 * contacts, len(explanation.chain), **medians)
