"""A constraint as it is told over HTTP."""

from __future__ import annotations

import msgspec

from reunite.inquiry.told import Position, Spelt


class Kept(msgspec.Struct, rename="camel"):
    """A constraint: two identifiers that must never be one person."""

    position: Position
    a: Spelt
    b: Spelt


def kept_apart(position: int, a: tuple[str, str], b: tuple[str, str]) -> Kept:
    """Put a constraint into its shape; each end is a type and a key."""
    return Kept(position, Spelt(*a), Spelt(*b))
