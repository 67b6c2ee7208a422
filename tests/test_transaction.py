"""Single identities looked into and changed, on both stores: at one moment, under the lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import apsw
import psycopg
import pytest

import filled
from conftest import OpenStore
from reunite import StoreError, StoreUnavailable, repositories
from reunite.bulk.engine import Engine
from reunite.evidence import (
    Block,
    Constraint,
    Contact,
    Demotion,
    Entry,
    Held,
    Holder,
    Identifier,
    Link,
    Row,
    Void,
)
from reunite.repositories import Store
from reunite.repositories.sight import DAY
from reunite.repositories.table import TABLES
from reunite.repositories.transaction import Answered, Provenance, Sight
from reunite.url import sqlite_path

PATIENCE = 10.0  # seconds until a test gives up waiting for a fact
YEAR_1 = -62_135_596_800_000_000
YEAR_9999 = 253_402_300_799_999_999

A, B = Identifier("email", "a@example.com"), Identifier("email", "b@example.com")
ONE, TWO = Identifier("phone", "15550001"), Identifier("phone", "15550002")
SPAM = Identifier("email", "no-reply@example.com")


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """Two people, joined by a third request: contacts 1 and 2, a link of position 3."""
    store = open_store()
    store.identify(A.key, "+" + ONE.key)
    store.identify(B.key, "+" + TWO.key)
    store.identify(A.key, "+" + TWO.key)
    return store


def entry(position: int, type_: str, at: int, last_contact_id: int = 2) -> Entry:
    """A row of the journal by hand."""
    totals = 2, 1, last_contact_id
    return Entry(position, type_, at, None, None, None, None, *totals, "Ann", "a typing error")


def by_hand(at: int) -> list[Row]:
    """What operations of positions 4 and 5 wrote, one row of each table and more."""
    return [
        Void(4, "contact", 2, 2),
        Void(4, "link", 3, 0, *A, *TWO),
        Void(4, "held", 3),
        Contact(2, 1, at, B.key, "+" + TWO.key, 2, "presented", "email", 4),
        Contact(3, None, at, B.key, "15550002", 4, "asserted", "phone", 5),
        Contact(4, 1, at, None, "+" + TWO.key, 4, "asserted", "phone"),
        Link(*A, *B, "asserted", 4, at),
        Link(*A, "row", "5:99", "imported", 5, at, 0, 0),
        Link(*A, *B, "imported", 5, at, 1, 2),
        Constraint(*A, *TWO, 4),
        Constraint(*B, *ONE, 4, 5),
        Constraint(*A, *B, 5),
        Block(*SPAM, 4, 5),
        Block(*SPAM, 5),
        Holder(*SPAM, None, 5),
        Held(3, at, at, 2, A.key, "+" + TWO.key, "constraint", *A, *TWO, 4, 4),
        Held(4, at, at, 1, B.key, "+" + ONE.key, "limit"),
        Held(5, at, at, 1, A.key, ONE.key, "limit"),
        Demotion(2, 5),
        entry(5, "blocked", at),
        entry(4, "unlinked", at),
    ]


def kept(rows: Sequence[Row], kind: type[Row], *fields: tuple[str, object]) -> list[Any]:
    """The rows of a kind that have these values, in order of their table's key."""
    found = [
        row
        for row in rows
        if isinstance(row, kind) and all(getattr(row, name) == value for name, value in fields)
    ]
    return sorted(found, key=TABLES[kind].key)


def strangers(count: int, *, first: int = 1000) -> Iterator[Row]:
    """Contacts of identities of their own, each with what it holds and a link to the next."""
    for id_ in range(first, first + count):
        yield Contact(id_, id_, id_, f"{id_}@example.com", f"+{id_}", 4, "imported", "email")
        yield Holder("email", f"{id_}@example.com", id_)
        yield Holder("phone", str(id_), id_)
        yield Link("email", f"{id_}@example.com", "row", f"4:{id_}", "imported", 4, id_)


# ── what a sight shows ───────────────────────────────────────────────────────────────────────────


def test_what_requests_brought_is_seen_by_every_key_that_it_has(store: Store) -> None:
    with store.sight() as sight:
        one, two = sight.contacts([2, 1, 1, 77])
        assert (one.id, one.identity_id, one.email, one.phone) == (1, 1, A.key, "+" + ONE.key)
        assert (two.position, two.source, two.anchor, two.voided) == (2, "presented", "email", None)
        assert sight.members([1]) == [one, two]
        assert sight.members([2]) == []
        (link,) = sight.links([TWO])
        assert sight.links([A, TWO, A]) == [link]
        assert (link.a, link.b, link.source, link.position) == (A, TWO, "presented", 3)
        assert sight.holders([TWO, A, SPAM]) == [Holder(*A, 1), Holder(*TWO, 2)]
        assert [found.type for found in sight.entries([3, 1])] == ["created", "merged"]
        assert sight.demotions([1, 2]) == sight.entries([3])
        assert sight.presenting([TWO]) == [two]
        assert (sight.head.position, sight.head.contacts, sight.head.identities) == (3, 2, 1)
        assert sight.head.at == link.at <= sight.at
        assert sight.identity_limit == 10_000
        assert sight.policy == store.policy


def test_a_store_without_anything_has_a_sight(open_store: OpenStore) -> None:
    with open_store().sight() as sight:
        assert sight.head.position == 0
        assert sight.contacts([1]) == sight.members([]) == []
        assert sight.standing_blocks() == []


def test_what_is_put_is_found_by_every_key_that_it_has(store: Store) -> None:
    with store.transaction() as transaction:
        rows = by_hand(transaction.at)
        transaction.put(rows)
        check_found(transaction, rows)
    with store.sight() as sight:
        check_found(sight, rows)


def check_found(sight: Sight, rows: list[Row]) -> None:
    contacts = kept(rows, Contact)
    assert sight.contacts([2, 3, 4]) == contacts
    assert sight.members([1])[1:] == [contacts[0], contacts[2]]
    assert sight.voided([B, TWO]) == sight.voided([TWO]) == contacts[:2]
    assert sight.voided([A]) == []
    assert sight.presenting([TWO, SPAM]) == contacts
    assert sight.contacts_brought(4) == contacts[1:]
    assert sight.links([B]) == kept(rows, Link, ("b_type", "email"))
    assert sight.links([Identifier("row", "5:99")]) == kept(rows, Link, ("b_type", "row"))
    assert sight.links_brought(5) == kept(rows, Link, ("position", 5))
    assert sight.links_brought(3) == []
    assert sight.holders([SPAM]) == kept(rows, Holder)
    assert sight.entries([4, 5]) == kept(rows, Entry)
    assert [found.position for found in sight.demotions([2])] == [3, 5]
    of_held = kept(rows, Void, ("target", "held"))
    assert sight.voids_of([2, 3]) == [void for void in kept(rows, Void) if void not in of_held]
    assert sight.voids_of_held([held.id for held in kept(rows, Held)]) == of_held
    assert sight.voids_by([4]) == kept(rows, Void)
    assert sight.constraints([TWO]) == kept(rows, Constraint, ("b_key", TWO.key))
    assert sight.constraints([A]) == kept(rows, Constraint, ("a_key", A.key))
    assert sight.constraints_by([4]) == kept(rows, Constraint, ("position", 4))
    assert sight.blocks([SPAM]) == kept(rows, Block)
    assert sight.blocks_by([5]) == sight.standing_blocks() == kept(rows, Block, ("position", 5))
    assert sight.held([3, 4]) == kept(rows, Held)[:2]
    assert sight.waiting(0, 9) == kept(rows, Held)[1:]


def test_constraints_and_held_requests_come_in_pages(store: Store) -> None:
    with store.transaction() as transaction:
        rows = by_hand(transaction.at)
        transaction.put([*rows, Constraint(*A, *ONE, 4)])
    with store.sight() as sight:
        # Two are of position 4; a page does not part them.
        assert [row.position for row in sight.standing_constraints(0, 1)] == [4, 4]
        assert [row.position for row in sight.standing_constraints(4, 1)] == [5]
        assert sight.standing_constraints(5, 1) == []
        assert [row.id for row in sight.waiting(0, 1)] == [4]
        assert [row.id for row in sight.waiting(4, 1)] == [5]


def test_what_an_import_knew_of_its_rows_is_told(
    store_url: str, fresh_workspace: str, open_store: OpenStore, tmp_path: Any
) -> None:
    with (
        Engine(64 << 20, tmp_path) as engine,
        repositories.loading(store_url, workspace=fresh_workspace) as loading,
    ):
        filled.load_people(engine, loading, range(1, 4))
        columns = ("contact_id", "position", "source_id", "linked_id")
        told = [(2, 1, "old-2", None), (3, 1, None, "2")]
        loading.write("provenance", filled.rows(engine, columns, *told))
        loading.commit()
    with open_store().sight() as sight:
        assert sight.provenances([1, 2, 3]) == list(map(Provenance._make, told))
        assert [contact.id for contact in sight.contacts_brought(1)] == [1, 2, 3]


@pytest.mark.parametrize("at", [YEAR_1, -1, 0, 1_700_000_000_123_457, YEAR_9999])
def test_times_come_back_to_the_microsecond(store: Store, at: int) -> None:
    with store.transaction() as transaction:
        transaction.put(by_hand(at))
        assert [contact.created_at for contact in transaction.contacts([3, 4])] == [at, at]
        assert transaction.held([4])[0].at == transaction.entries([5])[0].at == at


def test_a_sight_shows_one_moment_whatever_is_written_meanwhile(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    with store.sight() as sight:
        other.identify("late@example.com")
        with other.transaction() as transaction:
            transaction.put([Holder(*SPAM, None, 1)])
        assert sight.head.position == 0
        assert sight.holders([SPAM, Identifier("email", "late@example.com")]) == []
    with store.sight() as sight:
        assert len(sight.holders([SPAM, Identifier("email", "late@example.com")])) == 2


def test_whoever_identifies_is_not_kept_waiting_by_a_sight(store: Store) -> None:
    with store.sight() as sight:
        assert store.identify(A.key, "+" + ONE.key).outcome == "known"
        assert store.identify("c@example.com").outcome == "created"
        assert sight.contacts([3]) == []


def test_threads_take_turns_with_sights(store: Store) -> None:
    seen: list[list[Contact]] = []

    def look() -> None:
        with store.sight() as sight:
            seen.append(sight.contacts([1]))

    with store.sight() as sight:
        others = [threading.Thread(target=look) for _ in range(4)]
        for other in others:
            other.start()
        mine = sight.contacts([1])
        assert seen == []
    for other in others:
        other.join(PATIENCE)
    assert seen == [mine] * 4


def test_nothing_can_be_asked_of_a_sight_that_has_ended(store: Store) -> None:
    with store.sight() as sight:
        pass
    with pytest.raises(StoreError, match="has ended"):
        sight.contacts([1])


def test_a_closed_store_has_no_sights(store: Store) -> None:
    with store.sight():
        pass
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"), store.sight():
        pass


# ── what a transaction does ──────────────────────────────────────────────────────────────────────


def test_a_transaction_sees_what_was_committed_until_it_had_the_lock(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    has_begun, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with other.transaction() as transaction:
            transaction.put([Holder(*SPAM, None, 1), entry(1, "blocked", transaction.at)])
            has_begun.set()
            assert may_end.wait(PATIENCE)

    writer = threading.Thread(target=write)
    writer.start()
    assert has_begun.wait(PATIENCE)
    threading.Timer(0.2, may_end.set).start()
    with store.transaction() as transaction:
        assert transaction.holders([SPAM]) == [Holder(*SPAM, None, 1)]
        assert transaction.head.position == 1
        assert transaction.at >= transaction.head.at
    writer.join()


def test_nobody_identifies_while_a_transaction_is_open(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(other.identify("c@example.com").primary_contact_id)
    )
    with store.transaction() as transaction:
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
        transaction.put(
            [
                Contact(41, 41, transaction.at, SPAM.key, None, 1, "asserted", "email"),
                entry(1, "asserted", transaction.at, last_contact_id=41),
            ]
        )
    asking.join(PATIENCE)
    # It took its number from what the transaction wrote.
    assert answers == [42]


def test_an_error_leaves_nothing_of_a_transaction(store: Store) -> None:

    def write_and_fail() -> None:
        with store.transaction() as transaction:
            transaction.put(by_hand(transaction.at))
            transaction.forget([A])
            transaction.answer(Answered("key", "digest", transaction.at, "{}"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with store.sight() as sight:
        assert sight.head.position == 3
        assert sight.voids_by([4]) == []
        assert sight.waiting(0, 9) == []
        assert sight.standing_blocks() == []
        assert sight.holders([A, SPAM]) == [Holder(*A, 1)]
        assert sight.answered("key") is None
    assert store.identify(A.key, "+" + ONE.key).outcome == "known"


def test_what_the_store_refuses_is_not_committed_in_part(store: Store) -> None:
    wrong = Link(*B, *A, "asserted", 4, 0)  # a is not before b

    def write_on() -> None:
        with store.transaction() as work:
            with pytest.raises(StoreError):
                work.put([entry(4, "asserted", work.at), wrong])
            with pytest.raises(StoreError, match="this transaction failed"):
                work.put([entry(4, "asserted", work.at)])

    with pytest.raises(StoreError, match="this transaction failed"):
        write_on()
    with store.sight() as sight:
        assert sight.entries([4]) == []
    assert store.identify("c@example.com").outcome == "created"


def test_putting_a_row_twice_leaves_it_as_it_was_put_last(store: Store) -> None:
    with store.transaction() as transaction:
        rows = by_hand(transaction.at)
        transaction.put(rows)
        transaction.put(rows)
        later = Held(4, transaction.at, transaction.at, 7, B.key, ONE.key, "limit")
        transaction.put([Holder(*SPAM, 1, 5), Holder(*SPAM, 2, None), later])
    with store.sight() as sight:
        assert sight.holders([SPAM]) == [Holder(*SPAM, 2)]
        assert sight.held([4]) == [later]
        assert sight.voids_by([4]) == kept(rows, Void)


def test_what_is_forgotten_can_be_new_again(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put([Holder(*SPAM, None, 3)])
        transaction.forget([SPAM, TWO])
        assert transaction.holders([SPAM, ONE, TWO]) == [Holder(*ONE, 1)]
    assert store.identify(SPAM.key).outcome == "created"


def test_thirty_thousand_of_anything_are_written_and_found(store: Store) -> None:
    count = 30_000
    rows = list(strangers(count))
    ids = range(1000, 1000 + count)
    with store.transaction() as transaction:
        transaction.put(rows)
    with store.transaction() as transaction:
        transaction.put(rows)
        identifiers = [holder.identifier for holder in kept(rows, Holder)]
        assert transaction.contacts(ids) == transaction.members(ids) == kept(rows, Contact)
        assert transaction.presenting(identifiers) == transaction.contacts_brought(4)
        assert transaction.holders(identifiers) == kept(rows, Holder)
        assert transaction.links(identifiers) == kept(rows, Link)
        transaction.forget(identifiers)
        assert transaction.holders(identifiers) == []


def flags(store_url: str, workspace: str) -> tuple[bool, bool]:
    """Whether the workspace is said to have blocks, and constraints."""
    query = "select has_blocks, has_constraints from {}workspace where name = '{}'"
    if store_url.startswith("sqlite"):
        with closing(apsw.Connection(sqlite_path(store_url))) as connection:
            has_blocks, has_constraints = connection.execute(query.format("", workspace)).get
    else:
        with psycopg.connect(store_url) as live:
            found = live.execute(query.format("reunite.", workspace).encode()).fetchone()
            assert found is not None
            has_blocks, has_constraints = found
    return bool(has_blocks), bool(has_constraints)


def test_the_workspace_says_whether_it_has_blocks_and_constraints(
    store: Store, store_url: str, fresh_workspace: str
) -> None:
    steps: list[tuple[Callable[[Any], None], tuple[bool, bool]]] = [
        (lambda work: work.put([Constraint(*A, *B, 4, 5)]), (False, False)),
        (lambda work: work.put([Constraint(*A, *B, 6)]), (False, True)),
        (lambda work: work.put([Holder(*SPAM, None, 7)]), (True, True)),
        (lambda work: work.put([Constraint(*A, *B, 6, 8)]), (True, False)),
        (lambda work: work.put([Holder(*SPAM, 1)]), (False, False)),
        (lambda work: work.put([Holder(*SPAM, None, 9)]), (True, False)),
        (lambda work: work.forget([SPAM]), (False, False)),
    ]
    for step, expected in steps:
        with store.transaction() as transaction:
            step(transaction)
        assert flags(store_url, fresh_workspace) == expected


def test_answers_under_a_key_are_kept_for_a_day(store: Store) -> None:
    with store.transaction() as transaction:
        now = transaction.at
        yesterday = Answered("old", "digest", now - DAY - 1, "{}")
        for kept_one in (yesterday, Answered("new", "digest", now, '{"ö": 1}')):
            transaction.answer(kept_one)
        assert transaction.answered("old") is None
    with store.sight() as sight:
        assert sight.answered("new") == Answered("new", "digest", now, '{"ö": 1}')
        assert sight.answered("old") is None
    with store.transaction() as transaction:
        transaction.answer(Answered("newest", "digest", transaction.at, "{}"))


def test_answers_older_than_a_day_are_dropped_with_the_next(store: Store, store_url: str) -> None:
    with store.transaction() as transaction:
        at = transaction.at
        transaction.answer(Answered("old", "digest", at - 2 * DAY, "{}"))
    with store.transaction() as transaction:
        transaction.answer(Answered("new", "digest", at, "{}"))
    query = "select count(*) from {}idempotency_key where key = 'old'"
    if store_url.startswith("sqlite"):
        with closing(apsw.Connection(sqlite_path(store_url))) as connection:
            assert connection.execute(query.format("")).get == 0
    else:
        with psycopg.connect(store_url) as live:
            assert live.execute(query.format("reunite.").encode()).fetchone() == (0,)
