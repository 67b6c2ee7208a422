"""Blocked identifiers link no one, on both stores: kept, shown, never evidence."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from audit import faults
from conftest import OpenStore
from oracle import Node, Oracle
from planted import Plan, Writer, plant
from reunite import BlockedIdentifier, Identified, IdentityTooLarge, Presented, Totals
from reunite.operations import Operations
from reunite.repositories import Store
from tables import Tables
from test_conformance import contact
from test_exhaustive import AT_ONCE, EMAILS, REQUESTS, apart, as_oracle, chunks

PlantIt = Callable[[Plan], object]
P = ("phone", "0000000000")
E = ("email", "shop@x.co")


@pytest.fixture
def import_it(store: Store, store_url: str, fresh_workspace: str) -> Iterator[PlantIt]:
    """Imports into the store; at the end the store must hold together."""
    yield lambda plan: plant(store_url, fresh_workspace, plan)
    assert faults(Tables.read(store_url, fresh_workspace)) == []


@pytest.fixture
def block(import_it: PlantIt) -> Callable[..., object]:
    return lambda *nodes: import_it(Plan([], blocked=nodes))


def recognised(store: Store, email: str | None, phone: str | None) -> Identified | None:
    return store.recognise_many([Presented(email, phone)])[0]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        ((None, "0000000000"), ("phoneNumber",)),
        ((None, "+0000000000"), ("phoneNumber",)),
        (("shop@x.co", None), ("email",)),
        (("shop@x.co", "0000000000"), ("email", "phoneNumber")),
    ],
)
def test_what_is_blocked_is_refused_where_nothing_else_is_presented(
    store: Store,
    block: Callable[..., object],
    request_: tuple[str | None, str | None],
    fields: tuple[str, ...],
) -> None:
    block(P, E)
    with pytest.raises(BlockedIdentifier) as refused:
        store.identify(*request_)
    assert refused.value.fields == fields
    assert not re.search("0000|shop", str(refused.value))
    assert recognised(store, *request_) is None
    assert store.totals() == Totals(0, 0)


def test_a_blocked_phone_comes_with_a_new_email_as_an_attribute(
    store: Store, block: Callable[..., object], store_url: str, fresh_workspace: str
) -> None:
    block(P, E)
    answer = store.identify("a@x.co", "+0000000000")
    assert (answer.outcome, contact(answer)) == (
        "created",
        (1, ["a@x.co"], ["+0000000000"], []),
    )
    assert contact(store.identify("shop@x.co", "5")) == (2, ["shop@x.co"], ["5"], [])
    assert store.identify("a@x.co", "0000000000").outcome == "known"
    tables = Tables.read(store_url, fresh_workspace)
    assert [row["anchor"] for row in tables.contacts] == ["email", "phone"]
    assert set(tables.holders()) == {("email", "a@x.co"), ("phone", "5")}
    assert tables.links == []


def test_a_blocked_phone_joins_no_one(store: Store, block: Callable[..., object]) -> None:
    block(P)
    for number, email in enumerate(["a@x.co", "b@x.co", "c@x.co"], 1):
        answer = store.identify(email, "0000000000")
        assert contact(answer) == (number, [email], ["0000000000"], [])
    assert store.totals() == Totals(contacts=3, identities=3)
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], ["0000000000"], [])


def test_a_blocked_phone_of_a_known_email_leaves_a_link_once_and_is_shown(
    store: Store, block: Callable[..., object], store_url: str, fresh_workspace: str
) -> None:
    block(P)
    store.identify("a@x.co", "7")
    assert recognised(store, "a@x.co", "0000000000") is None
    for _ in range(2):
        answer = store.identify("a@x.co", "+0000000000")
        assert (answer.outcome, contact(answer)) == (
            "known",
            (1, ["a@x.co"], ["7", "0000000000"], []),
        )
        assert recognised(store, "a@x.co", "0000000000") == answer
    tables = Tables.read(store_url, fresh_workspace)
    assert len(tables.links) == 1
    (linked,) = [row for row in tables.journal if row["type"] == "linked"]
    assert (linked["contact_id"], linked["with_contact_id"]) == (1, 1)


def test_what_links_hold_comes_behind_what_contacts_hold_by_position(
    store: Store, block: Callable[..., object]
) -> None:
    block(P, ("phone", "9"), E)
    store.identify("a@x.co", "1")
    store.identify("a@x.co", "9")
    store.identify("a@x.co", "0000000000")
    store.identify("shop@x.co", "1")
    store.identify("a@x.co", "2")
    expected = (1, ["a@x.co", "shop@x.co"], ["1", "2", "9", "0000000000"], [2])
    assert contact(store.identify(phone_number="1")) == expected
    assert contact(store.identify("shop@x.co", "1")) == expected


def test_what_a_contact_and_a_link_hold_is_shown_once_as_the_contact_has_it(
    store: Store, block: Callable[..., object]
) -> None:
    block(P)
    store.identify("a@x.co", "1")
    store.identify("a@x.co", "0000000000")
    store.identify("b@x.co", "+0000000000")
    answer = store.identify("b@x.co", "1")
    assert (answer.outcome, contact(answer)) == (
        "merged",
        (1, ["a@x.co", "b@x.co"], ["1", "+0000000000"], [2]),
    )
    assert store.identify("b@x.co", "0000000000").outcome == "known"
    assert store.identify("a@x.co", "0000000000").outcome == "known"


def test_attributes_follow_their_identity_through_a_merge(
    store: Store, block: Callable[..., object]
) -> None:
    block(P, ("phone", "9"))
    answers = store.identify_many(
        [
            ("a@x.co", "1"),
            ("b@x.co", "2"),
            ("b@x.co", "9"),
            ("a@x.co", "0000000000"),
            ("a@x.co", "2"),
            ("a@x.co", "9"),
        ]
    )
    last = answers[-1]
    assert isinstance(last, Identified)
    assert contact(last) == (1, ["a@x.co", "b@x.co"], ["1", "2", "9", "0000000000"], [2])
    assert store.identify(phone_number="2") == last


def test_only_what_is_not_blocked_counts_towards_the_limit(
    store: Store, block: Callable[..., object]
) -> None:
    block(P, ("phone", "9"))
    store.set_identity_limit(2)
    store.identify("a@x.co", "0000000000")
    store.identify("a@x.co", "9")
    assert store.identify("a@x.co", "1").outcome == "extended"
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("a@x.co", "2")
    assert (refused.value.size, refused.value.would_be) == (2, 3)
    assert store.identify("a@x.co").size == 4


def test_a_refused_item_takes_nothing_from_its_neighbours(
    store: Store, block: Callable[..., object]
) -> None:
    block(P)
    answers = store.identify_many(
        [(None, "0000000000"), ("a@x.co", "0000000000"), (None, "0000000000"), ("a@x.co", None)]
    )
    assert [getattr(answer, "outcome", type(answer)) for answer in answers] == [
        BlockedIdentifier,
        "created",
        BlockedIdentifier,
        "known",
    ]


def test_an_identifier_blocked_after_it_was_seen_links_no_one_any_more(
    store: Store, store_url: str, fresh_workspace: str
) -> None:
    store.identify("a@x.co", "1")
    plant(store_url, fresh_workspace, Plan([], blocked=[P]))
    with Writer(store_url, fresh_workspace) as writer:
        writer.run("update identifier set blocked_by = 2 where key = '1' and workspace = {}", [])
    assert contact(store.identify("b@x.co", "1")) == (2, ["b@x.co"], ["1"], [])
    assert recognised(store, None, "1") is None
    with pytest.raises(BlockedIdentifier):
        store.identify(phone_number="1")
    assert contact(store.identify("a@x.co", "1")) == (1, ["a@x.co"], ["1"], [])


def test_blocks_are_those_of_one_workspace(
    store: Store, block: Callable[..., object], open_store: OpenStore, fresh_workspace: str
) -> None:
    block(P)
    other = open_store(workspace=f"{fresh_workspace}-other")
    assert other.identify(phone_number="0000000000").outcome == "created"
    assert Operations(other).blocks() == []


def test_a_store_lists_what_it_blocks_and_since_when(
    store: Store, block: Callable[..., object], open_store: OpenStore
) -> None:
    operations = Operations(store)
    assert operations.blocks() == []
    block(("phone", "9"), P, E)
    blocks = operations.blocks()
    assert [each.identifier for each in blocks] == [E, P, ("phone", "9")]
    answer = store.identify("a@x.co", "9")
    assert answer.outcome == "created"
    assert {type(each.since) for each in blocks} == {int}
    assert len({each.since for each in blocks}) == 1


def test_the_command_line_lists_what_is_blocked(
    store: Store, block: Callable[..., object], store_url: str, fresh_workspace: str
) -> None:
    block(P, E)
    command = [sys.executable, "-m", "reunite", "block", "list", "--database", store_url]
    command += ["--workspace", fresh_workspace]
    told = subprocess.run([*command, "--json"], capture_output=True, check=True, text=True)
    items = json.loads(told.stdout)
    assert [tuple(item["identifier"].values()) for item in items] == [E, P]
    assert [item["position"] for item in items] == [1, 1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", items[0]["since"])
    shown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "shop@x.co" in shown
    assert "0000000000" in shown


# ── exhaustively ─────────────────────────────────────────────────────────────────────────────────

LENGTH = {"sqlite": 4, "postgresql": 3}


@pytest.mark.parametrize("limit", [2, 10_000])
def test_every_short_sequence_with_a_blocked_phone(
    store: Store, import_it: PlantIt, store_kind: str, limit: int
) -> None:
    store.set_identity_limit(limit)
    sequences = list(enumerate(itertools.product(REQUESTS, repeat=LENGTH[store_kind])))
    blocked = {number: _phone(number) for number, _ in sequences}
    import_it(Plan([], blocked=[("phone", key) for key in blocked.values()]))
    last_id = 0
    for chunk in chunks(sequences, AT_ONCE):
        last_id = _check(chunk, store, blocked, last_id, limit)
    assert store.totals().contacts == last_id


def _phone(number: int) -> str:
    _, phone = apart(number, (None, "1"))
    assert phone is not None
    return phone


def _check(
    chunk: tuple[tuple[int, tuple[tuple[str | None, str | None], ...]], ...],
    store: Store,
    blocked: dict[int, str],
    last_id: int,
    limit: int,
) -> int:
    requests = [(number, apart(number, pair)) for number, pairs in chunk for pair in pairs]
    answers = store.identify_many([pair for _, pair in requests])
    oracles: dict[int, tuple[Oracle, int]] = {}
    for (number, pair), answer in zip(requests, answers, strict=True):
        if number not in oracles:
            oracles[number] = (Oracle(limit), last_id)
            oracles[number][0].block(("phone", blocked[number]))
        oracle, first_id = oracles[number]
        assert as_oracle(answer, first_id) == oracle.identify(*pair), (number, pair)
        last_id = first_id + oracle.number_of_contacts
    return last_id


def test_every_short_sequence_one_by_one_with_a_blocked_email(
    store: Store, import_it: PlantIt
) -> None:
    sequences = list(enumerate(itertools.product(REQUESTS, repeat=2)))
    blocked: dict[int, Node] = {}
    for number, _ in sequences:
        email, _ = apart(number, (EMAILS[1], None))
        assert email is not None
        blocked[number] = ("email", email)
    import_it(Plan([], blocked=list(blocked.values())))
    last_id = 0
    for number, pairs in sequences:
        oracle = Oracle()
        oracle.block(blocked[number])
        for pair in pairs:
            presented = apart(number, pair)
            before = recognised(store, *presented)
            expected = oracle.identify(*presented)
            (answer,) = store.identify_many([presented])
            assert as_oracle(answer, last_id) == expected
            assert before in (None, answer)
            after = recognised(store, *presented)
            assert (after is None) == isinstance(answer, BlockedIdentifier)
        last_id += oracle.number_of_contacts
