"""Customer records that `dupehell` makes, and which of their values are valid."""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow.parquet as pq
from dupehell import generate

from reunite import InvalidIdentifier, Policy, present


class Record(NamedTuple):
    """What a row presents: its valid values as they stand there, None for the others."""

    name: str
    email: str | None
    phone: str | None


class Reason(NamedTuple):
    """Why a value is not presented; ``field`` is ``email`` or ``phoneNumber``."""

    field: str
    wrong: str


@dataclass
class Dataset:
    """Rows, sifted.

    Attributes:
        rows: how many there were.
        records: those with a valid value, in the order in which they are posted.
        refused: how many values were refused, by reason.
        shapes: of each reason the shape of one value, its letters ``a``, its digits ``0``.
        absent: by field, how many rows have no value.
    """

    rows: int = 0
    records: list[Record] = field(default_factory=list)
    refused: Counter[Reason] = field(default_factory=Counter)
    shapes: dict[Reason, str] = field(default_factory=dict)
    absent: Counter[str] = field(default_factory=Counter)

    @property
    def unpresented(self) -> int:
        """How many rows have no valid value at all."""
        return self.rows - len(self.records)

    def sift(self, name: str, email: str | None, phone: str | None) -> None:
        """Take a row: keep what is valid, count what is not."""
        self.rows += 1
        record = Record(name, self._valid("email", email), self._valid("phoneNumber", phone))
        if record.email is not None or record.phone is not None:
            self.records.append(record)

    def _valid(self, field: str, value: str | None) -> str | None:
        if value is None or not value.strip():
            self.absent[field] += 1
            return None
        try:
            if field == "email":
                present(_POLICY, value, None)
            else:
                present(_POLICY, None, value)
        except InvalidIdentifier as error:
            reason = Reason(error.field, error.wrong)
            self.refused[reason] += 1
            self.shapes.setdefault(reason, _shape(value))
            return None
        return value


_POLICY = Policy()


def make_records(number: int, seed: int) -> Dataset:
    """Make customer rows and sift them; the same number and seed give the same.

    dupehell writes a customer's first row long before all others of theirs. Customers do not come
    back in such order, so the rows are shuffled.
    """
    with tempfile.TemporaryDirectory(prefix="reunite-demo-") as folder:
        made = generate("ecommerce", number, seed, output_dir=folder, only_entity="customer")
        columns = ["first_name", "last_name", "email", "phone"]
        table = pq.read_table(made.dataset, columns=columns)
    rows = list(zip(*(table[column].to_pylist() for column in columns), strict=True))
    random.Random(seed).shuffle(rows)
    dataset = Dataset()
    for first_name, last_name, email, phone in rows[:number]:
        dataset.sift(f"{first_name or ''} {last_name or ''}".strip(), email, phone)
    return dataset


def _shape(value: str) -> str:
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", value))
