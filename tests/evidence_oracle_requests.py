"""What arrives in a workspace, requests and imports, brought to nothing but its evidence.

See `evidence_oracle`. Everything is tried on a copy, which becomes the workspace unless something
refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from evidence_oracle import Constraint, Contact, Evidence, Held, Link, Person
from imported import Row, counted, taken
from oracle import Node, nodes_of

T = TypeVar("T")


class Refused(Exception):
    """Why something was not done: ``blocked``, ``constraint``, ``limit``, ``joined``, ``cannot``,
    or ``unknown`` where what is named is not there.

    ``names`` is what the refusal has to say besides.
    """

    def __init__(self, kind: str, names: Any = None) -> None:
        super().__init__(kind, names)
        self.kind, self.names = kind, names


class Answer(NamedTuple):
    outcome: str
    person: Person


class Arriving:
    """One workspace that is asked what requests and imports ask of a store."""

    def __init__(self, limit: int = 10_000) -> None:
        self.now = Evidence(limit)

    def tick(self) -> None:
        """Let time pass: what comes of one batch is of one time."""
        self.now.time += 1
        free = all_nodes(self.now) - self.now.blocked
        self.now.were_held |= {node for node in free if self.now.holders(node)}

    # ── requests ─────────────────────────────────────────────────────────────────────────────────

    def identify(self, email: str | None, phone: str | None) -> Answer:
        """Apply the rule to one request; raises `Refused`, held or blocked."""
        now, presented = self.now, nodes_of(email, phone)
        free = [node for node in presented if node not in now.blocked]
        if not free:
            raise Refused("blocked")
        together = now.components()
        known = [node for node in free if now.holders(node)]
        sides = {together[node] for node in known}
        is_new = len(known) < len(free)
        if is_new or len(sides) > 1:
            self._require_room(email or "", phone or "", frozenset(free).union(*sides))
        position = len(now.journal) + 1
        outcome = "created" if not sides else "extended" if is_new else "merged"
        if is_new:
            self._bring(position, email, phone)
        elif len(presented) == 2 and not now.is_seen(presented):
            now.links.append(link_of(position, presented, is_live=True))
            outcome = "merged" if len(sides) > 1 else "linked"
        else:
            return Answer("known", now.person_of(free[0]))
        now.journal.append(outcome)
        return Answer(outcome.replace("linked", "known"), now.person_of(free[0]))

    def _require_room(self, email: str, phone: str, joined: frozenset[Node]) -> None:
        """Hold a request that would join what is kept apart, or too much."""
        try:
            self._require_apart(joined)
            self._require_limit(joined)
        except Refused as refused:
            held = self._hold(email, phone)
            raise Refused(refused.kind, (held, refused.names)) from None

    def _require_apart(self, joined: frozenset[Node]) -> None:
        apart = self._apart(joined)
        if apart:
            raise Refused("constraint", (apart[0].a, apart[0].b, apart[0].position))

    def _apart(self, joined: frozenset[Node]) -> list[Constraint]:
        """The constraints that stand between some of these, the earliest first."""
        return sorted(
            each
            for each in self.now.constraints
            if {each.a, each.b} <= joined and self.now.stands(each)
        )

    def _require_limit(self, joined: frozenset[Node]) -> None:
        if (size := sum(type_ != "row" for type_, _ in joined)) > self.now.limit:
            raise Refused("limit", size)

    def _hold(self, email: str, phone: str) -> int:
        """The request that waits, one for each pair of keys."""
        key = email, phone.removeprefix("+")
        for held in self.now.waiting:
            if (held.email, held.phone.removeprefix("+")) == key:
                self.now.requests[held.id] += 1
                return held.id
        id_ = len(self.now.held) + 1
        self.now.held.append(Held(id_, email, phone))
        self.now.requests[id_] = 1
        return id_

    def _bring(self, position: int, email: str | None, phone: str | None) -> None:
        """A contact for what a request presents; at least one of it is new."""
        now = self.now
        free = [node for node in nodes_of(email, phone) if node not in now.blocked]
        anchor = next(node for node in free if not now.holders(node))
        now.last_id += 1
        now.contacts.append(
            Contact(position, now.last_id, now.time, email, phone, anchor, True, True)
        )

    # ── imports ──────────────────────────────────────────────────────────────────────────────────

    def adopt(self, rows: Sequence[Row]) -> None:
        """Import rows; their ids are above all that the workspace has seen."""
        self._try(lambda: self._adopt(rows))

    def _adopt(self, rows: Sequence[Row]) -> None:
        now, position = self.now, len(self.now.journal) + 1
        if not rows:
            return
        now.journal.append("imported")
        blocked = frozenset(now.blocked)
        own = taken(rows, blocked)
        before = {node for row in own for node in row.nodes if now.holders(node)} | blocked
        known = set(before)
        for row in own:
            new = [node for node in row.nodes if node not in known]
            anchor = (new or [node for node in row.nodes if node not in blocked])[0]
            past, is_new = row.created_at / 1e6, anchor not in before
            now.contacts.append(
                Contact(position, row.id, past, row.email, row.phone, anchor, is_new, False)
            )
            known |= set(row.nodes)
        for one, other in counted(rows, blocked):
            far: Node | int = (
                int(other[1]) if other[0] == "contact" else ("row", f"{position}:{other[1]}")
            )
            now.links.append(Link(position, int(one[1]), far, is_live=False))
        linked = [row.linked for row in own if row.linked is not None]
        now.last_id = max([now.last_id, *linked, *(row.id for row in rows)])
        self._require_unbroken()
        together = now.components()
        for contact in now.contacts:
            if contact.position == position:
                self._require_limit(together[now.hangs_on(contact)])

    # ── what all have in common ──────────────────────────────────────────────────────────────────

    def _try(self, change: Callable[[], T]) -> T:
        before, self.now = self.now, self.now.copy()
        try:
            return change()
        except Refused:
            self.now = before
            raise

    def _require_unbroken(self) -> None:
        broken = self.now.broken()
        if broken:
            raise Refused("constraint", (broken[0].a, broken[0].b, broken[0].position))


def link_of(position: int, ends: Iterable[Any], *, is_live: bool) -> Link:
    """A link, its ends in order."""
    a, b = sorted(ends)
    return Link(position, a, b, is_live)


def all_nodes(now: Evidence) -> set[Node]:
    return {node for contact in now.contacts for node in contact.nodes}
