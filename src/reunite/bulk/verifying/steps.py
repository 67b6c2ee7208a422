"""The rows of the journal with what each brought, and the totals that they keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column, Flags, slices
from reunite.bulk.verifying.findings import Findings

CREATED, EXTENDED, MERGED, LINKED, IMPORTED, DECIDED, NOTED = range(7)
"""The types, as ``step`` in evidence.sql numbers them."""


class Steps(NamedTuple):
    """Rows of ``step`` (evidence.sql), by position."""

    position: Column
    type: Numbers
    c: Numbers
    a_said: Numbers
    b_said: Numbers
    a: Numbers
    b: Numbers
    contact_id: Column
    with_contact_id: Column
    primary_id: Column
    demoted_id: Column
    seen: Column
    contacts: Column
    identities: Column
    last_contact_id: Column

    def where(self, chosen: NDArray[Any] | slice) -> Steps:
        """Some of them."""
        columns: list[Any] = [column[chosen] for column in self]
        return Steps(*columns)


def steps_of(engine: Engine) -> Iterator[Steps]:
    """All of them, many at a time; requests, imports and what is by hand never together."""
    for columns in slices(engine, "step", ", ".join(Steps._fields)):
        steps = Steps(*columns)
        kind = np.clip(steps.type, LINKED, DECIDED)
        ends = np.flatnonzero(kind[1:] != kind[:-1]) + 1
        low = 0
        for high in (*ends.tolist(), len(kind)):
            yield steps.where(slice(low, high))
            low = high


class Totals:
    """Compares the totals that rows keep with what each row added.

    Each is compared with the row in front of it, so that one wrong row is not found again in all
    that come after it.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._before = [0, 0, 0]

    def check(
        self,
        steps: Steps,
        contacts: Column,
        identities: Column,
        *,
        seen: Column | None = None,
        knows_contacts: Flags | None = None,
        knows_identities: Flags | None = None,
    ) -> None:
        """Compare rows that follow those of the last call.

        Args:
            contacts, identities: how many more each row made.
            seen: the highest id that it saw, or 0; else as the steps say.
            knows_contacts, knows_identities: of which rows that is known; else of all.
        """
        kept = (steps.contacts, steps.identities, steps.last_contact_id)
        before = [
            np.concatenate(([last], column[:-1]))
            for last, column in zip(self._before, kept, strict=True)
        ]
        last = np.maximum(before[2], steps.seen if seen is None else seen)
        due = (before[0] + contacts, before[1] + identities, last)
        self._before = [int(column[-1]) for column in kept]
        wrong = kept[2] != due[2]
        for place, knows in enumerate((knows_contacts, knows_identities)):
            differs = kept[place] != due[place]
            wrong |= differs if knows is None else differs & knows
        self._findings.add(
            "totals_differ",
            (
                f"position {steps.position[n]} keeps {_row(kept, n)} contacts, identities and last"
                f" id; after the row in front of it they are {_row(due, n)}"
                for n in np.flatnonzero(wrong).tolist()
            ),
        )


def _row(columns: tuple[Column, ...], n: int) -> str:
    return ", ".join(str(int(column[n])) for column in columns)
