"""`python -m demo.messy`: a Contact table as years of racing code leave it, and the truth of it.

    contacts.csv       the table
    components.csv     id and component of each row that can be taken: what the evidence joins
    people.csv         id and person of the same rows: who was behind them
    wrong_merges.csv   the 50 pairs of people that one identifier wrongly joins
    block.txt          junk that would join far more; for `reunite import --block`

Components are computed from what was meant, before it was misspelt, by `demo.truth`; nothing here
uses reunite. With block.txt, components and people differ by the wrong merges alone.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from demo.contacts import JUNK_EMAILS, JUNK_PHONES, People, Row, people_of
from demo.spelling import date_of, email_of, phone_of
from demo.truth import Truth

_COLUMNS = (
    *("id", "phoneNumber", "email", "linkedId", "linkPrecedence"),
    *("createdAt", "updatedAt", "deletedAt"),
)
_LEAST_ROWS = 2_000
_SHUFFLED_TOGETHER = 10_000
_FIRST_DAY = datetime(2012, 1, 1)


def spelt(row: Row, chance: random.Random) -> tuple[str, ...]:
    """A row as the table has it."""
    created = _FIRST_DAY + timedelta(seconds=chance.randrange(12 * 365 * 86_400))
    updated = created + timedelta(seconds=chance.randrange(86_400 * 30))
    deleted = date_of(updated, chance) if row.is_deleted else ""
    if chance.random() < 0.001:
        created += timedelta(days=100 * 365)
    is_secondary = row.linked is not None if chance.random() < 0.98 else row.linked is None
    return (
        str(row.id),
        row.unusable[1] if row.phone is None else phone_of(row.phone, chance),
        row.unusable[0] if row.email is None else email_of(row.email, chance),
        "" if row.linked is None else str(row.linked),
        "secondary" if is_secondary else "primary",
        "" if chance.random() < 0.005 else date_of(created, chance),
        date_of(updated, chance),
        deleted,
    )


_WriteRows = Callable[[Iterable[Iterable[object]]], None]


def make(rows: int, seed: int, folder: Path) -> None:
    """Write the five files into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    people = People(chance, rows)
    truth = Truth(frozenset(JUNK_PHONES + JUNK_EMAILS))
    with (
        _table(folder / "contacts.csv", _COLUMNS) as write_contacts,
        _table(folder / "people.csv", ("id", "person")) as write_people,
    ):
        waiting: list[Row] = []
        for person in people_of(people, rows):
            taken = [row for row in person.rows if truth.add(row)]
            write_people([(row.id, person.number) for row in taken])
            waiting += person.rows
            if len(waiting) > _SHUFFLED_TOGETHER:
                _write_shuffled(write_contacts, waiting, chance)
        _write_shuffled(write_contacts, waiting, chance)
    with _table(folder / "components.csv", ("id", "component")) as write:
        write(truth.components())
    with _table(folder / "wrong_merges.csv", ("person", "with_person", "identifier")) as write:
        write(people.wrong_merges)
    (folder / "block.txt").write_text("\n".join(("# junk", *JUNK_EMAILS, *JUNK_PHONES, "")))


@contextmanager
def _table(path: Path, header: Iterable[str]) -> Iterator[_WriteRows]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        yield writer.writerows


def _write_shuffled(write: _WriteRows, waiting: list[Row], chance: random.Random) -> None:
    chance.shuffle(waiting)
    write(spelt(row, chance) for row in waiting)
    waiting.clear()


def main(
    out: Annotated[Path, typer.Option(help="The folder for the files.")],
    rows: Annotated[int, typer.Option(min=_LEAST_ROWS, help="How many rows.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same table.")] = 1,
) -> None:
    """Make a messy Contact table, and beside it who is who."""
    make(rows, seed, out)


if __name__ == "__main__":
    typer.run(main)
