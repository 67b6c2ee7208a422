"""What is asked of a store that is decided about by hand, over HTTP, and the answers read back.

Numbers (of contacts, of positions, of held requests) count from where a history begins.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from evidence_oracle import Block as Blocked
from evidence_oracle import Constraint, Person
from evidence_oracle_answers import Decided, Denied, Found, Kind, Listed, Pair
from history import Client, Reply, body_of
from oracle import Node
from reunite.operations.asked import (
    Allow,
    Asked,
    Block,
    Constrain,
    Dismiss,
    Merge,
    Unblock,
    Unconstrain,
    Undo,
    Unlink,
)
from reunite.repositories import Store
from sequential import Answer, Request
from sequential_by_hand import AnythingAsked, Decide, List, Look, Lookup, Seen

FAR = 1_000
"""Above what there is, and what there will be before a history ends."""

_KINDS = {
    "blocked-identifier": "blocked",
    "constraint-violation": "constraint",
    "identity-too-large": "limit",
    "key-reused": "reused",
    "operation-refused": "cannot",
    "still-joined": "joined",
    "unknown": "unknown",
}


class Origin(NamedTuple):
    """The highest numbers of a quiet store."""

    contact_id: int = 0
    position: int = 0
    held_id: int = 0

    def now(self, store: Store) -> Origin:
        """Where a store is that was here before."""
        with store.sight() as sight:
            held = sight.held(range(self.held_id + 1, self.held_id + FAR))
            head = sight.head
            return Origin(head.last_contact_id, head.position, self.held_id + len(held))


@dataclass(frozen=True)
class Wire:
    """Asks a server, and reads its answers as the sequential rule has them."""

    origin: Origin

    def ask(self, client: Client, asked: AnythingAsked, rng: random.Random) -> Seen | None:
        """Ask and read the answer; None where the outcome is unknown (any 503 counts so)."""
        match asked:
            case Look(contact_id):
                reply = client.get(f"/identities/{self.origin.contact_id + contact_id}")
            case List(kind):
                reply = client.get(self._path_of(kind))
            case Lookup(request):
                reply = client.post("/lookup", body_of(request, rng))
            case Decide(operation, key):
                headers = {} if key is None else {"idempotency-key": key}
                reply = client.post(*self._sent(operation), headers)
            case Request():
                reply = client.post("/identify", body_of(asked, rng))
        if reply is None or reply.status == 503:
            return None
        return self._answer(asked, reply) if reply.status == 200 else self._denied(reply.body)

    def ask_many(
        self, client: Client, requests: Sequence[Request], rng: random.Random
    ) -> list[Seen | None]:
        """Ask an array; its answers do not tell the outcome."""
        reply = client.post("/identify/batch", [body_of(request, rng) for request in requests])
        if reply is None or reply.status == 503:
            return [None] * len(requests)
        assert reply.status == 200, reply
        return [
            self._identified(None, item["contact"])
            if "contact" in item
            else self._denied(item["problem"])
            for item in reply.body
        ]

    # ── requests ─────────────────────────────────────────────────────────────────────────────────

    def _path_of(self, kind: Kind) -> str:
        match kind:
            case "constraints":
                return f"/constraints?after={self.origin.position}&limit={FAR}"
            case "held":
                return f"/held?after={self.origin.held_id}&limit={FAR}"
            case "blocks":
                return "/blocks"
        raise AssertionError(f"no path lists {kind}")

    def _sent(self, asked: Asked) -> tuple[str, dict[str, Any]]:
        """The path and the body of an operation."""
        origin, body = self.origin, dict[str, Any]()
        match asked:
            case Unlink(contact_id):
                path = f"/identities/{origin.contact_id + contact_id}/unlink"
                body = self._unlink(asked)
            case Merge(contact_id, other):
                path = f"/identities/{origin.contact_id + contact_id}/merge"
                body = {"contactId": origin.contact_id + other}
            case Undo(position):
                path = f"/journal/{origin.position + position}/undo"
            case Allow(held_id) | Dismiss(held_id):
                verb = "allow" if isinstance(asked, Allow) else "dismiss"
                path = f"/held/{origin.held_id + held_id}/{verb}"
            case Block(identifier) | Unblock(identifier):
                path = "/blocks" if isinstance(asked, Block) else "/blocks/remove"
                body = {"identifier": _member(identifier)}
            case Constrain(a, b) | Unconstrain(a, b):
                path = "/constraints" if isinstance(asked, Constrain) else "/constraints/remove"
                body = {"a": _member(a), "b": _member(b)}
        return path, body

    def _unlink(self, asked: Unlink) -> dict[str, Any]:
        body: dict[str, Any] = {"constrain": asked.constrain, "force": asked.force}
        if asked.pair is not None:
            return body | {"pair": [_member(node) for node in asked.pair]}
        if asked.identifier is not None:
            return body | {"identifier": _member(asked.identifier)}
        assert asked.position is not None
        return body | {"position": self.origin.position + asked.position}

    # ── answers ──────────────────────────────────────────────────────────────────────────────────

    def _answer(self, asked: AnythingAsked, reply: Reply) -> Seen:
        body = reply.body
        match asked:
            case Look():
                return Found((self._person(body["contact"]),))
            case Lookup():
                return Found(tuple(map(self._person, body["identities"])))
            case List(kind):
                return Listed(tuple(self._rows(kind, body[kind])))
            case Decide():
                return self._decided(body)
        return self._identified(reply.headers["reunite-outcome"], body["contact"])

    def _identified(self, outcome: str | None, contact: Mapping[str, Any]) -> Answer:
        ids, emails, phones = self._person(contact)
        return Answer(outcome, ids[0], emails, phones, ids[1:])

    def _decided(self, body: Mapping[str, Any]) -> Decided:
        position = body["position"]
        return Decided(
            None if position is None else position - self.origin.position,
            tuple(map(self._person, body["identities"])),
            tuple(map(self._constraint, body["constraints"])),
            tuple(map(self._constraint, body["lifted"])),
            _pairs(body["stillJoined"]),
            _pairs(body["unrecorded"]),
        )

    def _person(self, contact: Mapping[str, Any]) -> Person:
        ids = contact["primaryContactId"], *contact["secondaryContactIds"]
        return Person(
            tuple(id_ - self.origin.contact_id for id_ in ids),
            tuple(contact["emails"]),
            tuple(contact["phoneNumbers"]),
        )

    def _constraint(self, kept: Mapping[str, Any]) -> Constraint:
        position = kept["position"] - self.origin.position
        return Constraint(position, _node(kept["a"]), _node(kept["b"]))

    def _rows(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        origin = self.origin
        match kind:
            case "constraints":
                return [self._constraint(row) for row in rows]
            case "blocks":
                blocks = [(row["position"] - origin.position, row["identifier"]) for row in rows]
                return [Blocked(at, _node(spelt)) for at, spelt in blocks if at > 0]
            case _:
                names = ("email", "phoneNumber", "requests")
                return [
                    (row["heldId"] - origin.held_id, *(row[name] for name in names)) for row in rows
                ]

    def _denied(self, problem: Mapping[str, Any]) -> Denied | None:
        """Read a refusal; None for one of an array whose outcome is unknown."""
        if problem["status"] == 503:
            return None
        kind = _KINDS.get(problem["type"].removeprefix("urn:reunite:problem:"))
        assert kind is not None, f"a good request was answered {problem}"
        held_id = problem.get("heldId")
        held_id = None if held_id is None else held_id - self.origin.held_id
        if kind == "constraint":
            position, a, b = self._constraint(problem["constraint"])
            return Denied(kind, (held_id, (a, b, position)))
        if kind == "limit":
            primary = problem["identity"] - self.origin.contact_id
            sizes = (problem[name] for name in ("size", "wouldBe", "limit"))
            return Denied(kind, (held_id, primary, *sizes))
        return Denied(kind)


def _member(node: Any) -> dict[str, str]:
    type_, key = node
    return {"email" if type_ == "email" else "phoneNumber": key}


def _node(spelt: Mapping[str, str]) -> Node:
    return spelt["type"], spelt["value"]


def _pairs(counted: Mapping[str, Any]) -> tuple[Pair, ...]:
    pairs = tuple((_node(a), _node(b)) for a, b in counted["first"])
    assert counted["count"] == len(pairs)
    return pairs
