"""Contacts that an import brought are served like any other, on both stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from audit import faults
from planted import Past, Plan, plant
from reunite import IdentityTooLarge, Presented, Totals
from reunite.repositories import Store
from tables import Tables
from test_conformance import contact

SECOND = 1_000_000
PlantIt = Callable[[Plan], object]


@pytest.fixture
def import_it(store: Store, store_url: str, fresh_workspace: str) -> Iterator[PlantIt]:
    """Imports into the store; at the end the store must hold together."""
    yield lambda plan: plant(store_url, fresh_workspace, plan)
    assert faults(Tables.read(store_url, fresh_workspace)) == []


def links(store_url: str, workspace: str) -> list[tuple[str, int]]:
    tables = Tables.read(store_url, workspace)
    return sorted((link["source"], link["position"]) for link in tables.links)


def test_the_primary_is_the_oldest_not_the_lowest_id(store: Store, import_it: PlantIt) -> None:
    import_it(
        Plan(
            [
                Past(10, 30 * SECOND, "a@x.co", "1"),
                Past(30, 10 * SECOND, "b@x.co", "1"),
                Past(20, 20 * SECOND, "c@x.co", "+1"),
            ]
        )
    )
    expected = (30, ["b@x.co", "c@x.co", "a@x.co"], ["1"], [20, 10])
    for email in ("a@x.co", "b@x.co", "c@x.co"):
        assert contact(store.identify(email)) == expected
    assert store.recognise_many([Presented("a@x.co", None)])[0] == store.identify("a@x.co")
    assert store.totals() == Totals(contacts=3, identities=1)


def test_contacts_of_one_moment_are_ordered_by_id(store: Store, import_it: PlantIt) -> None:
    import_it(Plan([Past(9, SECOND, "a@x.co", "1"), Past(7, SECOND, "b@x.co", "1")]))
    assert contact(store.identify("a@x.co")) == (7, ["b@x.co", "a@x.co"], ["1"], [9])


@pytest.mark.parametrize("created_at", [-62_135_596_800 * SECOND, 0, None])
def test_what_is_new_after_an_import_is_the_youngest_and_above_all_ids(
    store: Store, import_it: PlantIt, created_at: int | None
) -> None:
    import_it(Plan([Past(500, created_at, "a@x.co", "1")], tombstones=[900]))
    answer = store.identify("a@x.co", "2")
    assert (answer.outcome, contact(answer)) == ("extended", (500, ["a@x.co"], ["1", "2"], [901]))
    assert contact(store.identify("b@x.co")) == (902, ["b@x.co"], [], [])
    assert store.identify("a@x.co").secondary_contact_ids == (901,)


def test_several_new_ones_in_one_batch_after_an_import_are_in_order(
    store: Store, import_it: PlantIt
) -> None:
    import_it(Plan([Past(5, None, "a@x.co", "1"), Past(4, None, "b@x.co", "2")]))
    answers = store.identify_many(
        [("a@x.co", "3"), ("c@x.co", "2"), ("c@x.co", "3"), ("d@x.co", "1"), ("a@x.co", None)]
    )
    last = answers[-1]
    assert not isinstance(last, Exception)
    assert contact(last) == (
        4,
        ["b@x.co", "a@x.co", "c@x.co", "d@x.co"],
        ["2", "1", "3"],
        [5, 6, 7, 8],
    )


def test_a_pair_that_only_an_import_brought_leaves_a_link_once(
    store: Store, import_it: PlantIt, store_url: str, fresh_workspace: str
) -> None:
    import_it(Plan([Past(3, SECOND, "a@x.co", "1")]))
    pair = Presented("a@x.co", "1")
    assert store.recognise_many([pair]) == [None]
    first = store.identify("a@x.co", "1")
    assert (first.outcome, contact(first)) == ("known", (3, ["a@x.co"], ["1"], []))
    assert links(store_url, fresh_workspace) == [("presented", 2)]
    assert store.recognise_many([pair]) == [first]
    assert store.identify("a@x.co", "+1") == first
    assert links(store_url, fresh_workspace) == [("presented", 2)]


def test_a_pair_that_was_presented_before_an_import_repeats_it_is_seen(
    store: Store, import_it: PlantIt, store_url: str, fresh_workspace: str
) -> None:
    store.identify("a@x.co", "1")
    import_it(Plan([Past(30, SECOND, "a@x.co", "1")]))
    answer = store.identify("a@x.co", "1")
    assert contact(answer) == (30, ["a@x.co"], ["1"], [1])
    assert links(store_url, fresh_workspace) == []


def test_a_repeat_that_holds_nothing_is_still_a_contact(store: Store, import_it: PlantIt) -> None:
    rows = [Past(id_, id_ * SECOND, "a@x.co", "1") for id_ in (1, 2, 3)]
    import_it(Plan([*rows, Past(4, 4 * SECOND, "a@x.co")]))
    assert contact(store.identify(phone_number="1")) == (1, ["a@x.co"], ["1"], [2, 3, 4])


def test_rows_that_only_links_join_are_one(store: Store, import_it: PlantIt) -> None:
    import_it(
        Plan(
            [Past(1, SECOND, "a@x.co", "1"), Past(2, 0, "b@x.co"), Past(3, 0, None, "3")],
            links=[(1, 2), (3, 2)],
        )
    )
    assert contact(store.identify("a@x.co")) == (2, ["b@x.co", "a@x.co"], ["3", "1"], [3, 1])


def test_rows_that_name_the_same_silent_row_are_one_and_it_is_not_shown(
    store: Store, import_it: PlantIt
) -> None:
    store.set_identity_limit(3)
    import_it(
        Plan(
            [Past(1, 0, "a@x.co"), Past(2, 0, "b@x.co")], links=[(1, 99), (2, 99)], tombstones=[99]
        )
    )
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co", "b@x.co"], [], [2])
    assert contact(store.identify("b@x.co", "5")) == (1, ["a@x.co", "b@x.co"], ["5"], [2, 100])
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("c@x.co", "5")
    assert refused.value.size == 3


def test_a_presented_pair_between_linked_rows_is_new_evidence(
    store: Store, import_it: PlantIt, store_url: str, fresh_workspace: str
) -> None:
    import_it(Plan([Past(1, 0, "a@x.co"), Past(2, 0, None, "2")], links=[(1, 2)]))
    assert store.identify("a@x.co", "2").outcome == "known"
    assert store.identify("a@x.co", "2").outcome == "known"
    assert links(store_url, fresh_workspace) == [("imported", 1), ("presented", 2)]


def test_an_import_that_joins_identities_makes_the_oldest_primary(
    store: Store, import_it: PlantIt
) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "2")
    store.identify("b@x.co", "3")
    import_it(Plan([Past(50, SECOND, "a@x.co", "2"), Past(40, None, "c@x.co", "9")]))
    answer = store.identify("a@x.co")
    assert contact(answer) == (50, ["a@x.co", "b@x.co"], ["2", "1", "3"], [1, 2, 3])
    merged = store.identify("c@x.co", "3")
    assert (merged.outcome, contact(merged)) == (
        "merged",
        (50, ["a@x.co", "b@x.co", "c@x.co"], ["2", "1", "3", "9"], [1, 2, 3, 40]),
    )
    assert store.totals() == Totals(contacts=5, identities=1)


def test_a_merge_of_an_older_smaller_identity_keeps_the_older_primary(
    store: Store, import_it: PlantIt
) -> None:
    for n in range(4):
        store.identify("young@x.co", str(n))
    import_it(Plan([Past(70, 0, "old@x.co", "9")]))
    answer = store.identify("old@x.co", "2")
    assert (answer.outcome, answer.primary_contact_id) == ("merged", 70)
    assert answer.secondary_contact_ids == (1, 2, 3, 4)


def test_a_blocked_value_of_a_row_is_shown_and_joins_no_one(
    store: Store, import_it: PlantIt, store_url: str, fresh_workspace: str
) -> None:
    junk = ("phone", "0")
    import_it(Plan([Past(1, 0, "a@x.co", "0"), Past(2, 0, "b@x.co", "0")], blocked=[junk]))
    assert contact(store.identify("a@x.co")) == (1, ["a@x.co"], ["0"], [])
    assert contact(store.identify("b@x.co")) == (2, ["b@x.co"], ["0"], [])
    for _ in range(2):
        # Only an import said so: its first live presentation is evidence that outlives it.
        assert contact(store.identify("a@x.co", "0")) == (1, ["a@x.co"], ["0"], [])
        assert links(store_url, fresh_workspace) == [("presented", 2)]
    import_it(Plan([Past(9, 0, "c@x.co", "0"), Past(8, 5, "b@x.co", "0")]))
    assert store.totals() == Totals(contacts=4, identities=3)
    assert contact(store.identify("b@x.co")) == (2, ["b@x.co"], ["0"], [8])
