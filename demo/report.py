"""What the demo found, for a terminal, a pipe or a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from demo.people import Person
from demo.records import Dataset

_SHOWN = 6
"""Of a person's values of one kind, how many are shown."""

_PIPE_WIDTH = 140
"""Characters of a line where there is no terminal to ask."""


@dataclass(frozen=True)
class Timing:
    """How long the posts of one pass took on one store.

    Attributes:
        store: its name.
        what: ``first`` (in order) or ``again``.
        connections: how many carried them at the same time.
        requests: how many posts.
        seconds: from the first post to the last answer.
    """

    store: str
    what: str
    connections: int
    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Report:
    """A run in which nothing differed.

    Attributes:
        seed: what the rows were made with.
        dataset: the rows.
        identifiers: how many distinct ones were presented.
        outcomes: how many of the first answers had which outcome.
        people: everybody.
        shown: a few of them, by what makes each worth showing.
        timings: of each store and pass.
        seconds: of the whole run, making the rows and starting the servers included.
    """

    seed: int
    dataset: Dataset
    identifiers: int
    outcomes: dict[str, int]
    people: Sequence[Person]
    shown: dict[str, Person]
    timings: Sequence[Timing]
    seconds: float

    @property
    def contacts(self) -> int:
        """How many contacts were made."""
        return sum(len(person.contacts) for person in self.people)


def to_json(report: Report) -> str:
    """Write it as one JSON object."""
    data = report.dataset
    whole: dict[str, Any] = {
        "seed": report.seed,
        "rows": data.rows,
        "posted": len(data.records),
        "absent": data.absent,
        "refused": [
            {**reason._asdict(), "values": values, "shape": data.shapes[reason]}
            for reason, values in data.refused.most_common()
        ],
        "identifiers": report.identifiers,
        "contacts": report.contacts,
        "people": len(report.people),
        "outcomes": report.outcomes,
        "timings": [
            asdict(timing) | {"requestsPerSecond": timing.rate} for timing in report.timings
        ],
        "seconds": report.seconds,
        "shown": {
            why: {"contact": person.contact, "names": _names(person)}
            for why, person in report.shown.items()
        },
    }
    return json.dumps(whole, indent=2)


def show(report: Report, console: Console) -> None:
    """Print it: tables in a terminal, plain columns in a pipe."""
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    data = report.dataset
    stores = " and ".join(dict.fromkeys(timing.store for timing in report.timings))
    sections: list[tuple[str, Table]] = [
        (
            f"{data.rows:,} customer records of dupehell (ecommerce, seed {report.seed}): "
            f"{len(data.records):,} with a valid value were posted to {stores}. Not presented:",
            _not_presented(data),
        ),
        (
            "Every answer was the same on both, body for body, and the union-find's, too: "
            f"{report.identifiers:,} identifiers on {report.contacts:,} contacts are "
            f"{len(report.people):,} people.",
            _outcomes(report),
        ),
        (
            "Both at the same time, on one machine with the client: first in order on one "
            "connection, then all once more on several.",
            _timings(report),
        ),
        ("Some of those it put together:", _people(report.shown)),
    ]
    for text, table in sections:
        if not console.is_terminal:
            table.box = None
        console.print(text, highlight=False)
        console.print(table)
        console.print()
    console.print(f"{report.seconds:.0f} s in all.", highlight=False)


def _not_presented(data: Dataset) -> Table:
    table = _table("field", "why", "values#", "such as")
    for name, rows in sorted(data.absent.items()):
        table.add_row(name, "is absent", f"{rows:,}", "")
    for reason, values in data.refused.most_common():
        table.add_row(reason.field, reason.wrong, f"{values:,}", data.shapes[reason])
    table.add_row("both", "leave a row with nothing to present", f"{data.unpresented:,}", "")
    return table


def _outcomes(report: Report) -> Table:
    table = _table(*(f"{outcome}#" for outcome in report.outcomes))
    table.add_row(*(f"{answers:,}" for answers in report.outcomes.values()))
    return table


def _timings(report: Report) -> Table:
    table = _table("store", "posted", "connections#", "requests#", "seconds#", "requests/s#")
    for timing in report.timings:
        table.add_row(
            timing.store,
            timing.what,
            str(timing.connections),
            f"{timing.requests:,}",
            f"{timing.seconds:.1f}",
            f"{timing.rate:,.0f}",
        )
    return table


def _people(shown: dict[str, Person]) -> Table:
    table = _table("", "records#", "contacts", "e-mails", "phone numbers", "names in the records")
    for why, person in shown.items():
        table.add_row(
            why,
            str(len(person.records)),
            _some(map(str, person.contacts)),
            _some(person.contact["emails"]),
            _some(person.contact["phoneNumbers"]),
            _some(_names(person)),
            end_section=True,
        )
    return table


def _names(person: Person) -> list[str]:
    return list(dict.fromkeys(record.name for record in person.records if record.name))


def _some(values: Iterable[str]) -> str:
    every = list(values)
    more = len(every) - _SHOWN
    return "\n".join([*every[:_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def _table(*columns: str) -> Table:
    """Make a table; columns whose name ends in # hold numbers."""
    table = Table(box=box.ROUNDED)
    for column in columns:
        table.add_column(
            column.removesuffix("#"), justify="right" if column.endswith("#") else "left"
        )
    return table
