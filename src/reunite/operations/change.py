"""What an operation does to evidence, before it is known what follows from it."""

from __future__ import annotations

from collections.abc import Iterable

from reunite.evidence import Block, Constraint, Contact, Held, Identifier, Link, Name, Void


class Change:
    """Rows as an operation leaves them: new ones, and those that it voids or lets stand again.

    ``retiring`` are contacts that go unless their anchor would be left without a contact,
    ``reviving`` retired ones that come back. ``returning`` has identifiers that are not blocked any
    more: of those that were ever presented, the oldest contact that presented each, if any did.
    """

    def __init__(self, position: int, at: int) -> None:
        self.position = position
        self.at = at
        self.contacts: dict[int, Contact] = {}
        self.links: dict[Name, Link] = {}
        self.voids: list[Void] = []
        self.constraints: dict[Name, Constraint] = {}
        self.blocks: dict[Name, Block] = {}
        self.held: dict[int, Held] = {}
        self.retiring: set[int] = set()
        self.reviving: set[int] = set()
        self.returning: dict[Identifier, Contact | None] = {}

    def void(self, *rows: Contact | Link | Constraint | Block | Held) -> None:
        """Name rows that thereby stand no longer; what is void already is named as well."""
        for row in rows:
            self.voids.append(Void(self.position, *row.name))
            self.set(row._replace(voided=self.position))

    def set(self, row: Contact | Link | Constraint | Block | Held) -> None:
        """Take a row as it is from now on."""
        match row:
            case Contact():
                self.contacts[row.id] = row
            case Link():
                self.links[row.name] = row
            case Constraint():
                self.constraints[row.name] = row
            case Block():
                self.blocks[row.name] = row
            case Held():
                self.held[row.id] = row

    def constrain(self, pairs: Iterable[tuple[Identifier, Identifier]]) -> list[Constraint]:
        """Keep pairs apart from now on; each once."""
        ordered = sorted({_ordered(*pair) for pair in pairs})
        added = [Constraint(*a, *b, self.position) for a, b in ordered]
        for constraint in added:
            self.set(constraint)
        return added


def _ordered(a: Identifier, b: Identifier) -> tuple[Identifier, Identifier]:
    return (a, b) if a < b else (b, a)
