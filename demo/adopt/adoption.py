"""One table from end to end: made, imported into both stores, verified, compared, served."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from demo.adopt.checks import Check
from demo.adopt.commands import Said, import_table
from demo.adopt.judge import Judge
from demo.adopt.partition import compare_people, compare_tree, read_tree
from demo.adopt.people import People
from demo.adopt.posts import Posts
from demo.adopt.rows import read_blocks
from demo.adopt.tables import TABLES
from demo.adopt.truth import Truth, find_truth
from demo.adopt.verifying import verify_stores
from demo.connection import write_post
from demo.posting import Hear, post_to_all
from demo.servers import empty_stores, serving_stores
from demo.steps import Steps
from demo.watching import watching

_CONNECTIONS = 16
"""To each store when everything is posted again."""


@dataclass(frozen=True)
class Order:
    """What to do: rows of each table, posts on top, and on which PostgreSQL server, None for one
    from the wheel.
    """

    rows: int
    posts: int
    seed: int
    postgres: str | None


@dataclass
class Adoption:
    """What was found of a table.

    Attributes:
        table: its name.
        seconds: how long each step took, by step and store.
        imported: what `reunite import` said, by store.
        verified: what `reunite verify` said of each store after the import,
        verified_again: and after the posts.
        outcomes: how many posts of each kind were answered how.
        checks: everything that was compared.
    """

    table: str
    seconds: dict[str, float] = field(default_factory=dict)
    imported: dict[str, Said] = field(default_factory=dict)
    verified: dict[str, Said] = field(default_factory=dict)
    verified_again: dict[str, Said] = field(default_factory=dict)
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether everything was as it must be."""
        return all(check.is_ok for check in self.checks)


def adopt(table: str, order: Order, folder: Path, console: Console) -> Adoption:
    """Adopt a table in a new folder; what differs is in the checks.

    Raises `Failed` where a command does, `CannotStart` where a server does not start.
    """
    adoption = Adoption(table)
    run = _Run(adoption, order, folder, Steps(table, console, adoption.seconds))
    with run.steps.step("make the table"):
        TABLES[table](order.rows, order.seed, folder)
    chance = random.Random(order.seed)
    with empty_stores(folder, order.postgres) as stores:
        for store, database in stores.items():
            run.import_into(store, database)
        adoption.verified = run.verify(stores, "")
        with run.steps.step("work out the truth"):
            truth = find_truth(folder, order.posts // 4, chance)
        run.compare(stores, truth)
        run.post(stores, truth, chance)
        adoption.verified_again = run.verify(stores, " again")
    return adoption


@dataclass
class _Run:
    adoption: Adoption
    order: Order
    folder: Path
    steps: Steps

    def import_into(self, store: str, database: str) -> None:
        """Import the table into a store; every row and every fault is accounted for."""
        rejects = self.folder / f"rejects-{store}.csv"
        with self.steps.step(f"import into {store}", shows_itself=True):
            said = import_table(self.folder, database, rejects)
        self.adoption.imported[store] = said
        reading = said["reading"]
        check = self._check(f"{store}: what the import says, against itself")
        told = reading["taken"] + reading["deleted"] + reading["refused"]
        check.compare("rows taken, deleted and refused", told, self.order.rows)
        check.compare("rows", reading["rows"], self.order.rows)
        faults = sum(fault["count"] for fault in reading["faults"])
        with rejects.open(encoding="utf-8", newline="") as file:
            lines = sum(1 for _ in csv.DictReader(file))
        check.compare("lines of --rejects", lines, faults)

    def verify(self, stores: Mapping[str, str], when: str) -> dict[str, Said]:
        """Verify the stores: each is sound, and they are the same."""
        found, checks = verify_stores(stores, self.steps, when)
        self.adoption.checks += checks
        return found

    def compare(self, stores: Mapping[str, str], truth: Truth) -> None:
        """Hold what was imported to the truth, as it was told and as users read it."""
        for store, database in stores.items():
            with self.steps.step(f"compare {store}"):
                self._compare_import(store, truth)
                tree = read_tree(database)
                self.adoption.checks += compare_tree(store, tree, truth)
                if (self.folder / "people.csv").exists():
                    self.adoption.checks.append(compare_people(store, tree, self.folder))

    def _compare_import(self, store: str, truth: Truth) -> None:
        reading, effect = (self.adoption.imported[store][part] for part in ("reading", "effect"))
        check = self._check(f"{store}: what the import and verify say, against the truth")
        for column in ("email", "phoneNumber"):
            faults = [
                each["count"]
                for each in reading["faults"]
                if each["column"] == column and not each["reason"].startswith("is blocked")
            ]
            check.compare(f"unusable values of {column}", sum(faults), truth.unusable[column])
        counts = self.adoption.verified[store]["counts"]
        for what, due in (("contacts", len(truth.primary_of)), ("identities", truth.identities)):
            check.compare(f"{what} of the import", effect[what]["after"], due)
            check.compare(f"{what} of verify", counts[what], due)

    def post(self, stores: Mapping[str, str], truth: Truth, chance: random.Random) -> None:
        """Serve the stores and post on top, then the same again."""
        blocked = read_blocks(self.folder / "block.txt")
        posts = Posts(truth.people, blocked, chance).take(self.order.posts)
        judge = Judge(posts, People(truth.people, blocked, truth.last_id))
        written = [write_post(post) for post in posts]
        with serving_stores(dict(stores), self.folder) as ports:

            def post_them(what: str, connections: int, hear: Hear) -> None:
                with (
                    self.steps.step(what, shows_itself=True),
                    watching(what, list(ports), len(posts)) as watch,
                ):
                    post_to_all(ports, written, connections, hear, watch)

            post_them("post on top", 1, judge.hear)
            post_them("post again", _CONNECTIONS, judge.hear_again)
        self.adoption.checks += judge.checks
        self.adoption.outcomes = {kind: dict(found) for kind, found in judge.outcomes.items()}

    def _check(self, what: str) -> Check:
        check = Check(what)
        self.adoption.checks.append(check)
        return check
