"""What the parts of a run share: files, stores, and measurements that take turns."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bench.importing.results import Plan, Row
from bench.importing.table import Table
from bench.importing.worker import Job, Took, measure
from bench.postgres import Postgres


class Subject(NamedTuple):
    """What takes turns with others: the row it becomes, and how it is measured in a round."""

    row: Row
    run: Callable[[int], Took]


class Lab:
    """One run's surroundings; ``tell`` is called with what is being done now."""

    def __init__(
        self, folder: Path, postgres: Postgres, plan: Plan, tell: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self.plan = plan
        self.tell = tell
        self._numbers = count(1)

    @contextmanager
    def file(self, table: Table) -> Iterator[Path]:
        """A table as CSV, for a while."""
        self.tell(f"generating {table.rows:,} rows")
        path = self.folder / f"{next(self._numbers)}.csv"
        try:
            self.work(Job("generate", str(path), table=table))
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def empty(self, kind: str) -> Iterator[str]:
        """The URL of an empty store, for a while."""
        path = self.folder / f"{next(self._numbers)}.db"
        is_postgresql = kind == "postgresql"
        url = self.postgres.fresh_database() if is_postgresql else f"sqlite:///{path}"
        try:
            yield url
        finally:
            if is_postgresql:
                self.postgres.drop(url)
            for each in self.folder.glob(f"{path.name}*"):
                each.unlink()

    @contextmanager
    def filled(self, kind: str, contacts: int) -> Iterator[str]:
        """The URL of a store with so many people of one contact, for a while."""
        with self.empty(kind) as url:
            with self.file(Table(contacts, is_single=True)) as path:
                self.tell(f"filling {kind} with {contacts:,} contacts")
                self.work(Job("import", str(path), url=url))
            self._keep_house(kind, url)
            yield url

    @contextmanager
    def grown(self, kind: str, contacts: int) -> Iterator[str]:
        """The URL of a store that live requests let grow to so many contacts, for a while."""
        with self.empty(kind) as url:
            self.tell(f"growing {kind} to {contacts:,} contacts")
            self.work(Job("grow", url=url, contacts=contacts))
            self._keep_house(kind, url)
            yield url

    @contextmanager
    def place(self) -> Iterator[Path]:
        """The path of a folder that is still to be made, for a while."""
        path = self.folder / f"{next(self._numbers)}.full"
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def work(self, job: Job) -> Took:
        """Do it while PostgreSQL has nothing left to write of what was before."""
        self.postgres.settle()
        return measure(job, self.folder)

    def _keep_house(self, kind: str, url: str) -> None:
        """Do what the server would by itself in a while."""
        if kind == "postgresql":
            self.postgres.vacuum(url)

    def into_empty(self, kind: str, job: Job) -> Took:
        """Do it on an empty store."""
        with self.empty(kind) as url:
            return self.work(Job(job.what, job.path, url=url))


def alternate(lab: Lab, subjects: Sequence[Subject], rounds: int) -> list[Row]:
    """Measure all of them, round by round, every second round backwards."""
    for number in range(rounds):
        for row, run in reversed(subjects) if number % 2 else subjects:
            held = f" into {row.before:,} contacts" if row.before else ""
            lab.tell(
                f"{row.what}, {row.rows:,} rows by {row.by}{held}: round {number + 1} of {rounds}"
            )
            row.runs.append(run(number))
    return [subject.row for subject in subjects]
