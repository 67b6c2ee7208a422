"""What is looked at agrees with itself and with the store, whatever was decided by hand before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest

import reunite
from reunite import BlockedIdentifier, Presented
from reunite.errors import (
    ConstraintViolation,
    IdentityTooLarge,
    InvalidOperation,
    OperationRefused,
    Unknown,
)
from reunite.evidence import Identifier
from reunite.identity import Identity
from reunite.inquiry import Explanation, Graph, History, Inquiry
from reunite.operations import (
    Allow,
    Asked,
    Block,
    Constrain,
    Merge,
    Operations,
    Unblock,
    Unconstrain,
    Undo,
    Unlink,
)
from reunite.repositories import Store

EMAILS = [f"{name}@x.co" for name in ("ada", "ben", "cyd", "dan")]
PHONES = ["1", "2", "3", "4"]
IDENTIFIERS = [
    *(Identifier("email", email) for email in EMAILS),
    *(Identifier("phone", phone) for phone in PHONES),
]
REFUSALS = (
    *(BlockedIdentifier, ConstraintViolation, IdentityTooLarge),
    *(InvalidOperation, OperationRefused, Unknown),
)


def asked(rng: random.Random, store: Store) -> Asked:
    """An operation that may or may not be possible."""
    with store.sight() as sight:
        head = sight.head
    contact_id = rng.randint(1, head.last_contact_id)
    other = rng.randint(1, head.last_contact_id)
    position = rng.randint(1, head.position)
    a, b = rng.sample(IDENTIFIERS, 2)
    asked: list[Asked] = [
        Unlink(contact_id, pair=(a, b), force=rng.random() < 0.3),
        Unlink(contact_id, identifier=a, constrain=rng.random() < 0.5),
        Unlink(contact_id, position=position),
        Undo(position),
        Undo(head.position),
        Merge(contact_id, other),
        Constrain(a, b),
        Unconstrain(a, b),
        Block(a),
        Unblock(a),
        Allow(rng.randint(1, 3)),
    ]
    return rng.choice(asked)


def step(rng: random.Random, store: Store) -> None:
    """A request or an operation, refused or not."""
    try:
        if rng.random() < 0.6:
            email, phone = rng.choice([*EMAILS, None]), rng.choice(PHONES)
            store.identify(email, phone)
        else:
            Operations(store).perform(asked(rng, store), who="Ann", why="a test")
    except REFUSALS:
        pass


@pytest.fixture(params=[*range(7), 317])
def store(request: pytest.FixtureRequest, store_url: str, fresh_workspace: str) -> Iterator[Store]:
    """A store after forty steps at random, the same on both."""
    rng = random.Random(request.param)
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.identify(EMAILS[0], PHONES[0])
        for _ in range(40):
            step(rng, store)
        yield store


def owners(inquiry: Inquiry) -> dict[Identifier, Identity]:
    """Whose each identifier is that is anybody's."""
    found = {}
    for one in IDENTIFIERS:
        is_email = one.type == "email"
        try:
            people = inquiry.lookup(
                Presented(one.key if is_email else None, None if is_email else one.key)
            )
        except BlockedIdentifier:
            continue
        if people:
            (found[one],) = people
    return found


def test_two_are_joined_by_a_chain_exactly_where_they_are_one(store: Store) -> None:
    inquiry = Inquiry(store)
    owned = owners(inquiry)
    assert owned
    for a, b in combinations(IDENTIFIERS, 2):
        try:
            explanation = inquiry.explain(a, b)
        except Unknown:
            assert a not in owned or b not in owned
            continue
        are_one = a in owned and b in owned and owned[a] == owned[b]
        assert explanation.joined == are_one, (a, b)
        check_chain(explanation, a, b)
        if not are_one:
            assert explanation.sides == (owned.get(a), owned.get(b))


def check_chain(explanation: Explanation, a: Identifier, b: Identifier) -> None:
    """Whether a chain leads from one to the other, and is of what stands or of what does not."""
    for steps in (explanation.chain, explanation.once):
        if steps:
            assert (steps[0].start.type, steps[0].start.value) == a
            assert (steps[-1].end.type, steps[-1].end.value) == b
            assert all(one.end == other.start for one, other in pairwise(steps))
    assert all(one.taken_back is None for one in explanation.chain)
    if explanation.once:
        assert any(one.taken_back is not None for one in explanation.once)


def test_every_contact_leads_to_whoever_has_it_or_what_it_hung_on(store: Store) -> None:
    inquiry = Inquiry(store)
    with store.sight() as sight:
        contacts = sight.contacts(range(1, sight.head.last_contact_id + 1))
        assert len(contacts) == sight.head.last_contact_id
    for contact in contacts:
        identity = inquiry.identity(contact.id)
        ids = (identity.primary_contact_id, *identity.secondary_contact_ids)
        if contact.identity_id is not None:
            assert contact.id in ids
        for other in ids:
            assert inquiry.identity(other) == identity


def test_a_graph_hangs_together_by_what_stands_and_has_all_that_is_answered(store: Store) -> None:
    inquiry = Inquiry(store)
    for identity in set(owners(inquiry).values()):
        graph = inquiry.graph(identity.primary_contact_id)
        own = {node.id for node in graph.nodes if not node.is_outside}
        contacts = {node.contact_id for node in graph.nodes if node.kind == "contact"}
        assert contacts >= {identity.primary_contact_id, *identity.secondary_contact_ids}
        shown = {f"email:{one}" for one in identity.emails}
        shown |= {f"phone:{one}" for one in identity.phone_numbers}
        assert shown == {one for one in own if not one.startswith(("contact:", "row:"))}
        check_connected(graph, own, f"contact:{identity.primary_contact_id}")


def check_connected(graph: Graph, own: set[str], start: str) -> None:
    """Whether all of an identity is reached by what stands, but not through what is blocked."""
    blocked = {node.id for node in graph.nodes if node.is_blocked}
    beside: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.is_standing:
            beside.setdefault(edge.start, set()).add(edge.end)
            beside.setdefault(edge.end, set()).add(edge.start)
    reached: set[str] = set()
    new = {start}
    while new:
        reached |= new
        new = {two for one in new - blocked for two in beside.get(one, ())} - reached
    # A link that stands may lead to what is blocked, and is nobody's or another's.
    assert reached - {node.id for node in graph.nodes if node.is_outside} == own


def test_a_history_has_whatever_a_graph_shows(store: Store) -> None:
    inquiry = Inquiry(store)
    for identity in set(owners(inquiry).values()):
        history = inquiry.history(identity.primary_contact_id, limit=1000)
        positions = [event.position for event in history.events]
        assert positions == sorted(set(positions))
        graph = inquiry.graph(identity.primary_contact_id)
        assert {edge.position for edge in graph.edges} <= set(positions)
        taken_back = {edge.voided.position for edge in graph.edges if edge.voided}
        assert taken_back <= set(positions)
        assert paged(inquiry, identity.primary_contact_id) == list(history.events)


def paged(inquiry: Inquiry, contact_id: int) -> list[object]:
    """A history, read in small pages."""
    events: list[object] = []
    page: History | None = None
    while page is None or page.next is not None:
        after = 0 if page is None or page.next is None else page.next
        page = inquiry.history(contact_id, after=after, limit=2)
        events += page.events
    return events


def test_what_is_foreseen_happens(store: Store) -> None:
    inquiry = Inquiry(store)
    for email in (*EMAILS, None, "new@x.co"):
        for phone in (*PHONES, "5"):
            foreseen = told(lambda: inquiry.foresee(Presented(email, phone)).contact)  # noqa: B023
            assert told(lambda: store.identify(email, phone)) == foreseen, (email, phone)  # noqa: B023


def told(act: object) -> object:
    """What is answered or refused, as far as both can be compared."""
    try:
        answer = act()  # type: ignore[operator]
    except REFUSALS as refusal:
        return type(refusal), getattr(refusal, "position", None)
    return (
        answer.primary_contact_id,
        answer.emails,
        answer.phone_numbers,
        answer.secondary_contact_ids,
    )
