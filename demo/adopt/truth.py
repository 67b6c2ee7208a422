"""What an import of a table must come to: who is whose primary; and some people to ask for."""

from __future__ import annotations

import csv
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from demo.adopt.rows import Row, read_rows

_LARGEST = 10
"""So many of the largest people are always among those to ask for."""


@dataclass
class Truth:
    """What is true of a table.

    Attributes:
        primary_of: the id of each row that can be taken, and that of the oldest of its component.
        people: the rows of some components.
        last_id: the highest id that the table uses or names.
        unusable: how many values are no identifiers, by our name of the column.
    """

    primary_of: dict[int, int] = field(default_factory=dict)
    people: list[list[Row]] = field(default_factory=list)
    last_id: int = 0
    unusable: Counter[str] = field(default_factory=Counter)

    @property
    def identities(self) -> int:
        """How many people there are."""
        return sum(id_ == primary for id_, primary in self.primary_of.items())


def find_truth(folder: Path, people: int, chance: random.Random) -> Truth:
    """Read a table's folder: components.csv says who is one, contacts.csv who is the oldest.

    ``people`` is how many to choose: the largest, and those of random rows.
    """
    component_of = read_numbers(folder / "components.csv", "component")
    rows_of = _choose(component_of, people, chance)
    truth = Truth()
    oldest: dict[int, tuple[int, int]] = {}
    for row in read_rows(folder / "contacts.csv"):
        truth.unusable.update(row.unusable)
        truth.last_id = max(truth.last_id, row.id, row.linked or 0)
        component = component_of.get(row.id)
        if component is not None:
            age = row.created_at, row.id
            oldest[component] = min(age, oldest.get(component, age))
            if component in rows_of:
                rows_of[component].append(row)
    for id_, component in component_of.items():
        truth.primary_of[id_] = oldest[component][1]
    truth.people = list(rows_of.values())
    return truth


def read_numbers(path: Path, column: str) -> dict[int, int]:
    """A column of numbers, by id."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        header = next(lines)
        id_at, value_at = header.index("id"), header.index(column)
        return {int(line[id_at]): int(line[value_at]) for line in lines}


def _choose(
    component_of: dict[int, int], people: int, chance: random.Random
) -> dict[int, list[Row]]:
    sizes = Counter(component_of.values())
    chosen: dict[int, list[Row]] = {size[0]: [] for size in sizes.most_common(_LARGEST)}
    ids = list(component_of)
    people = min(people, len(sizes))
    while len(chosen) < people:
        chosen.setdefault(component_of[chance.choice(ids)], [])
    return chosen
