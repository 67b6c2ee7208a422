"""One workspace of each store and the oracle of evidence: asked the same, and held to it."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

import reunite
from evidence_oracle import Contact, Evidence, Person
from evidence_oracle_operations import Oracle
from filled import everything
from grown import carry, verified
from imported import Row
from oracle import Node
from reunite import Presented, Totals
from reunite.evidence import Identifier
from reunite.inquiry import Inquiry
from reunite.operations import Decision, Operations
from reunite.operations.asked import Asked, Undo, Unlink
from reunite.repositories import Store
from test_import import adopt, write
from undo_words import outcome, person, told
from workspace_rows import rows

EMAILS, PHONES = ("a@x.co", "b@x.co", "c@x.co"), ("1", "2", "3")
NODES: tuple[Node, ...] = (
    *(("email", key) for key in EMAILS),
    *(("phone", key) for key in PHONES),
)
SINGLES = [Presented(key, None) for key in EMAILS] + [Presented(None, key) for key in PHONES]
Pair = tuple[str | None, str | None]
T = TypeVar("T")

CARRIED = 5
"""Of so many walks the end of one is carried from store to store."""

_numbers = itertools.count(1)


class Standing(NamedTuple):
    """Who is one, and who is whose primary, at one moment."""

    components: dict[Node, frozenset[Node]]
    primaries: dict[Node | int, int]


class Twins:
    """Two stores and what they must be: asks them, and fails where any differs."""

    def __init__(self, urls: Sequence[str], limit: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name)
        self.number = next(_numbers)
        self.workspace = f"undo-{self.number}"
        self.urls = [url or f"sqlite:///{self._path / 'reunite.db'}" for url in urls]
        self.stores = [reunite.open(url, workspace=self.workspace) for url in self.urls]
        self.oracle = Oracle()
        self.set_limit(limit)

    @property
    def now(self) -> Evidence:
        return self.oracle.now

    def close(self) -> None:
        self.assert_sound()
        if self.number % CARRIED == 0:
            self.assert_carried()
        for store in self.stores:
            store.close()
        self._folder.cleanup()

    # ── what is asked ────────────────────────────────────────────────────────────────────────────

    def set_limit(self, limit: int) -> None:
        self.now.limit = limit
        for store in self.stores:
            store.set_identity_limit(limit)

    def identify(self, pair: Pair) -> None:
        self.oracle.tick()
        expected = told(lambda: self.oracle.identify(*pair))
        for store in self.stores:
            assert told(_call(store.identify, *pair)) == expected

    def identify_many(self, pairs: Sequence[Pair]) -> None:
        self.oracle.tick()
        expected = [told(_call(self.oracle.identify, *pair)) for pair in pairs]
        for store in self.stores:
            assert [outcome(answer) for answer in store.identify_many(pairs)] == expected

    def import_rows(self, imported: Sequence[Row]) -> None:
        self.oracle.tick()
        expected = told(lambda: self.oracle.adopt(imported))
        path = write(self._path / "rows.csv", imported)
        for url in self.urls:
            kind, _ = told(_call(adopt, url, self.workspace, path))
            assert kind == ("done" if expected[0] == "done" else "stopped")

    def decide(self, asked: Asked, call: Callable[[], int | None]) -> int | None:
        """Do an operation by hand everywhere: what is tried first is what then happens.

        Returns its position.
        """
        before, people = rows(self.urls[0], self.workspace), self.now.people()
        self.oracle.tick()
        expected = told(call)
        for store in self.stores:
            tried = _attempt(store, asked, dry_run=True)
            done = _attempt(store, asked, who="Ann", why="they asked")
            assert (found := told(_give(done))) == expected, (asked, found, expected)
            if isinstance(done, Decision) and isinstance(tried, Decision):
                assert tried == msgspec.structs.replace(done, position=None), asked
                self._assert_tells_what_changed(done, people, self.now, asked)
            else:
                assert (type(tried), str(tried)) == (type(done), str(done))
        if expected[0] != "done":
            assert rows(self.urls[0], self.workspace) == before
            return None
        position: int | None = expected[1]
        return position

    def foresee(self, asked: Asked, call: Callable[[Oracle], Any]) -> None:
        """Only try an operation: it says what the evidence without it says."""
        supposed = Oracle()
        supposed.now = self.now.copy()
        supposed.tick()
        kind, names = told(lambda: call(supposed))
        tried = _attempt(self.stores[0], asked, dry_run=True)
        if isinstance(tried, Decision):
            assert kind == "done", asked
            self._assert_tells_what_changed(tried, self.now.people(), supposed.now, asked)
        else:
            assert told(_give(tried)) == (kind, names), asked

    def _assert_tells_what_changed(
        self,
        decision: Decision,
        before: set[Person],
        after: Evidence,
        asked: Asked,
    ) -> None:
        """A decision has every identity that it changed, as it is afterwards."""
        people = after.people()
        said = {person(identity) for identity in decision.identities}
        assert said <= people, (asked, said - people, people - said)
        assert people - before <= said, (asked, people - before - said)

    # ── what must hold whatever happened ─────────────────────────────────────────────────────────

    def assert_evidence_is_what_the_stores_say(self) -> None:
        now = self.now
        known = {
            node: now.person_of(node)
            for node in NODES
            if node not in now.blocked and now.holders(node)
        }
        for store in self.stores:
            self._assert_contacts(store)
            assert store.totals() == Totals(len(now.answering), len(now.people()))
            answers = zip(NODES, store.recognise_many(SINGLES), strict=True)
            assert {node: person(answer) for node, answer in answers if answer} == known
        waiting = [(*held, now.requests[held.id]) for held in now.waiting]
        held = Operations(self.stores[0]).held()
        assert [(one.id, one.email, one.phone, one.requests) for one in held] == waiting
        first, *others = [rows(url, self.workspace) for url in self.urls]
        for other in others:
            assert other == first

    def _assert_contacts(self, store: Store) -> None:
        now, inquiry = self.now, Inquiry(store)
        with store.sight() as sight:
            found = {one.id: one for one in sight.contacts([one.id for one in now.contacts])}
        for contact in now.contacts:
            row = found[contact.id]
            assert row.anchored == contact.anchor
            assert (row.voided is None) == now.stands(contact)
            assert (row.identity_id is None) == (contact.id in now.retired)
            whose = person(inquiry.identity(contact.id))
            assert whose in now.homes(contact)
            assert row.identity_id is None or row.identity_id in whose.ids

    def assert_each_piece_can_be_taken_back(self) -> None:
        """Without any one operation, or any one pair, the rest is what its evidence makes of it."""
        for position in range(1, len(self.now.journal) + 1):
            self.foresee(Undo(position), _method("undo", position))
        for contact in self.now.answering:
            if len(contact.nodes) == 2 and self.now.stands(contact):
                a, b = (Identifier(*node) for node in contact.nodes)
                ask = Unlink(contact.id, pair=(a, b), constrain=False, force=True)
                self.foresee(ask, _method("unlink_pair", contact.id, a, b, False, True))

    def assert_sound(self) -> None:
        """Verify finds nothing in either store, and the same digests."""
        first, *others = [verified(url, self.workspace) for url in self.urls]
        assert first.findings == []
        for other in others:
            assert other == first

    def assert_carried(self) -> None:
        """A full export of one store makes the same of the other."""
        one, other, workspace = *self.urls[:2], f"{self.workspace}-carried"
        carry(one, self.workspace, other, workspace, self._path / "full")
        assert everything(other, workspace) == everything(one, self.workspace)
        assert verified(other, workspace) == verified(one, self.workspace)

    # ── undo right after do ──────────────────────────────────────────────────────────────────────

    def standing(self) -> Standing:
        """Who is one now."""
        now = self.now
        nodes = [node for node in NODES if node not in now.blocked and now.holders(node)]
        together = now.components()
        primaries: dict[Node | int, int] = {node: now.person_of(node).ids[0] for node in nodes}
        for contact in now.answering:
            primaries[contact.id] = now.person(contact).ids[0]
        return Standing({node: together[node] & {*nodes} for node in nodes}, primaries)

    def assert_undo_restores(self, before: Standing, position: int) -> None:
        """Undo what was just done: all that was there before is as it was."""
        undone = self.decide(Undo(position), lambda: self.oracle.undo(position))
        assert undone is not None
        after = self.standing()
        there = set(before.components)
        assert {node: after.components[node] & there for node in there} == before.components
        assert {one: after.primaries[one] for one in before.primaries} == before.primaries


def _attempt(store: Store, asked: Asked, **how: Any) -> Decision | reunite.ReuniteError:
    try:
        return Operations(store).perform(asked, **how)
    except reunite.ReuniteError as error:
        return error


def _give(answer: Decision | reunite.ReuniteError) -> Callable[[], Decision]:
    def give() -> Decision:
        if isinstance(answer, Decision):
            return answer
        raise answer

    return give


def _call(function: Callable[..., T], *arguments: Any) -> Callable[[], T]:
    return lambda: function(*arguments)


def _method(name: str, *arguments: Any) -> Callable[[Oracle], Any]:
    return lambda oracle: getattr(oracle, name)(*arguments)


def paired(contacts: Iterable[Contact]) -> list[Contact]:
    """Those that presented two identifiers."""
    return [contact for contact in contacts if len(contact.nodes) == 2]
