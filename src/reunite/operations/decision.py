"""What an operation by hand did, or would do."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from reunite.evidence import Constraint, Identifier
from reunite.identity import Identity

SHOWN = 100
"""Identities, and pairs, that a decision shows; all are counted."""


class Pairs(msgspec.Struct, frozen=True):
    """Pairs of identifiers: how many, and the first of them in order."""

    count: int
    first: tuple[tuple[Identifier, Identifier], ...]

    @classmethod
    def of(cls, pairs: Collection[tuple[Identifier, Identifier]]) -> Pairs:
        """Some pairs, each once."""
        ordered = sorted(set(pairs))
        return cls(len(ordered), tuple(ordered[:SHOWN]))


class Decision(msgspec.Struct, frozen=True):
    """The outcome of an operation by hand.

    Attributes:
        position: its journal row; None where there was nothing to do, or it was only tried.
        identities: those that it concerned, as they are after it, by age: the first of them.
        constraints: those that it added.
        lifted: constraints that it took out of the way.
        still_joined: pairs of what it voided that other evidence keeps in one identity.
        unrecorded: pairs of what it voided that a request presented. Whether they were presented
            again before now is not known: a repeat of what stands is not recorded.
        identity_count: how many identities it concerned; where that is not given, as in what older
            versions answered under a key, those that are shown.
    """

    position: int | None
    identities: tuple[Identity, ...]
    constraints: tuple[Constraint, ...] = ()
    lifted: tuple[Constraint, ...] = ()
    still_joined: Pairs = Pairs(0, ())
    unrecorded: Pairs = Pairs(0, ())
    identity_count: int = 0

    def __post_init__(self) -> None:
        count = max(self.identity_count, len(self.identities))
        msgspec.structs.force_setattr(self, "identity_count", count)
