"""A SQLite file on a disk that is full or fails: 507 or 503, nothing acknowledged is lost, nothing
is half done, and all works again, without opening anew, when the disk does."""

from __future__ import annotations

import copy
import itertools
import shutil
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import pytest

from audit import Tables, faults
from disk import Disk, Kind
from oracle import Oracle
from reunite import OutcomeUnknown, StoreError, StoreFull, StoreUnavailable, Totals, present
from reunite.repositories.sqlite import SqliteRepository
from test_exhaustive import as_oracle

Request = tuple[str | None, str | None]


BATCHES: list[list[Request]] = [
    [("a@x.co", "1"), ("b@x.co", "2"), ("c@x.co", "3")],
    [("a@x.co", "4"), ("a@x.co", "2")],
    [("c@x.co", None), ("b@x.co", "1"), ("c@x.co", "1")],
]
"""Requests that create, extend, merge, know and link."""


def after_a_crash(path: Path) -> Tables:
    """What would be found if every process died now: the index of the WAL is lost with them."""
    folder = path.parent / "crashed"
    folder.mkdir()
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.exists():
            shutil.copy(file, folder)
    tables = Tables.read(f"sqlite:///{folder / path.name}")
    shutil.rmtree(folder)
    assert faults(tables) == []
    return tables


def now(path: Path) -> Tables:
    tables = Tables.read(f"sqlite:///{path}")
    assert faults(tables) == []
    return tables


def emails(tables: Tables) -> list[str]:
    return [contact["email"] for contact in tables.contacts]


def is_state_of(oracle: Oracle, tables: Tables) -> bool:
    contacts = [(contact["email"], contact["phone"]) for contact in tables.contacts]
    return contacts == oracle.contacts and len(tables.links) == oracle.number_of_links


class Trial:
    """A store on a disk, beside an oracle that did what the store did, told by its answers.

    Two repositories take turns, as two processes would, so that each has to read what the other
    wrote. ``errors`` counts what was raised, ``surfaced`` the requests of unknown outcome that a
    crash would have brought to light.
    """

    def __init__(self, disk: Disk, path: Path, checkpoint_pages: int = 1) -> None:
        self.disk = disk
        self.path = path
        self.oracle = Oracle()
        self.errors: Counter[type[StoreError]] = Counter()
        self.surfaced = 0
        self._stores = [SqliteRepository(path), SqliteRepository(path)]
        for store in self._stores:
            store._writer.pragma("wal_autocheckpoint", checkpoint_pages)
        self._turns = itertools.cycle(self._stores)

    def identify(self, requests: list[Request]) -> None:
        """Identify; where that fails, look at what is left, repair the disk, and do it again."""
        store = next(self._turns)
        after = copy.deepcopy(self.oracle)
        expected = [after.identify(*request) for request in requests]
        try:
            answers = store.identify_many(requests)
        except StoreError as error:
            self.errors[type(error)] += 1
            self.disk.repair()
            self._settle(after if isinstance(error, OutcomeUnknown) else self.oracle)
            self._stores_work(requests)
        else:
            assert [as_oracle(answer, 0) for answer in answers] == expected
            self.oracle = after

    def recognise(self, requests: list[Request]) -> None:
        """Ask for what is known, from the snapshot; where that fails, repair the disk."""
        store = self._stores[0]
        presented = [present(store.policy, *request) for request in requests]
        try:
            answers = store.recognise_many(presented)
        except StoreUnavailable as error:
            self.errors[type(error)] += 1
            self.disk.repair()
            answers = store.recognise_many(presented)
        assert None not in answers

    def _settle(self, after: Oracle) -> None:
        """The request is there wholly or not at all, and only where its outcome is unknown."""
        crashed, living = after_a_crash(self.path), now(self.path)
        self.surfaced += not is_state_of(self.oracle, crashed)
        assert is_state_of(self.oracle, crashed) or is_state_of(after, crashed)
        if not is_state_of(self.oracle, living):
            assert is_state_of(after, living)
            self.oracle = after

    def _stores_work(self, requests: list[Request]) -> None:
        for store in self._stores:
            expected = [self.oracle.identify(*request) for request in requests]
            answers = store.identify_many(requests)
            assert [as_oracle(answer, 0) for answer in answers] == expected

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disk.repair()
        for store in self._stores:
            store.close()


def run(trial: Trial) -> None:
    for requests in BATCHES:
        trial.identify(requests)
    trial.recognise(requests)
    trial.disk.repair()
    assert is_state_of(trial.oracle, now(trial.path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reunite.db"


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "reunite.db"
    SqliteRepository(path).close()
    return path


EVERYTHING: tuple[Kind, ...] = ("read", "write", "truncate")
FAILURES: list[tuple[tuple[Kind, ...], bool, set[type[StoreError]]]] = [
    (("write",), False, {OutcomeUnknown}),
    (("truncate",), False, set()),
    (("flush",), False, {OutcomeUnknown}),
    (("read",), False, {OutcomeUnknown, StoreUnavailable}),
    (EVERYTHING, True, {OutcomeUnknown, StoreUnavailable}),
]
"""What fails, whether it goes on failing, and what may then be raised; what fails in a checkpoint
is done by the next one. Writing reads, too, in the step that commits: whether a failure came before
the commit or in it, nobody tells."""

every_failure = pytest.mark.parametrize(
    ("kinds", "lasting", "raised"),
    FAILURES,
    ids=["a write", "a truncation", "a flush", "a read", "everything from then on"],
)


@every_failure
def test_whatever_operation_of_the_disk_fails_no_request_is_half_done_or_lost(
    kinds: tuple[Kind, ...],
    lasting: bool,
    raised: set[type[StoreError]],
    empty_store: Path,
    path: Path,
) -> None:
    errors: Counter[type[StoreError]] = Counter()
    with Disk(*kinds) as disk:
        for nth in itertools.count(1):
            shutil.copy(empty_store, path)
            with Trial(disk, path) as trial:
                disk.fail(nth, lasting=lasting)
                run(trial)
            errors += trial.errors
            if not disk.broke:
                break
    assert nth > 1
    assert set(errors) == raised


@pytest.mark.parametrize("checkpoint_pages", [1, 4000], ids=["checkpoints", "wal grows"])
def test_however_little_room_is_left_a_full_disk_costs_a_507_and_nothing_else(
    checkpoint_pages: int, empty_store: Path, path: Path
) -> None:
    errors: Counter[type[StoreError]] = Counter()
    with Disk() as disk:
        for free in itertools.count(0, 2500):
            shutil.copy(empty_store, path)
            with Trial(disk, path, checkpoint_pages) as trial:
                disk.fill(free)
                run(trial)
            errors += trial.errors
            if not disk.broke:
                break
    assert set(errors) == {StoreFull}


def test_on_a_full_disk_what_is_known_is_still_answered(path: Path) -> None:
    with Disk() as disk, SqliteRepository(path) as store:
        store.identify("a@x.co", "1")
        disk.fill(free=0)
        for _ in range(3):
            with pytest.raises(StoreFull, match="no space left"):
                store.identify("b@x.co", "2")
            assert store.identify("a@x.co", "1").outcome == "known"
            assert store.recognise_many([present(store.policy, "a@x.co", None)]) != [None]
            assert store.totals() == Totals(contacts=1, identities=1)
        disk.repair()
        assert store.identify("b@x.co", "2").primary_contact_id == 2


def test_a_request_whose_flush_failed_may_be_found_after_a_crash(path: Path) -> None:
    with Disk("flush") as disk, SqliteRepository(path) as store:
        store.identify("a@x.co", "1")
        disk.fail(1)
        with pytest.raises(OutcomeUnknown):
            store.identify("b@x.co", "2")
        assert emails(now(path)) == ["a@x.co"]
        assert emails(after_a_crash(path)) == ["a@x.co", "b@x.co"]
        store.identify("c@x.co", "3")
        assert emails(now(path)) == emails(after_a_crash(path)) == ["a@x.co", "c@x.co"]


def test_a_request_that_failed_after_its_flush_may_be_found_after_a_crash(path: Path) -> None:
    with Disk("write") as disk, SqliteRepository(path) as store:
        store._writer.pragma("wal_autocheckpoint", 0)
        _fill_index_of_wal(path)
        unknown = _fail_late(disk, store)
        assert unknown not in emails(now(path))
        assert unknown in emails(after_a_crash(path))
        assert store.identify("z@x.co").outcome == "created"
        assert emails(now(path)) == emails(after_a_crash(path)) == ["z@x.co"]


def _fill_index_of_wal(path: Path) -> None:
    """Write until the next commit is the one that has to lengthen the index, after 4062 frames."""
    connection = apsw.Connection(str(path))
    connection.pragma("synchronous", "off")
    connection.pragma("wal_autocheckpoint", 0)
    wal = path.with_name(f"{path.name}-wal")
    while wal.stat().st_size < 4060 * (4096 + 24):
        connection.execute("update workspace set identity_limit = identity_limit + 1")
    connection.close()


def _fail_late(disk: Disk, store: SqliteRepository) -> str:
    """Fail in each write of a request, one after the other, up to the first of the index."""
    for nth in range(1, 100):
        email = f"a{nth}@x.co"
        disk.fail(nth)
        with pytest.raises(OutcomeUnknown) as unknown:
            store.identify(email)
        disk.repair()
        if getattr(unknown.value.__cause__, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:
            return email
    raise AssertionError("the index was never lengthened")


@every_failure
def test_a_store_that_failed_while_being_made_is_made_by_the_next_try(
    kinds: tuple[Kind, ...], lasting: bool, raised: set[type[StoreError]], path: Path
) -> None:
    errors = set()
    with Disk(*kinds) as disk:
        for nth in itertools.count(1):
            disk.fail(nth, lasting=lasting)
            try:
                store = SqliteRepository(path)
            except StoreError as error:
                errors.add(type(error))
                disk.repair()
                store = SqliteRepository(path)
            disk.repair()
            assert store.identify("a@x.co").primary_contact_id == 1
            store.close()
            for file in path.parent.iterdir():
                file.unlink()
            if not disk.broke:
                break
    assert set() < errors <= raised | {StoreUnavailable}


def test_a_store_that_finds_no_room_is_made_when_there_is_some(path: Path) -> None:
    with Disk() as disk:
        for free in itertools.count(0, 2500):
            disk.fill(free)
            try:
                SqliteRepository(path).close()
            except (StoreFull, StoreUnavailable):
                assert disk.broke
            if not disk.broke:
                break
        disk.repair()
        with SqliteRepository(path) as store:
            assert store.identify("a@x.co").primary_contact_id == 1


def test_closing_on_a_broken_disk_loses_nothing(path: Path) -> None:
    with Disk("read", "write", "truncate") as disk:
        with SqliteRepository(path) as store:
            store.identify("a@x.co", "1")
            disk.fail(1, lasting=True)
        assert disk.broke
        disk.repair()
        assert emails(now(path)) == ["a@x.co"]
