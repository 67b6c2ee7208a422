"""The wrong merges of a messy table, from end to end: imported, found, undone, proven."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from demo import messy
from demo.adopt.checks import Check
from demo.adopt.commands import Said, import_table, stats
from demo.adopt.partition import read_shown
from demo.adopt.rows import read_blocks
from demo.adopt.verifying import verify_stores
from demo.servers import empty_stores, serving_stores
from demo.steps import Steps
from demo.undo.people import Pair, compare_people, people_joined, read_planted
from demo.undo.pictures import Pictures
from demo.undo.stores import Stores
from demo.undo.support import Agent, Case, Doubt, doubts_of

_LISTED = 1_000
"""Doubtful identities that the agent asks for at a time."""


@dataclass(frozen=True)
class Order:
    """What to do: rows of the table, its seed, and on which PostgreSQL server, None for one from
    the wheel.
    """

    rows: int
    seed: int
    postgres: str | None


@dataclass
class Repair:
    """What was found and done.

    Attributes:
        seconds: how long each step took, by step and store.
        imported: what `reunite import` said, by store.
        doubtful: how many identities `reunite stats` listed, each time it was asked.
        cases: what the agent worked on.
        verified: what `reunite verify` said in the end, by store.
        planted, parted: the people whom the table wrongly joins, and those whom the agent parted.
        pictures: the pages that were drawn.
        checks: everything that was compared.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    imported: dict[str, Said] = field(default_factory=dict)
    doubtful: list[int] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    verified: dict[str, Said] = field(default_factory=dict)
    planted: set[Pair] = field(default_factory=set)
    parted: set[Pair] = field(default_factory=set)
    pictures: list[Path] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether everything was as it must be."""
        return all(check.is_ok for check in self.checks)


def repair(order: Order, folder: Path, console: Console) -> Repair:
    """Make the table in a folder and undo its wrong merges; what differs is in the checks.

    Raises `Failed` where a command or a request does, `CannotStart` where a server does not start.
    """
    steps = Steps("undo", console)
    run = _Run(Repair(steps.seconds), order, folder, steps)
    with steps.step("make the table"):
        messy.make(order.rows, order.seed, folder)
    with empty_stores(folder, order.postgres) as stores:
        for store, database in stores.items():
            with steps.step(f"import into {store}", shows_itself=True):
                rejects = folder / f"rejects-{store}.csv"
                run.repair.imported[store] = import_table(folder, database, rejects)
        run.undo(stores)
        run.repair.verified, checks = verify_stores(stores, steps)
        run.repair.checks += checks
        run.compare(stores)
    return run.repair


@dataclass
class _Run:
    repair: Repair
    order: Order
    folder: Path
    steps: Steps

    def undo(self, stores: Mapping[str, str]) -> None:
        """Work on what is doubtful until nothing is, or nobody knows what to do."""
        pictures = Pictures(next(iter(stores.values())), self.folder / "pictures")
        found = self._stats(stores)
        with (
            serving_stores(dict(stores), self.folder) as ports,
            closing(Stores(ports)) as services,
        ):
            agent = Agent(services, pictures.before)
            while doubts := self._new_doubts(found):
                with self.steps.step(f"explain and undo, {len(self.repair.doubtful)}"):
                    for doubt in doubts:
                        self.repair.cases.append(case := agent.work_on(doubt))
                        pictures.after(case)
                found = self._stats(stores)
        self.repair.pictures = pictures.made
        self.repair.checks.append(services.check)
        left = Check("doubtful identities that are left")
        left.compare("of stats", found["numberOfDoubtful"], 0)
        self.repair.checks.append(left)

    def _new_doubts(self, statistics: Said) -> list[Doubt]:
        """What is doubtful and was not worked on: of identities of many names two at a time."""
        seen = {case.doubt for case in self.repair.cases}
        return [doubt for doubt in doubts_of(statistics) if doubt not in seen]

    def _stats(self, stores: Mapping[str, str]) -> Said:
        """What `reunite stats` says, of both stores the same."""
        time = len(self.repair.doubtful) + 1
        said = {}
        for store, database in stores.items():
            with self.steps.step(f"stats {store}, {time}", shows_itself=True):
                said[store] = stats(database, _LISTED)
        one, *others = said.values()
        check = Check(f"both stores: stats, {time}")
        for other in others:
            for name in one:
                check.compare(name, other[name], one[name])
        self.repair.checks.append(check)
        self.repair.doubtful.append(one["numberOfDoubtful"])
        return one

    def compare(self, stores: Mapping[str, str]) -> None:
        """Hold the stores to the people; only here it is read who they are."""
        with self.steps.step("work out the truth"):
            planted = read_planted(self.folder)
        blocked = {*read_blocks(self.folder / "block.txt"), *self._blocked()}
        for store, database in stores.items():
            with self.steps.step(f"compare {store}"):
                shown = read_shown(database)
                self.repair.checks += compare_people(store, shown, planted, blocked)
        self.repair.planted = planted.wrong_merges
        parted = [(each.one.key, each.other.key) for each in self.repair.cases if each.decision]
        self.repair.parted = people_joined(planted, parted)
        check = Check("people who were parted, against those whom the table wrongly joins")
        for pair in self.repair.parted | self.repair.planted:
            in_both = pair in self.repair.parted, pair in self.repair.planted
            check.compare(f"people {pair} are parted, were joined", *in_both)
        self.repair.checks.append(check)

    def _blocked(self) -> set[str]:
        """The keys of what the agent blocked."""
        decisions = [case.decision for case in self.repair.cases]
        return {
            identifier.key
            for decision in decisions
            if decision is not None and decision.what == "block"
            for identifier in decision.identifiers
        }
