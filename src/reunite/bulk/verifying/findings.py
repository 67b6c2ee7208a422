"""What does not hold in a store: which rule is broken, by what, how often."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from reunite.bulk.engine import Engine

LISTED = 20
"""How many faults of each rule are listed."""

Rule = Literal[
    "blocked_contact_among_others",
    "contact_hangs_on_nothing",
    "contact_with_another_anchor",
    "demotions_differ",
    "journal_names_another_demoted",
    "journal_names_another_primary",
    "journal_names_other_contacts",
    "journal_of_the_wrong_type",
    "not_in_normal_form",
    "totals_differ",
    "tree_names_another_primary",
    "workspace_says_otherwise_of_blocks",
    "workspace_says_otherwise_of_constraints",
]
"""The rules that Python checks; each other rule is a query of that name."""


class Finding(msgspec.Struct, frozen=True):
    """A rule that is broken: how often, and the first `LISTED` cases in words."""

    rule: str
    total: int
    cases: list[str]


class Findings:
    """Gathers what does not hold, rule by rule."""

    def __init__(self) -> None:
        self._cases: dict[str, list[str]] = {}
        self._totals: dict[str, int] = {}

    def add(self, rule: Rule, cases: Iterable[str]) -> None:
        """Note cases; those past the first `LISTED` of a rule are only counted."""
        kept = self._cases.setdefault(rule, [])
        for case in cases:
            self._totals[rule] = self._totals.get(rule, 0) + 1
            if len(kept) < LISTED:
                kept.append(case)

    def ask(self, engine: Engine, rule: str, sql: str, **parameters: object) -> None:
        """Note what a query finds: one column, the case in words."""
        found = engine.connection.execute(
            f"select *, count(*) over () from ({sql}\n) limit {LISTED}", parameters
        ).fetchall()
        if found:
            self._totals[rule] = self._totals.get(rule, 0) + int(found[0][1])
            kept = self._cases.setdefault(rule, [])
            kept += [str(case) for case, _ in found][: LISTED - len(kept)]

    def all(self) -> list[Finding]:
        """Everything found, by rule."""
        return [
            Finding(rule, total, self._cases[rule]) for rule, total in sorted(self._totals.items())
        ]
