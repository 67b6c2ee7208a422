"""The operations that can be asked for, as data: what is digested, and what is done."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from reunite.errors import InvalidOperation, OperationRefused
from reunite.evidence import Identifier


class Unlink(msgspec.Struct, frozen=True, tag="unlink"):
    """Take back what ties an identity together: exactly one of pair, identifier and position.

    Attributes:
        contact_id: any contact of the identity.
        pair: two identifiers, all evidence of which is voided wherever it was presented.
        identifier: one of which all pairs are voided, and the links of what hangs on it.
        position: of a journal row that concerns the identity, all of which is undone.
        constrain: whether what is unlinked is kept apart from now on; not where it is a position.
        force: void a pair even though other evidence still joins it; then nothing is constrained.
    """

    contact_id: int
    pair: tuple[Identifier, Identifier] | None = None
    identifier: Identifier | None = None
    position: int | None = None
    constrain: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        named = [self.pair, self.identifier, self.position]
        if sum(one is not None for one in named) != 1:
            raise InvalidOperation(
                "",
                "what to unlink is not clear",
                "one of a pair of identifiers, an identifier, or a position of the journal",
            )
        if self.pair is not None and self.pair[0] == self.pair[1]:
            raise OperationRefused("both of the pair are the same identifier; name two that differ")


class Merge(msgspec.Struct, frozen=True, tag="merge"):
    """Assert that two contacts, and all that they hang together with, are one person."""

    contact_id: int
    with_contact_id: int


class Undo(msgspec.Struct, frozen=True, tag="undo"):
    """Take back a journal row: all that it brought, and all that it ended."""

    position: int


class Constrain(msgspec.Struct, frozen=True, tag="constrain"):
    """Keep two identifiers in different identities; contacts stand for what they hang on."""

    a: Identifier | int
    b: Identifier | int


class Unconstrain(msgspec.Struct, frozen=True, tag="unconstrain"):
    """Remove the constraints between two identifiers."""

    a: Identifier | int
    b: Identifier | int


class Block(msgspec.Struct, frozen=True, tag="block"):
    """Let an identifier link no one."""

    identifier: Identifier


class Unblock(msgspec.Struct, frozen=True, tag="unblock"):
    """Let a blocked identifier link again."""

    identifier: Identifier


class Allow(msgspec.Struct, frozen=True, tag="allow"):
    """Do what a held request asked, and void the constraints in its way."""

    held_id: int


class Dismiss(msgspec.Struct, frozen=True, tag="dismiss"):
    """Let a held request wait no longer."""

    held_id: int


Asked: TypeAlias = (
    Unlink | Merge | Undo | Constrain | Unconstrain | Block | Unblock | Allow | Dismiss
)
"""Any operation by hand."""
