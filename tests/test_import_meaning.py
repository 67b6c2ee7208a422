"""What imported rows mean, hole by hole: the counterexamples of the semantics, on both stores."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import grown
import reunite
from audit import Tables, faults
from reunite.bulk.importing import Import, Outcome, Store, run_import
from reunite.bulk.progress import Progress
from reunite.bulk.reading import Source
from reunite.operations import Operations
from reunite.repositories import Loading

Adopt = Callable[..., Outcome]


@pytest.fixture
def adopt(store_url: str, fresh_workspace: str, tmp_path: Path) -> Adopt:
    """Imports rows given as lines of CSV, by default id,email,phone,linkedId."""

    def adopt(*rows: str, header: str = "id,email,phone,linkedId", block: str = "") -> Outcome:
        source, blocks = tmp_path / "rows.csv", tmp_path / "block.txt"
        source.write_text("\n".join([header, *rows]))
        blocks.write_text(block)
        order = Import([Source(str(source), "csv")], block=blocks)
        return run_import(Store(store_url, fresh_workspace), order, Progress())

    return adopt


@pytest.fixture
def read(store_url: str, fresh_workspace: str) -> Callable[[], Tables]:
    def read() -> Tables:
        tables = Tables.read(store_url, fresh_workspace)
        assert faults(tables) == []
        return tables

    return read


def together(tables: Tables) -> set[frozenset[int]]:
    return tables.partition()


def groups(*ids: set[int]) -> set[frozenset[int]]:
    return {frozenset(group) for group in ids}


def test_a_linked_id_never_means_an_id_that_the_service_gave(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    adopt("5,a@x.co,2,")
    assert store.identify("stranger@x.co").primary_contact_id == 6
    adopt("7,b@x.co,3,6")
    assert together(read()) == groups({5}, {6}, {7})


def test_a_linked_id_counts_only_where_shared_identifiers_do_not_join(
    adopt: Adopt, read: Any
) -> None:
    adopt("1,a@x.co,1,", "2,a@x.co,2,1", "3,b@x.co,2,1")
    assert together(read()) == groups({1, 2, 3})
    assert read().links == []


def test_blocked_identifiers_are_shared_where_a_linked_id_is_judged(
    adopt: Adopt, read: Any
) -> None:
    adopt("1,a@x.co,1,", "2,a@x.co,2,1", "3,b@x.co,2,1", block="2")
    assert together(read()) == groups({1, 2}, {3})


def test_chains_and_cycles_of_linked_ids_are_one_person(adopt: Adopt, read: Any) -> None:
    adopt("1,a@x.co,,", "2,b@x.co,,1", "3,c@x.co,,2", "4,d@x.co,,5", "5,e@x.co,,4", "6,f@x.co,,6")
    assert together(read()) == groups({1, 2, 3}, {4, 5}, {6})
    assert len(read().links) == 3


def test_rows_that_name_the_same_missing_row_are_joined_through_it(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    adopt("1,a@x.co,,99", "2,b@x.co,,99", "3,c@x.co,,98", "4,d@x.co,,")
    assert together(read()) == groups({1, 2}, {3}, {4})
    assert store.identify("new@x.co").primary_contact_id == 100
    adopt("200,e@x.co,,99")
    assert together(read()) == groups({1, 2}, {3}, {4}, {100}, {200})


def test_rows_that_name_the_same_deleted_row_are_joined_and_it_stays_out(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    adopt(
        "1,a@x.co,,,",
        "2,b@x.co,,1,2024-01-01",
        "3,c@x.co,,2,",
        "4,d@x.co,,2,",
        "9,z@x.co,,,yes",
        header="id,email,phone,linkedId,deletedAt",
    )
    assert together(read()) == groups({1}, {3, 4})
    assert store.identify("z@x.co").outcome == "created"
    with pytest.raises(reunite.ReuniteError, match="taken in the store, the first 9"):
        adopt("9,y@x.co,,")


def test_the_primary_is_the_oldest_whatever_the_ids(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    adopt(
        "1,a@x.co,1,2024-03-01",
        "2,b@x.co,1,2024-01-01T00:00:00+05:30",
        "3,c@x.co,1,2024-01-01",
        "4,d@x.co,2,2090-01-01",
        "5,e@x.co,2,",
        header="id,email,phone,createdAt",
    )
    assert store.identify("a@x.co").primary_contact_id == 2
    assert store.identify("a@x.co").secondary_contact_ids == (3, 1)
    assert store.identify("e@x.co").primary_contact_id == 4
    assert store.identify("e@x.co", "9").secondary_contact_ids == (5, 6)


def test_what_only_an_import_holds_is_confirmed_by_its_first_live_presentation(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    adopt("1,a@x.co,1,")
    for links in (1, 1):
        assert store.identify("a@x.co", "1").outcome == "known"
        assert [link["source"] for link in read().links] == ["presented"] * links


def test_a_row_that_repeats_what_is_known_is_still_a_contact(
    adopt: Adopt, store: reunite.repositories.Store
) -> None:
    store.identify("a@x.co", "1")
    adopt("10,a@x.co,1,", "11,A@X.co,(1),", "12,,1,")
    assert store.identify("a@x.co").primary_contact_id in (1, 10)
    person = store.identify("a@x.co")
    assert {person.primary_contact_id, *person.secondary_contact_ids} == {1, 10, 11, 12}


def test_identities_of_the_store_that_rows_join_become_one_under_the_oldest(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    store.identify_many([("a@x.co", "1"), ("b@x.co", "2"), ("b@x.co", "3"), ("c@x.co", "4")])
    adopt("10,a@x.co,2,2001-01-01", "11,d@x.co,4,", header="id,email,phone,createdAt")
    assert together(read()) == groups({1, 2, 3, 10}, {4, 11})
    assert store.identify("b@x.co").primary_contact_id == 10
    assert store.totals() == reunite.repositories.Totals(6, 2)


def test_an_import_of_nothing_writes_nothing(
    adopt: Adopt, read: Any, store: reunite.repositories.Store
) -> None:
    outcome = adopt()
    assert outcome.reading.rows == 0
    assert read().journal == []


# ── what happens between reading and the lock ────────────────────────────────────────────────────


class Meanwhile(Store):
    """A store where others do something once the rows are read and joined."""

    def loading(self) -> AbstractContextManager[Loading]:
        with reunite.open(self.url, workspace=self.workspace) as store:
            operations = Operations(store)
            for phone in ("555", "666"):
                (operations.unblock if phone == "555" else operations.block)(
                    reunite.Identifier("phone", phone)
                )
        return super().loading()


def test_what_is_blocked_counts_as_it_is_under_the_lock(
    store: reunite.Store, store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    store.identify("x@x.co", "555")
    Operations(store).block(reunite.Identifier("phone", "555"))
    source, rejects = tmp_path / "rows.csv", tmp_path / "rejects.csv"
    rows = [
        "10,a@x.co,555",
        "11,b@x.co,555",
        "12,,555",
        "13,c@x.co,666",
        "14,d@x.co,666",
        "15,,666",
    ]
    source.write_text("\n".join(["id,email,phone", *rows]))
    order = Import([Source(str(source), "csv")], rejects=rejects)

    outcome = run_import(Meanwhile(store_url, fresh_workspace), order, Progress())

    tables = Tables.read(store_url, fresh_workspace)
    assert together(tables) == groups({1, 10, 11, 12}, {13}, {14})
    assert grown.verified(store_url, fresh_workspace).findings == []
    reading = outcome.reading
    assert (reading.rows, reading.taken, reading.refused) == (6, 5, 1)
    assert [(fault.column, fault.count) for fault in reading.faults] == [("phoneNumber", 1)]
    assert [line.split(",")[1:4] for line in rejects.read_text().splitlines()[1:]] == [
        ["7", "phoneNumber", "666"]
    ]


# ── linkedIds of rows that get new ids ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("linked", ["9223372036854775807", "1234567890123456789", "7", "x7"])
def test_a_linked_id_to_an_old_id_takes_none_of_ours(
    store: reunite.Store, store_url: str, fresh_workspace: str, tmp_path: Path, linked: str
) -> None:
    source = tmp_path / "rows.csv"
    source.write_text(f"email,linkedId\na@x.co,{linked}\n")
    order = Import([Source(str(source), "csv")], renumber=tmp_path / "map.csv")
    run_import(Store(store_url, fresh_workspace), order, Progress())
    assert store.identify("b@x.co").primary_contact_id == 2
    run_import(Store(store_url, fresh_workspace), order, Progress())
    assert store.identify("c@x.co").primary_contact_id == 4
