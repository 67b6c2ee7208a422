"""The two stores against each other where people take back, keep apart, block and allow.

Operations by hand run one rule for both; what /identify makes of what they leave stands twice.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import apsw
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reunite
from reunite import Presented
from reunite.errors import ConstraintViolation, ReuniteError
from reunite.evidence import Identifier
from reunite.operations import Operations
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

TABLES = {
    "contact": "id, identity_id, email, phone, position, source, anchor, voided",
    "identifier": "type, key, contact_id, blocked_by",
    "link": "a_type, a_key, b_type, b_key, source, position, a_contact_id, b_contact_id, voided",
    "journal": "position, type, contact_id, with_contact_id, primary_id, demoted_id,"
    " contacts, identities, last_contact_id",
    "void": "position, target, target_position, contact_id, a_type, a_key, b_type, b_key, voided",
    "identity_constraint": "a_type, a_key, b_type, b_key, position, voided",
    "held": "id, requests, email, phone, reason, a_type, a_key, b_type, b_key,"
    " constraint_position, voided",
}
"""All that the two must have in common: everything but their clocks."""

Pair = tuple[str | None, str | None]
EMAILS = st.integers(0, 2).map(lambda n: f"e{n}@x.co")
PHONES = st.builds(lambda plus, n: f"{plus}{n}", st.sampled_from(["", "+"]), st.integers(0, 2))
PAIRS: st.SearchStrategy[Pair] = st.one_of(
    st.tuples(EMAILS, PHONES),
    st.tuples(EMAILS, PHONES),
    st.tuples(EMAILS, PHONES),
    st.tuples(EMAILS, st.none()),
    st.tuples(st.none(), PHONES),
)
IDENTIFIERS = st.one_of(
    EMAILS.map(lambda email: Identifier("email", email)),
    st.integers(0, 2).map(lambda n: Identifier("phone", str(n))),
)
IDS = st.integers(1, 9)
TWO = st.tuples(IDENTIFIERS, IDENTIFIERS).filter(lambda pair: pair[0] != pair[1])
BATCHES = st.lists(PAIRS, min_size=1, max_size=3)
"""Few identifiers and small batches: the same comes again, and not everyone is one person soon."""


class Contact(NamedTuple):
    """Unlink whatever contact is that far from the last, by its pair."""

    back: int
    constrain: bool


class Position(NamedTuple):
    """Undo whatever is that far from the end of the journal."""

    back: int


Step: TypeAlias = list[Pair] | Asked | Contact | Position
BACK = st.integers(0, 4)
OPERATIONS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Contact, BACK, st.booleans()),
    st.builds(Contact, BACK, st.just(False)),
    st.builds(Position, BACK),
    st.builds(Unlink, IDS, identifier=IDENTIFIERS, constrain=st.booleans()),
    st.builds(Merge, IDS, IDS),
    TWO.map(lambda two: Constrain(*two)),
    TWO.map(lambda two: Unconstrain(*two)),
    st.builds(Block, IDENTIFIERS),
    st.builds(Unblock, IDENTIFIERS),
    st.builds(Allow, st.integers(1, 4)),
    st.builds(Dismiss, st.integers(1, 4)),
)
STEPS = st.lists(st.one_of(BATCHES, OPERATIONS), min_size=8, max_size=24)

_numbers = itertools.count(1)


def done(store: Store, step: Step) -> list[Any]:
    """What comes of a step: of each request its answer, of an operation what became of it."""
    if isinstance(step, list):
        presented = [Presented(*pair) for pair in step]
        recognised = store.recognise_many(presented)
        answers = store.identify_many(presented)
        assert recognised[0] in (None, answers[0])
        return [*recognised, *map(comparable, answers)]
    try:
        return [Operations(store).perform(asked(store, step)).position]
    except ReuniteError as refusal:
        return [comparable(refusal)]


def asked(store: Store, step: Asked | Contact | Position) -> Asked:
    """What a step means as the store stands."""
    with store.sight() as sight:
        match step:
            case Position(back):
                return Undo(max(sight.head.position - back, 1))
            case Contact(back, constrain):
                found = sight.contacts({max(sight.head.last_contact_id - back, 1)})
                if not found or len(found[0].presented) == 1:
                    return Undo(max(sight.head.position, 1))
                a, b = found[0].presented
                return Unlink(found[0].id, pair=(a, b), constrain=constrain, force=not constrain)
    return step


def comparable(answer: object) -> object:
    """An answer, or an error by all that it says."""
    if not isinstance(answer, ReuniteError):
        return answer
    return type(answer), str(answer), vars(answer)


def rows(url: str, workspace: str) -> dict[str, list[Any]]:
    """All rows of a workspace."""
    selects = {
        table: f"select {columns} from {{}}{table}"
        f" where workspace = (select id from {{}}workspace where name = '{workspace}')"
        for table, columns in TABLES.items()
    }
    if url.startswith("sqlite:///"):
        file = apsw.Connection(url.removeprefix("sqlite:///"))
        found = {table: list(file.execute(sql.format("", ""))) for table, sql in selects.items()}
        file.close()
    else:
        with psycopg.connect(url) as connection:
            found = {
                table: connection.execute(sql.format("reunite.", "reunite.").encode()).fetchall()
                for table, sql in selects.items()
            }
    return {table: sorted(map(str, kept)) for table, kept in found.items()}


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, limit=st.sampled_from([3, 6, 10_000]))
def test_both_stores_answer_and_write_the_same_whatever_is_decided_by_hand(
    shared_postgres_url: str, steps: list[Step], limit: int
) -> None:
    workspace = f"by-hand-{next(_numbers)}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'reunite.db'}"
        with (
            reunite.open(url, workspace=workspace) as one,
            reunite.open(shared_postgres_url, workspace=workspace) as other,
        ):
            for store in (one, other):
                store.set_identity_limit(limit)
            for step in steps:
                assert done(one, step) == done(other, step)
        assert rows(url, workspace) == rows(shared_postgres_url, workspace)


def test_such_steps_reach_every_table_and_a_refusal(tmp_path: Path) -> None:
    reached: set[object] = set()
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    with reunite.open(url) as store:
        steps: list[Step] = [
            [("e0@x.co", "0"), ("e1@x.co", "1")],
            Constrain(Identifier("email", "e0@x.co"), Identifier("phone", "1")),
            [("e0@x.co", "1")],
            Allow(1),
            Block(Identifier("phone", "0")),
        ]
        for step in steps:
            for result in done(store, step):
                reached.add(result[0] if isinstance(result, tuple) else type(result))
    assert ConstraintViolation in reached
    assert all(rows(url, "default").values())
