"""The two stores against each other: the rule stands once in Python and once in PL/pgSQL."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reunite
from audit import Tables, faults
from oracle import nodes_of
from planted import Past, Plan, plant
from reunite import Presented
from reunite.repositories import Store
from test_exhaustive import Pair, as_oracle

EMAILS = st.none() | st.integers(0, 7).map(lambda n: f"e{n}@x.co")
PHONES = st.none() | st.builds(
    lambda plus, n: f"{plus}{n}", st.sampled_from(["", "+"]), st.integers(0, 7)
)
PAIRS = st.tuples(EMAILS, PHONES).filter(lambda pair: pair != (None, None))
ROWS = st.lists(
    st.tuples(st.integers(1, 9), st.none() | st.integers(0, 3), PAIRS),
    max_size=6,
    unique_by=lambda row: row[0],
)
BLOCKED = st.sets(
    st.sampled_from([("email", "e0@x.co"), ("phone", "0"), ("phone", "1")]), max_size=3
)
CUTS = st.lists(st.integers(0, 1000), max_size=6)
ONCE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

_numbers = itertools.count(1)


def split(pairs: list[Pair], cuts: list[int]) -> Iterator[list[Pair]]:
    """Cut a list at the given places, wherever they are."""
    places = sorted({0, len(pairs), *(cut % (len(pairs) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        yield pairs[start:end]


def answers(store: Store, batches: Iterator[list[Pair]]) -> list[dict[str, Any]]:
    return [as_oracle(answer, 0) for batch in batches for answer in store.identify_many(batch)]


def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without their times."""
    return [
        {name: value for name, value in row.items() if name not in ("at", "created_at")}
        for row in rows
    ]


def comparable(tables: Tables) -> dict[str, Any]:
    """All that two stores must have in common: everything but their clocks."""
    return {
        "contacts": timeless(tables.contacts),
        "identifiers": sorted(map(str, timeless(tables.identifiers))),
        "links": sorted(map(str, timeless(tables.links))),
        "journal": timeless(tables.journal),
        "blocks": tables.has_blocks,
    }


@ONCE
@given(pairs=st.lists(PAIRS, min_size=1, max_size=60), cuts=CUTS, other_cuts=CUTS)
def test_both_stores_answer_and_write_the_same_however_it_is_split(
    shared_postgres_url: str, pairs: list[Pair], cuts: list[int], other_cuts: list[int]
) -> None:
    workspace = f"twins-{next(_numbers)}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'reunite.db'}"
        with (
            reunite.open(url, workspace=workspace) as one,
            reunite.open(shared_postgres_url, workspace=workspace) as other,
        ):
            for store in (one, other):
                store.set_identity_limit(9)
            assert answers(one, split(pairs, cuts)) == answers(other, split(pairs, other_cuts))
            assert one.totals() == other.totals()
        tables = Tables.read(url, workspace)
        assert faults(tables) == []
        assert comparable(tables) == comparable(Tables.read(shared_postgres_url, workspace))


@ONCE
@given(
    rows=ROWS,
    blocked=BLOCKED,
    pairs=st.lists(PAIRS, min_size=1, max_size=40),
    cuts=CUTS,
    other_cuts=CUTS,
)
def test_both_stores_do_the_same_on_top_of_an_import_and_its_blocks(
    shared_postgres_url: str,
    rows: list[tuple[int, int | None, Pair]],
    blocked: set[tuple[str, str]],
    pairs: list[Pair],
    cuts: list[int],
    other_cuts: list[int],
) -> None:
    workspace = f"twins-{next(_numbers)}"
    past = [
        Past(id_, age, *pair) for id_, age, pair in rows if not blocked.issuperset(nodes_of(*pair))
    ]
    links = [(one.id, other.id) for one, other in itertools.pairwise(past)][:1]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'reunite.db'}"
        with (
            reunite.open(url, workspace=workspace) as one,
            reunite.open(shared_postgres_url, workspace=workspace) as other,
        ):
            for place in (url, shared_postgres_url):
                plant(place, workspace, Plan(past, links, sorted(blocked)))
            for store in (one, other):
                store.set_identity_limit(9)
            assert answers(one, split(pairs, cuts)) == answers(other, split(pairs, other_cuts))
            presented = [Presented(*pair) for pair in pairs]
            assert one.recognise_many(presented) == other.recognise_many(presented)
            assert one.totals() == other.totals()
        tables = Tables.read(url, workspace)
        assert faults(tables) == []
        assert comparable(tables) == comparable(Tables.read(shared_postgres_url, workspace))
