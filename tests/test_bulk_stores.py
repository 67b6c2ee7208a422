"""Whole tables in and out of both stores: all or nothing, under the lock, by key."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import filled
import reunite
from conftest import OpenStore
from filled import everything, load_people, person, rows
from reunite import PolicyMismatch, StoreError, StoreUnavailable, repositories
from reunite.bulk.engine import Engine
from reunite.repositories.bulk import TABLES, Holder, Rows, Standing

HOSTILE = (
    'o"b,r@example.com',
    "back\\slash\\n@example.com",
    "ünï'cödé@example.com",
    "\\.@example.com",
    "\\n@example.com",
)
YEAR_1 = -62_135_596_800_000_000
YEAR_9999 = 253_402_300_799_999_999


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(64 << 20, tmp_path) as engine:
        yield engine


@pytest.fixture
def people(store_url: str, fresh_workspace: str, engine: Engine) -> None:
    """A workspace with contacts 1 … 20, each a person, by an import."""
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        load_people(engine, loading, range(1, 21))
        loading.commit()


# ── in and out ───────────────────────────────────────────────────────────────────────────────────


def test_every_table_is_read_back_as_it_was_written(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    written: dict[str, list[tuple[object, ...]]] = {
        "contact": [
            (number, 1, time, email, None, 1, "imported", "email", None)
            for number, (email, time) in enumerate(
                zip(HOSTILE, (YEAR_1, -1, 0, 1_700_000_000_123_456, YEAR_9999), strict=True), 1
            )
        ]
        + [(2**52, None, 5, None, "+123x4", 1, "asserted", "phone", 2)],
        "identifier": [("email", HOSTILE[0], 1, None), ("phone", "123x4", None, 1)],
        "link": [
            ("email", HOSTILE[0], "email", "z@example.com", "imported", 1, YEAR_1, 1, 2, None),
            ("email", HOSTILE[0], "row", "1:77", "imported", 1, YEAR_9999, 1, 0, 2),
        ],
        "journal": [
            (1, "imported", 7, None, None, None, None, 6, 1, 2**52, None, None),
            (2, "undone", 8, 1, None, None, None, 6, 1, 2**52, 'Ann "A"', "tab\t\r\nline\\N"),
        ],
        "void": [
            (2, "operation", 1, 0, "", "", "", "", 0, 0, None),
            (2, "link", 1, 0, "email", HOSTILE[0], "row", "1:77", 1, 0, 3),
        ],
        "identity_constraint": [("email", HOSTILE[0], "phone", "1", 1, None)],
        "block": [("phone", "123x4", 1, 2)],
        "held": [
            (1, YEAR_1, YEAR_9999, 3, HOSTILE[0], "+1", "limit", "", "", "", "", 0, None),
            (2, 0, 0, 1, "a@x.co", "1", "constraint", "email", "a@x.co", "phone", "1", 1, 2),
        ],
        "provenance": [(1, 1, 'tab\t"quote"\r\nline\\', "7,0"), (2, 1, None, "x")],
        "tombstone": [(77, 1)],
        "demotion": [(1, 1)],
    }
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        for name, values in written.items():
            loading.write(name, rows(engine, TABLES[name], *values))
        loading.commit()
    found = everything(store_url, fresh_workspace)
    for name, values in written.items():
        as_text = [
            tuple(None if value in (None, "") else str(value) for value in row) for row in values
        ]
        assert found[name] == sorted(as_text, key=repr)


def test_contacts_and_the_journal_come_in_order_of_their_key(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    for ids in range(200, 300), range(1, 100):
        with repositories.loading(store_url, workspace=fresh_workspace) as loading:
            load_people(engine, loading, ids)
            loading.commit()
    with repositories.snapshot(store_url, workspace=fresh_workspace) as snapshot:
        contacts = [int(line.split(b",")[0]) for line in b"".join(snapshot.csv("contact")).split()]
        positions = [int(line.split(b",")[0]) for line in b"".join(snapshot.csv("journal")).split()]
    assert contacts == [*range(1, 100), *range(200, 300)]
    assert positions == [1, 2]


def test_the_view_is_told_with_its_times(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        loading.write(
            "contact",
            filled.contacts(
                engine,
                (1, 1, YEAR_1, HOSTILE[0], "+1", 1, "imported", "email"),
                (2, 1, 1_700_000_000_123_000, None, "1", 1, "imported", "phone"),
            ),
        )
        loading.write("journal", filled.imported(engine, loading, 2, 1, 2))
        loading.commit()
    with repositories.snapshot(store_url, workspace=fresh_workspace) as snapshot:
        assert filled.tree(snapshot) == [
            ("1", "+1", HOSTILE[0], None, "primary", str(YEAR_1), str(YEAR_1)),
            ("2", "1", None, "1", "secondary", "1700000000123000", "1700000000123000"),
        ]


@pytest.mark.usefixtures("people")
def test_identify_goes_on_from_what_was_loaded(open_store: OpenStore, engine: Engine) -> None:
    store = open_store()
    assert store.identify("7@example.com").primary_contact_id == 7
    merged = store.identify("7@example.com", "8")
    assert (merged.primary_contact_id, merged.secondary_contact_ids) == (7, (8,))
    assert store.identify("new@example.com").primary_contact_id == 21
    assert store.totals() == repositories.Totals(21, 20)


# ── looking up ───────────────────────────────────────────────────────────────────────────────────


def ask_everything(
    url: str, workspace: str, engine: Engine
) -> tuple[list[Holder], list[int], list[Standing]]:
    identifiers = rows(
        engine,
        ("type", "key"),
        ("email", "3@example.com"),
        ("email", "nobody@example.com"),
        ("email", "o'clock@example.com"),
        ("phone", "20"),
        ("phone", "21"),
    )
    ids = rows(engine, ("id",), (1,), (20,), (21,), (99,))
    identities = rows(engine, ("identity_id",), (3,), (4,), (99,))
    with repositories.snapshot(url, workspace=workspace) as snapshot:
        holders = [holder for chunk in snapshot.holders(identifiers) for holder in chunk]
        taken = [id_ for chunk in snapshot.taken(ids) for id_ in chunk]
        standing = [identity for chunk in snapshot.identities(identities) for identity in chunk]
    return sorted(holders, key=repr), sorted(taken), sorted(standing)


@pytest.mark.usefixtures("people")
def test_it_tells_who_holds_identifiers_which_ids_are_taken_and_how_identities_stand(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        # The oldest of identity 3 is not the one with the lowest id.
        loading.write(
            "contact",
            filled.contacts(engine, (30, 3, 2, "3@example.com", "20", 2, "imported", "email")),
        )
        loading.write("tombstone", rows(engine, TABLES["tombstone"], (99, 2)))
        loading.write("journal", filled.imported(engine, loading, 1, 0, 99))
        loading.commit()
    holders, taken, identities = ask_everything(store_url, fresh_workspace, engine)
    assert holders == [
        Holder("email", "3@example.com", 3, 3, False),
        Holder("phone", "20", 20, 20, False),
    ]
    assert taken == [1, 20, 99]
    assert identities == [Standing(3, 2, 3, 30, 2), Standing(4, 1, 2, 4, 4)]


@pytest.mark.usefixtures("people")
def test_blocked_identifiers_are_told_and_count_for_no_size(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        assert not loading.has_blocks
        loading.block(rows(engine, ("type", "key"), ("email", "o'clock@example.com")))
        loading.block(rows(engine, ("type", "key"), ("phone", "000")))
        blocked = (30, 3, 3, "3@example.com", "000", 2, "imported", "email")
        loading.write("contact", filled.contacts(engine, blocked))
        loading.write("journal", filled.imported(engine, loading, 1, 0, 30))
        loading.commit()
    holders, _, identities = ask_everything(store_url, fresh_workspace, engine)
    assert Holder("email", "o'clock@example.com", None, None, True) in holders
    assert identities[0] == Standing(3, 2, 2, 3, 3)
    with repositories.snapshot(store_url, workspace=fresh_workspace) as snapshot:
        assert snapshot.has_blocks
        assert ("phone", "000", None, "2") in filled.table(snapshot, "identifier")


@pytest.mark.usefixtures("people")
def test_what_the_store_holds_cannot_be_blocked(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    before = everything(store_url, fresh_workspace)
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        with pytest.raises(StoreError):
            loading.block(rows(engine, ("type", "key"), ("email", "3@example.com")))
        with pytest.raises(StoreError):
            loading.commit()
    assert everything(store_url, fresh_workspace) == before


@pytest.mark.usefixtures("people")
def test_identities_are_repointed_and_the_limit_set_with_the_rest(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        loading.repoint(rows(engine, ("identity_id", "into"), (3, 4), (5, 4)))
        loading.write("journal", filled.imported(engine, loading, 0, -2, 0))
        loading.set_identity_limit(77)
        loading.commit()
    found = everything(store_url, fresh_workspace)
    assert {row[0] for row in found["contact"] if row[1] == "4"} == {"3", "4", "5"}
    assert found["workspace"] == [("77", "False", "False")]


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("people")
def test_a_loading_left_without_a_commit_leaves_the_store_as_it_was(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    before = everything(store_url, fresh_workspace)
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        load_people(engine, loading, range(21, 5000))
        loading.repoint(rows(engine, ("identity_id", "into"), (3, 4)))
        loading.set_identity_limit(5)
    assert everything(store_url, fresh_workspace) == before


class Failing(Rows):
    """Rows whose source fails after the first half of them."""

    def __init__(self, rows: Rows) -> None:
        self.columns = rows.columns
        self._rows = rows

    def __len__(self) -> int:
        return 2 * len(self._rows)

    def tuples(self) -> Iterator[list[tuple[object, ...]]]:
        yield from self._rows.tuples()
        raise OSError("the source is gone")

    def copy_text(self, *first: int) -> Iterator[bytes]:
        yield from self._rows.copy_text(*first)
        raise OSError("the source is gone")


@pytest.mark.usefixtures("people")
def test_a_source_that_fails_in_the_middle_leaves_the_store_as_it_was(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    before = everything(store_url, fresh_workspace)
    half = filled.contacts(engine, *(person(id_, 2) for id_ in range(21, 5000)))
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        with pytest.raises(OSError, match="the source is gone"):
            loading.write("contact", Failing(half))
        with pytest.raises(StoreError, match="nothing more can be written"):
            loading.commit()
    assert everything(store_url, fresh_workspace) == before


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "wrong",
    [
        (20, 20, 1, "x@example.com", None, 2, "imported", "email"),
        (5000, 20, 1, "NOT@example.com", None, 2, "imported", "email"),
        (5000, 20, 1, "x@example.com", None, 2, "imported", "phone"),
    ],
)
def test_rows_that_the_store_does_not_take_leave_it_as_it_was(
    store_url: str, fresh_workspace: str, engine: Engine, wrong: filled.Row
) -> None:
    before = everything(store_url, fresh_workspace)
    values = [*(person(id_, 2) for id_ in range(21, 4000)), wrong]
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        with pytest.raises(StoreError) as refusal:
            loading.write("contact", filled.contacts(engine, *values))
        assert "example.com" not in str(refusal.value)
        with pytest.raises(StoreError):
            loading.commit()
    assert everything(store_url, fresh_workspace) == before


CHILD = """
import sys
from pathlib import Path
import filled
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.repositories.bulk import Rows

url, workspace, folder = sys.argv[1:]

def reach(moment):
    print(moment, flush=True)
    sys.stdin.readline()

class Halting(Rows):
    def __init__(self, rows):
        self.columns, self.rows = rows.columns, rows
    def __len__(self):
        return len(self.rows)
    def tuples(self):
        yield from self.rows.tuples()
        reach("writing")
    def copy_text(self, *first):
        yield from self.rows.copy_text(*first)
        reach("writing")

with Engine(64 << 20, Path(folder)) as engine:
    with repositories.loading(url, workspace=workspace) as loading:
        reach("locked")
        filled.load_people(engine, loading, range(21, 20000))
        people = [filled.person(id_, 3) for id_ in range(20000, 40000)]
        loading.write("contact", Halting(filled.contacts(engine, *people)))
        reach("written")
        loading.commit()
        reach("committed")
"""


def killed_at(moment: str, url: str, workspace: str, folder: Path) -> None:
    """Load 40,000 contacts in another process and kill it there."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, workspace, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
        text=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        for reached in child.stdout:
            if reached.strip() == moment:
                break
            child.stdin.write("\n")
            child.stdin.flush()
        else:
            pytest.fail(f"the loading ended before {moment}")
        child.kill()


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("moment", ["locked", "writing", "written"])
def test_a_loading_that_is_killed_leaves_the_store_as_it_was(
    store_url: str, fresh_workspace: str, tmp_path: Path, moment: str, open_store: OpenStore
) -> None:
    before = everything(store_url, fresh_workspace)
    killed_at(moment, store_url, fresh_workspace, tmp_path)
    assert everything(store_url, fresh_workspace) == before
    store = open_store()
    assert store.identify("new@example.com").primary_contact_id == 21


@pytest.mark.parametrize("moment", ["locked", "writing", "written"])
def test_a_loading_that_is_killed_leaves_no_store_where_there_was_none(
    store_url: str, fresh_workspace: str, tmp_path: Path, moment: str, engine: Engine
) -> None:
    killed_at(moment, store_url, fresh_workspace, tmp_path)
    assert not any(
        row for name, row in everything(store_url, fresh_workspace).items() if name != "workspace"
    )
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        assert loading.head.position == 0
        load_people(engine, loading, range(1, 5))
        loading.commit()
    assert len(everything(store_url, fresh_workspace)["contact"]) == 4


def test_a_loading_that_is_killed_after_its_commit_has_written_all(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    killed_at("committed", store_url, fresh_workspace, tmp_path)
    found = everything(store_url, fresh_workspace)
    assert len(found["contact"]) == 39_979
    assert len(found["identifier"]) == 2 * 19_979


def test_nothing_is_added_to_a_loading_that_is_committed(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    reunite.open(store_url, workspace=fresh_workspace).close()
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        load_people(engine, loading, range(1, 30))
        loading.commit()
        with pytest.raises(StoreError, match="committed"):
            loading.write("contact", filled.contacts(engine, person(30)))
    assert len(everything(store_url, fresh_workspace)["contact"]) == 29


# ── beside others ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("people")
def test_a_snapshot_does_not_see_what_is_committed_later(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    with repositories.snapshot(store_url, workspace=fresh_workspace) as snapshot:
        with repositories.loading(store_url, workspace=fresh_workspace) as loading:
            load_people(engine, loading, range(21, 30))
            loading.commit()
        assert len(filled.table(snapshot, "contact")) == 20
        assert len(filled.tree(snapshot)) == 20
        assert snapshot.head.contacts == 20
    assert len(everything(store_url, fresh_workspace)["contact"]) == 29


@pytest.mark.parametrize("is_new", [True, False])
def test_loadings_at_once_wait_for_each_other(
    store_url: str, fresh_workspace: str, engine: Engine, tmp_path: Path, is_new: bool
) -> None:
    if not is_new:
        reunite.open(store_url, workspace=fresh_workspace).close()
    order: list[str] = []

    def second() -> None:
        with (
            Engine(64 << 20, tmp_path) as own,
            repositories.loading(store_url, workspace=fresh_workspace) as loading,
        ):
            order.append(f"second, after {loading.head.contacts}")
            load_people(own, loading, range(11, 21))
            loading.commit()

    waiting = threading.Thread(target=second)
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        waiting.start()
        load_people(engine, loading, range(1, 11))
        waiting.join(0.3)
        order.append("first")
        loading.commit()
    waiting.join()
    assert order == ["first", "second, after 10"]
    assert len(everything(store_url, fresh_workspace)["contact"]) == 20


@pytest.mark.usefixtures("people")
def test_who_waits_too_long_for_the_lock_is_told(store_url: str, fresh_workspace: str) -> None:
    with (
        repositories.loading(store_url, workspace=fresh_workspace),
        pytest.raises(StoreUnavailable),
        repositories.loading(store_url, workspace=fresh_workspace, patience=0.2),
    ):
        pytest.fail("two loadings have the lock")


@pytest.mark.usefixtures("people")
def test_a_request_waits_for_the_loading_and_is_answered_with_what_it_brought(
    store_url: str, fresh_workspace: str, engine: Engine, open_store: OpenStore
) -> None:
    store = open_store()
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(store.identify("new@example.com", "25").primary_contact_id)
    )
    with repositories.loading(store_url, workspace=fresh_workspace) as loading:
        asking.start()
        load_people(engine, loading, range(21, 30))
        asking.join(0.3)
        assert answers == []
        loading.commit()
    asking.join()
    assert answers == [25]
    assert store.totals() == repositories.Totals(30, 29)


@pytest.mark.usefixtures("people")
def test_a_workspace_made_with_another_policy_is_refused(
    store_url: str, fresh_workspace: str
) -> None:
    for entered in repositories.snapshot, repositories.loading:
        with (
            pytest.raises(PolicyMismatch, match="unset REUNITE_PHONE_REGION"),
            entered(store_url, workspace=fresh_workspace, phone_region="IN"),
        ):
            pytest.fail("another policy was accepted")


def test_a_snapshot_of_nothing_is_empty_and_makes_nothing(
    store_url: str, fresh_workspace: str, engine: Engine
) -> None:
    asked = rows(engine, ("type", "key"), ("email", "a@example.com"))
    with repositories.snapshot(
        store_url, workspace=fresh_workspace, phone_region="IN", or_empty=True
    ) as snapshot:
        assert snapshot.head.position == 0
        assert snapshot.policy.phone_region == "IN"
        assert (snapshot.identity_limit, snapshot.has_blocks) == (10_000, False)
        assert [holder for chunk in snapshot.holders(asked) for holder in chunk] == []
        assert b"".join(snapshot.csv("contact")) == b""
        assert b"".join(snapshot.tree_csv()) == b""
    # Whoever makes the workspace may choose another policy.
    with repositories.loading(store_url, workspace=fresh_workspace, phone_region="DE") as loading:
        assert loading.at >= snapshot.at
