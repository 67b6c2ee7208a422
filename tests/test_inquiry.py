"""Looking without writing, on both stores: whose an identifier is, what happened, and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import decided
import reunite
from conftest import OpenStore
from filled import everything
from grown import grow
from reunite import BlockedIdentifier, Identified, Presented
from reunite.bulk import importing
from reunite.bulk.progress import Progress
from reunite.bulk.reading import sources_of
from reunite.errors import ConstraintViolation, IdentityTooLarge, InvalidIdentifier, Unknown
from reunite.evidence import Identifier, Void
from reunite.inquiry import Explanation, History, Inquiry
from reunite.repositories import Store

ADA, BOB, CYD = "ada@x.co", "bob@x.co", "cyd@x.co"
RECYCLED = Identifier("phone", "777")


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """Ada and Bob, who are one by a phone: contacts 1 to 3 and a link; and Cyd, contact 4."""
    store = open_store()
    store.identify(ADA, "+1555")
    store.identify(ADA, "777")
    store.identify(BOB, "888")
    store.identify(BOB, "777")
    store.identify(CYD)
    return store


@pytest.fixture
def inquiry(store: Store) -> Inquiry:
    return Inquiry(store)


@pytest.fixture
def unlinked(store: Store) -> int:
    """The phone taken from Ada, by hand: the position of that."""
    return decided.unlink(store, 2, gone_with=(3,))


@pytest.fixture
def blocked(store: Store) -> int:
    """The phone blocked, by hand, which frees Bob."""
    return decided.block(store, RECYCLED, gone=(3,))


def told(explanation: Explanation) -> list[str]:
    """Its sentences without days."""
    return [re.sub(r"\d{4}-\d\d-\d\d", "a day", one) for one in explanation.sentences]


def types(history: History) -> list[tuple[int, str]]:
    return [(event.position, event.type) for event in history.events]


# ── lookup and identity ──────────────────────────────────────────────────────────────────────────


def test_identifiers_are_looked_up_by_their_keys(store: Store, inquiry: Inquiry) -> None:
    (found,) = inquiry.lookup(Presented(None, "1555"))
    known = store.identify(BOB)
    assert found.primary_contact_id == 1
    assert found.phone_numbers == ("+1555", "777", "888")
    assert (found.emails, found.secondary_contact_ids) == (known.emails, (2, 3))


def test_identifiers_of_two_people_find_both_the_older_first(inquiry: Inquiry) -> None:
    found = inquiry.lookup(Presented(CYD, "888"))
    assert [one.primary_contact_id for one in found] == [1, 4]


def test_identifiers_of_one_person_find_one(inquiry: Inquiry) -> None:
    assert len(inquiry.lookup(Presented(ADA, "888"))) == 1


def test_what_nobody_has_finds_nobody(inquiry: Inquiry) -> None:
    assert inquiry.lookup(Presented("nobody@x.co", "999")) == []


def test_what_is_blocked_finds_nobody_beside_what_is_not(inquiry: Inquiry, blocked: int) -> None:
    (found,) = inquiry.lookup(Presented(BOB, "777"))
    assert found.primary_contact_id == 3
    with pytest.raises(BlockedIdentifier) as refused:
        inquiry.lookup(Presented(None, "777"))
    assert refused.value.fields == ("phoneNumber",)


def test_looking_up_answers_what_identifying_does(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    """Of a store that grew by requests, imports and blocks."""
    grow(store_url, fresh_workspace, 7, tmp_path)
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        inquiry = Inquiry(store)
        for number in range(60):
            presented = Presented(f"e{number}@example.com", None)
            found = inquiry.lookup(presented)
            if not found:
                continue
            known = store.identify(presented.email)
            assert [
                (one.emails, one.phone_numbers, one.secondary_contact_ids) for one in found
            ] == [(known.emails, known.phone_numbers, known.secondary_contact_ids)]
            for id_ in (known.primary_contact_id, *known.secondary_contact_ids):
                assert inquiry.identity(id_) == found[0]


@pytest.mark.parametrize("contact_id", [1, 2, 3])
def test_every_contact_leads_to_its_identity(inquiry: Inquiry, contact_id: int) -> None:
    assert inquiry.identity(contact_id).primary_contact_id == 1


def test_a_contact_whose_pair_was_taken_back_is_where_its_anchor_is(
    inquiry: Inquiry, unlinked: int
) -> None:
    found = inquiry.identity(2)
    assert (found.primary_contact_id, found.emails, found.phone_numbers) == (
        2,
        (BOB,),
        ("777", "888"),
    )


def test_a_retired_contact_leads_to_whoever_has_what_it_hung_on(
    store: Store, inquiry: Inquiry
) -> None:
    with store.transaction() as transaction:
        (second,) = transaction.contacts({2})
        (holder,) = transaction.holders({RECYCLED})
        transaction.put(
            [second._replace(identity_id=None, voided=9), holder._replace(contact_id=3)]
        )
    assert inquiry.identity(2).secondary_contact_ids == (3,)


@pytest.mark.parametrize("contact_id", [5, 0, -1, 2**63, 2**70])
def test_what_never_was_a_contact_is_unknown(inquiry: Inquiry, contact_id: int) -> None:
    for ask in (inquiry.identity, inquiry.history, inquiry.graph):
        with pytest.raises(Unknown, match=f"contact {contact_id} is not in the store"):
            ask(contact_id)


def test_a_row_that_an_import_left_out_is_unknown_and_that_is_said(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    grow(store_url, fresh_workspace, 7, tmp_path)
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        with store.sight() as sight:
            there = {contact.id for contact in sight.contacts(range(1000, 1020))}
        missing = min(set(range(1000, 1020)) - there)
        with pytest.raises(Unknown, match="left out by an import"):
            Inquiry(store).identity(missing)


# ── history ──────────────────────────────────────────────────────────────────────────────────────


def test_a_history_has_every_contact_link_and_merge(inquiry: Inquiry) -> None:
    history = inquiry.history(3)
    assert types(history) == [(1, "created"), (2, "extended"), (3, "created"), (4, "merged")]
    merge = history.events[-1]
    assert merge.demoted_contact_id == 3
    assert merge.contact_ids == (3, 2)
    (link,) = merge.brought
    assert (link.what, [one.value for one in link.identifiers]) == ("link", [BOB, "777"])
    (contact,) = history.events[0].brought
    assert (contact.contact_ids, contact.source, contact.voided) == ((1,), "presented", None)
    assert [one.value for one in contact.identifiers] == [ADA, "+1555"]


def test_a_history_is_paged_by_position(inquiry: Inquiry) -> None:
    first = inquiry.history(1, limit=3)
    assert (len(first.events), first.next) == (3, 3)
    rest = inquiry.history(1, after=3, limit=3)
    assert (types(rest), rest.next) == ([(4, "merged")], None)
    assert inquiry.history(1, limit=4).next is None
    assert inquiry.history(1, after=4).events == ()


def test_both_sides_of_a_split_tell_of_it(inquiry: Inquiry, unlinked: int) -> None:
    assert types(inquiry.history(1)) == [(1, "created"), (2, "extended"), (6, "unlinked")]
    assert types(inquiry.history(3)) == [
        *((2, "extended"), (3, "created"), (4, "merged")),
        (6, "unlinked"),
    ]
    split = inquiry.history(1).events[-1]
    assert (split.who, split.why) == (decided.WHO, decided.WHY)
    (ended,) = split.ended
    assert (ended.what, ended.contact_ids, ended.position) == ("contact", (2,), 2)
    (constraint,) = split.brought
    assert constraint.what == "constraint"
    assert [one.value for one in constraint.identifiers] == [ADA, "777"]
    (extended,) = inquiry.history(1).events[1].brought
    assert extended.voided is not None
    assert (extended.voided.position, extended.voided.type) == (unlinked, "unlinked")


def test_what_was_undone_says_so(store: Store, inquiry: Inquiry, unlinked: int) -> None:
    undone = decided.undo(store, 2, unlinked, back_into=1)
    history = inquiry.history(1)
    assert types(history)[-2:] == [(unlinked, "unlinked"), (undone, "undone")]
    by_position = {event.position: event for event in history.events}
    taken_back = by_position[unlinked].voided
    assert taken_back is not None
    assert (taken_back.position, taken_back.type) == (undone, "undone")
    assert by_position[undone].undid == unlinked
    assert by_position[2].brought[0].voided is None


def test_a_block_is_in_the_history_of_both_that_it_parts(inquiry: Inquiry, blocked: int) -> None:
    for contact_id in (1, 3):
        event = inquiry.history(contact_id).events[-1]
        assert (event.type, event.position) == ("blocked", blocked)
        assert [(item.what, item.identifiers[0].value) for item in event.brought] == [
            ("block", "777")
        ]


def test_what_happened_to_a_blocked_identifier_elsewhere_is_nobody_s_history(
    store: Store, inquiry: Inquiry, blocked: int
) -> None:
    store.identify("dan@x.co", "777")
    store.identify(CYD, "777")
    assert inquiry.history(1).events[-1].position == blocked


# ── explain ──────────────────────────────────────────────────────────────────────────────────────


def test_two_that_are_one_are_explained_by_the_shortest_chain(inquiry: Inquiry) -> None:
    explanation = inquiry.explain("+1 555", " BOB@x.co")
    assert explanation.joined
    assert told(explanation) == [
        "+1555 and ada@x.co were presented together in contact 1 on a day",
        "ada@x.co and 777 were presented together in contact 2 on a day",
        "777 and bob@x.co were presented together on a day",
    ]
    first, second, third = explanation.chain
    assert (first.start.value, first.end.value, first.end.type) == ("+1555", ADA, "email")
    assert [step.position for step in explanation.chain] == [1, 2, 4]
    assert (second.by, second.contact_ids, second.source) == ("contact", (2,), "presented")
    assert (third.by, third.contact_ids) == ("link", ())


def test_contacts_stand_for_what_they_hang_on(inquiry: Inquiry) -> None:
    by_contact = inquiry.explain(3, 2)
    assert by_contact == inquiry.explain("#3", "#2")
    assert [(step.start.value, step.end.value) for step in by_contact.chain] == [(BOB, "777")]


def test_an_identifier_is_joined_with_itself(inquiry: Inquiry) -> None:
    explanation = inquiry.explain(ADA, 1)
    assert (explanation.joined, explanation.chain) == (True, ())
    assert explanation.sentences == ("both are ada@x.co",)


def test_a_repeat_of_known_identifiers_is_told_as_one(store: Store, inquiry: Inquiry) -> None:
    store.identify(BOB, "1555")
    assert told(inquiry.explain(BOB, "1555")) == [
        "bob@x.co and +1555 were presented together again on a day"
    ]


def test_of_two_that_are_not_one_it_is_told_what_each_has(inquiry: Inquiry) -> None:
    explanation = inquiry.explain(ADA, CYD)
    assert not explanation.joined
    assert told(explanation) == [
        "nothing joins ada@x.co and cyd@x.co",
        "ada@x.co is of contact 1, who has ada@x.co, bob@x.co, +1555, 777, 888",
        "cyd@x.co is of contact 4, who has cyd@x.co",
    ]
    one, other = explanation.sides
    assert one is not None
    assert other is not None
    assert (one.secondary_contact_ids, other.emails) == ((2, 3), (CYD,))
    assert explanation.constraint is None
    assert explanation.once == ()


def test_of_two_that_were_parted_it_is_told_by_whom_and_what_keeps_them_apart(
    inquiry: Inquiry, unlinked: int
) -> None:
    explanation = inquiry.explain(ADA, BOB)
    assert not explanation.joined
    constraint = explanation.constraint
    assert constraint is not None
    assert (constraint.a.value, constraint.b.value, constraint.position) == (ADA, "777", unlinked)
    assert (constraint.type, constraint.who, constraint.why) == (
        "unlinked",
        decided.WHO,
        decided.WHY,
    )
    assert [step.position for step in explanation.once] == [2, 4]
    voided, standing = explanation.once
    assert voided.taken_back is not None
    assert (voided.taken_back.position, voided.taken_back.who) == (unlinked, decided.WHO)
    assert standing.taken_back is None
    assert told(explanation)[3:] == [
        "ada@x.co and 777 must not be one person: a constraint of position 6 by Ann on a day: "
        "the phone was recycled",
        "what joined them: ada@x.co and 777 were presented together in contact 2 on a day (taken "
        "back at position 6 by Ann on a day: the phone was recycled); 777 and bob@x.co were "
        "presented together on a day",
    ]


def test_a_blocked_identifier_joins_nobody_and_belongs_to_nobody(
    inquiry: Inquiry, blocked: int
) -> None:
    explanation = inquiry.explain(ADA, "777")
    assert not explanation.joined
    one, other = explanation.sides
    assert one is not None
    assert other is None
    assert "777 is blocked: it links no one" in explanation.sentences
    parted = inquiry.explain(ADA, BOB)
    assert not parted.joined
    assert [step.position for step in parted.once] == [2, 4]
    assert [step.taken_back.position for step in parted.once if step.taken_back] == [blocked] * 2
    assert "(blocked at position 6 by Ann on a day" in told(parted)[-1]


def test_what_joined_two_is_found_through_a_third_that_they_left(
    store: Store, inquiry: Inquiry
) -> None:
    """The phone is left alone: neither side has a contact that presented it."""
    decided.unlink(store, 2)
    with store.transaction() as transaction:
        position = transaction.head.position + 1
        (link,) = transaction.links({RECYCLED})
        (third,) = transaction.contacts({3})
        transaction.put(
            [
                link._replace(voided=position),
                third._replace(identity_id=3),
                Void(position, "link", link.position, 0, *link.a, *link.b),
                decided.entry(transaction, "unlinked", identities=1),
            ]
        )
    explanation = inquiry.explain("1555", "888")
    assert [step.position for step in explanation.once] == [1, 2, 4, 3]
    taken_back = [step.taken_back for step in explanation.once]
    assert [one and one.position for one in taken_back] == [None, 6, 7, None]


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        ("nobody@x.co", ADA, "the first identifier is not in the store"),
        (ADA, "12345", "the second identifier is not in the store"),
        ("#9", ADA, "the first, contact 9 is not in the store"),
        (ADA, 9, "the second, contact 9 is not in the store"),
    ],
)
def test_what_is_unknown_is_named_by_its_side_and_never_by_its_value(
    inquiry: Inquiry, a: str, b: Any, says: str
) -> None:
    with pytest.raises(Unknown) as refused:
        inquiry.explain(a, b)
    assert says in str(refused.value)
    assert "nobody" not in str(refused.value)
    assert "12345" not in str(refused.value)


@pytest.mark.parametrize("text", ["", " ", "a@", "abc", "#x", "#", "a b@x.co"])
def test_what_is_neither_is_refused(inquiry: Inquiry, text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        inquiry.explain(text, ADA)


def test_of_equally_short_chains_the_earliest_is_told(store: Store, inquiry: Inquiry) -> None:
    for email, phone in (("m@x.co", "1"), ("m@x.co", "2"), ("n@x.co", "2"), ("n@x.co", "1")):
        store.identify(email, phone)
    (m_to_1, to_n) = inquiry.explain("m@x.co", "n@x.co").chain
    # By 2 it is two steps as well, both in a contact; by 1 the first is earlier.
    assert (m_to_1.end.value, m_to_1.by, to_n.by) == ("1", "contact", "link")


def test_an_import_is_told_as_what_it_was(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    source = tmp_path / "people.csv"
    source.write_text(
        "id,email,phone,linkedId,createdAt\n"
        "1,a@x.co,,,2019-03-01\n2,b@x.co,,1,2019-03-02\n"
        "3,c@x.co,,9,2019-03-03\n4,d@x.co,4,9,2019-03-04\n"
    )
    place = importing.Store(store_url, fresh_workspace)
    importing.run_import(place, importing.Import(sources_of([str(source)])), Progress())
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        inquiry = Inquiry(store)
        assert told(inquiry.explain("a@x.co", "b@x.co")) == [
            "row 2 named row 1 as the same in the import of a day, which joins a@x.co and b@x.co"
        ]
        assert told(inquiry.explain("c@x.co", "4")) == [
            "row 3 named row 9 as the same in the import of a day, which joins c@x.co and row 9",
            "row 4 named row 9 as the same in the import of a day, which joins row 9 and d@x.co",
            "d@x.co and 4 were presented together in contact 4 on a day, as the import of a day "
            "has it",
        ]
        assert "on 2019-03-04, as the import" in inquiry.explain("d@x.co", "4").sentences[0]
        assert [event.type for event in inquiry.history(1).events] == ["imported"]
        rows = [node for node in inquiry.graph(3).nodes if node.kind == "row"]
        assert [node.value for node in rows] == ["1:9"]


# ── graph ────────────────────────────────────────────────────────────────────────────────────────


def test_a_graph_has_what_was_presented_and_what_ties_it(inquiry: Inquiry) -> None:
    graph = inquiry.graph(2)
    assert {node.id for node in graph.nodes} == {
        *("contact:1", "contact:2", "contact:3"),
        *("email:ada@x.co", "email:bob@x.co", "phone:1555", "phone:777", "phone:888"),
    }
    assert [node.contact_id for node in graph.nodes if node.is_primary] == [1]
    links = [
        (edge.start, edge.end, edge.is_standing) for edge in graph.edges if edge.kind == "link"
    ]
    assert links == [("email:bob@x.co", "phone:777", True)]
    anchors = [(edge.start, edge.end) for edge in graph.edges if edge.is_anchor]
    assert anchors == [
        ("contact:1", "email:ada@x.co"),
        ("contact:2", "phone:777"),
        ("contact:3", "email:bob@x.co"),
    ]
    assert (graph.counts.identifiers, graph.counts.contacts, graph.counts.edges) == (5, 3, 7)
    assert not graph.is_cut
    assert not any(node.is_outside or node.is_blocked for node in graph.nodes)


def test_what_was_taken_back_leads_outside(inquiry: Inquiry, unlinked: int) -> None:
    graph = inquiry.graph(1)
    outside = {node.id for node in graph.nodes if node.is_outside}
    assert outside == {"contact:2", "phone:777"}
    (voided,) = [edge for edge in graph.edges if not edge.is_standing]
    assert (voided.start, voided.end) == ("contact:2", "email:ada@x.co")
    assert voided.voided is not None
    assert voided.voided.position == unlinked


def test_what_is_blocked_is_marked_and_leads_to_nobody(inquiry: Inquiry, blocked: int) -> None:
    graph = inquiry.graph(1)
    assert {node.id for node in graph.nodes if node.is_blocked} == {"phone:777"}
    assert not any(node.is_outside for node in graph.nodes)
    assert "email:bob@x.co" not in {node.id for node in graph.nodes}


def test_a_graph_is_cut_to_its_limit_and_says_so(inquiry: Inquiry) -> None:
    graph = inquiry.graph(1, limit=3)
    assert [node.id for node in graph.nodes] == ["contact:1", "email:ada@x.co", "phone:1555"]
    assert graph.is_cut
    assert len(graph.edges) == 2
    assert (graph.counts.identifiers, graph.counts.contacts, graph.counts.edges) == (5, 3, 7)
    assert not inquiry.graph(1, limit=8).is_cut


# ── what a request would do ──────────────────────────────────────────────────────────────────────


def requests() -> list[tuple[str | None, str | None]]:
    emails = [None, ADA, BOB, CYD, "new@x.co", "nobody1000@example.com"]
    phones = [None, "777", "+888", "999", "+9991000"]
    return [(email, phone) for email in emails for phone in phones if email or phone]


@pytest.mark.parametrize("state", ["as presented", "unlinked", "blocked"])
def test_what_is_foreseen_happens(
    store: Store, inquiry: Inquiry, state: str, request: pytest.FixtureRequest
) -> None:
    if state != "as presented":
        request.getfixturevalue(state)
    for email, phone in requests():
        foreseen = outcome_of(lambda: inquiry.foresee(Presented(email, phone)))  # noqa: B023
        with store.sight() as sight:
            before = sight.head
        done = outcome_of(lambda: store.identify(email, phone))  # noqa: B023
        with store.sight() as sight:
            after = sight.head
        if isinstance(done, Exception):
            assert type(foreseen) is type(done), (email, phone)
            continue
        assert foreseen.outcome == done.outcome, (email, phone)
        assert foreseen.contact.emails == done.emails
        assert foreseen.contact.phone_numbers == done.phone_numbers
        assert foreseen.contact.secondary_contact_ids == done.secondary_contact_ids
        assert (foreseen.writes.type is not None) == (after.position > before.position)
        assert len(foreseen.writes.contacts) == after.contacts - before.contacts


def outcome_of(act: Any) -> Any:
    """What it answers, or what it refuses with."""
    try:
        return act()
    except (BlockedIdentifier, ConstraintViolation, IdentityTooLarge) as refusal:
        return refusal


def test_what_is_foreseen_on_a_grown_store_happens(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    grow(store_url, fresh_workspace, 11, tmp_path)
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        inquiry = Inquiry(store)
        for number in range(40):
            presented = Presented(f"e{number}@example.com", f"+{100 + number * 3 % 60}")
            foreseen = outcome_of(lambda: inquiry.foresee(presented))  # noqa: B023
            done = outcome_of(lambda: store.identify(presented.email, presented.phone))  # noqa: B023
            assert isinstance(done, Identified)
            assert (foreseen.outcome, foreseen.contact.emails) == (done.outcome, done.emails)
            assert foreseen.contact.phone_numbers == done.phone_numbers


def test_what_would_be_written_is_told(inquiry: Inquiry) -> None:
    writes = inquiry.foresee(Presented(CYD, "777")).writes
    assert (writes.type, writes.contacts, writes.demoted_contact_id) == ("merged", (), 4)
    assert [[one.value for one in pair] for pair in writes.links] == [[CYD, "777"]]
    (contact,) = inquiry.foresee(Presented(CYD, "444")).writes.contacts
    assert (contact.contact_id, contact.email, contact.phone_number) == (5, CYD, "444")
    assert inquiry.foresee(Presented(ADA, None)).writes.type is None


def test_a_request_past_the_limit_is_foreseen_as_refused(store: Store, inquiry: Inquiry) -> None:
    store.set_identity_limit(5)
    with pytest.raises(IdentityTooLarge) as refused:
        inquiry.foresee(Presented(ADA, "999"))
    assert (refused.value.would_be, refused.value.held_id) == (6, None)


def test_looking_leaves_everything_as_it_was(
    store: Store, inquiry: Inquiry, store_url: str, fresh_workspace: str
) -> None:
    before = everything(store_url, fresh_workspace)
    inquiry.lookup(Presented(ADA, "777"))
    inquiry.identity(3)
    inquiry.history(3)
    inquiry.graph(3)
    inquiry.explain(ADA, CYD)
    for email, phone in requests():
        outcome_of(lambda: inquiry.foresee(Presented(email, phone)))  # noqa: B023
    assert everything(store_url, fresh_workspace) == before


# ── what explains a refusal ──────────────────────────────────────────────────────────────────────


def test_a_refusal_by_a_constraint_is_explained_by_what_it_would_have_joined(
    store: Store, inquiry: Inquiry, unlinked: int
) -> None:
    refusal = ConstraintViolation(("email", ADA), ("phone", "777"), unlinked)
    chain = inquiry.chain(refusal, Presented(BOB, "1555"))
    assert [(step.start.value, step.by, step.end.value) for step in chain] == [
        (ADA, "contact", "+1555"),
        ("+1555", "request", BOB),
        (BOB, "link", "777"),
    ]
    assert chain[1].position is None
    assert chain[1].sentence == "+1555 and bob@x.co come together in the request that was refused"


def test_a_refusal_that_nothing_explains_any_more_has_no_chain(
    store: Store, inquiry: Inquiry, unlinked: int
) -> None:
    refusal = ConstraintViolation(("email", ADA), ("phone", "777"), unlinked)
    assert inquiry.chain(refusal) == ()
