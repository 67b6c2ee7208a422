"""What happened to an identity, in order of position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from reunite.evidence import Block, Constraint, Contact, Entry, Identifier, Link, Void
from reunite.inquiry.region import answered, attached, links_of, region_of
from reunite.inquiry.told import Journal, Moment, Position, Spelling, Spelt, TakenBack, moment
from reunite.repositories.transaction import Sight

Piece: TypeAlias = Contact | Link | Constraint | Block


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """What an event brought or ended: evidence, a constraint, a block."""

    what: Literal["contact", "link", "constraint", "block"]
    position: Annotated[int, msgspec.Meta(description="Of the event that brought it.", ge=1)]
    identifiers: Annotated[
        Sequence[Spelt], msgspec.Meta(description="What was presented, linked, kept apart, blocked")
    ]
    contact_ids: Annotated[
        Sequence[int], msgspec.Meta(description="The contact, or those that a link ties.")
    ]
    source: Annotated[
        Literal["presented", "imported", "asserted"] | None,
        msgspec.Meta(description="Who brought a contact or a link."),
    ]
    voided: Annotated[
        TakenBack | None, msgspec.Meta(description="What took it back, if it does not stand.")
    ]


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """One row of the journal, as far as it concerns an identity."""

    position: Position
    at: Moment
    type: Annotated[str, msgspec.Meta(description="Such as `created`, `merged` or `unlinked`.")]
    contact_ids: Annotated[
        Sequence[int], msgspec.Meta(description="The contacts that the journal names.")
    ]
    demoted_contact_id: Annotated[
        int | None, msgspec.Meta(description="The primary contact that a merge made secondary.")
    ]
    who: str | None
    why: str | None
    brought: Sequence[Item]
    ended: Annotated[
        Sequence[Item], msgspec.Meta(description="What does not stand any more because of it.")
    ]
    undid: Annotated[
        Position | None, msgspec.Meta(description="The position of the event that it undid.")
    ]
    voided: Annotated[TakenBack | None, msgspec.Meta(description="What undid it, if it is undone.")]


class History(msgspec.Struct, frozen=True, rename="camel"):
    """Events of an identity, in order of position."""

    primary_contact_id: int
    events: Sequence[Event]
    next: Annotated[
        Position | None,
        msgspec.Meta(description="The last position here, to go on after; null at the end."),
    ]


def history_of(sight: Sight, identity_id: int, after: int, limit: int) -> History:
    """The events of an identity at positions above ``after``, at most ``limit``."""
    past = Past(sight, identity_id)
    positions = sorted(position for position in past.positions if position > after)
    page = positions[:limit]
    return History(
        past.primary_contact_id,
        past.events(page),
        page[-1] if len(positions) > len(page) else None,
    )


class Past:
    """All that the store keeps of what concerns one identity.

    That is its contacts, and the voided ones that once presented one of its identifiers; the
    links, constraints and blocks of its identifiers; what took these back; and the merges that
    made one of its contacts secondary. What is only tied to a blocked identifier of it is not.
    """

    def __init__(self, sight: Sight, identity_id: int) -> None:
        self._sight = sight
        self._region = region_of(sight, {identity_id})
        members = self._region.contacts
        self.primary_contact_id = min(members.values(), key=lambda one: one.age).id
        free = answered(self._region) - self._region.blocked
        voided = sight.voided(free)
        self._spelling = Spelling([*members.values(), *voided])
        self._pieces: list[Piece] = [
            *(members | {contact.id: contact for contact in voided}).values(),
            *links_of(self._region, free),
            *sight.constraints(free),
            *sight.blocks(answered(self._region) | attached(self._region)),
        ]
        self._demoting = {entry.position for entry in sight.demotions(set(members))}
        self._voids = self._all_voids()

    @property
    def positions(self) -> set[int]:
        """The positions of all that concerns it."""
        brought = {piece.position for piece in self._pieces}
        return brought | self._demoting | {void.position for void in self._voids}

    def events(self, positions: Collection[int]) -> tuple[Event, ...]:
        """What happened at these positions, in order."""
        brought, ended, operations = defaultdict(list), defaultdict(list), {}
        for piece in self._pieces:
            brought[piece.position].append(piece)
        named = {piece.name: piece for piece in self._pieces}
        for void in self._voids:
            if void.target == "operation":
                operations[void.position] = void
            elif void.names in named:
                ended[void.position].append(named[void.names])
        undone = {
            void.target_position: void.position
            for void in sorted(operations.values())
            if void.voided is None
        }
        spoken_of = {
            *positions,
            *(piece.voided for one in positions for piece in brought[one] + ended[one]),
            *(undone.get(position) for position in positions),
        }
        journal = Journal(self._sight, {one for one in spoken_of if one is not None})
        return tuple(
            self._event(
                journal,
                journal.entry(position),
                brought[position],
                ended[position],
                operations.get(position),
                undone.get(position),
            )
            for position in sorted(positions)
        )

    def _event(
        self,
        journal: Journal,
        entry: Entry,
        brought: Iterable[Piece],
        ended: Iterable[Piece],
        undoing: Void | None,
        undone_by: int | None,
    ) -> Event:
        named = [entry.contact_id, entry.with_contact_id]
        return Event(
            entry.position,
            moment(entry.at),
            entry.type,
            tuple(dict.fromkeys(one for one in named if one is not None)),
            entry.demoted_id,
            entry.who,
            entry.why,
            tuple(self._item(journal, piece) for piece in brought),
            tuple(self._item(journal, piece) for piece in ended),
            None if undoing is None else undoing.target_position,
            journal.taken_back(undone_by),
        )

    def _item(self, journal: Journal, piece: Piece) -> Item:
        what, identifiers, contact_ids = _told(piece)
        return Item(
            what,
            piece.position,
            tuple(map(self._spelling.spell, identifiers)),
            contact_ids,
            piece.source if isinstance(piece, Contact | Link) else None,
            journal.taken_back(piece.voided),
        )

    def _all_voids(self) -> list[Void]:
        """The voids of these pieces and of the operations that brought them, and theirs in turn."""
        names = {piece.name for piece in self._pieces}
        found: dict[Void, None] = {}
        new = {piece.position for piece in self._pieces} | self._demoting
        looked: set[int] = set()
        while new:
            looked |= new
            voids = [
                void
                for void in self._sight.voids_of(new)
                if void.target == "operation" or void.names in names
            ]
            found |= dict.fromkeys(voids)
            new = {void.position for void in voids} - looked
        return list(found)


def _told(
    piece: Piece,
) -> tuple[
    Literal["contact", "link", "constraint", "block"], Sequence[Identifier], tuple[int, ...]
]:
    """What a piece is, of which identifiers, and its contacts."""
    if isinstance(piece, Contact):
        return "contact", piece.presented, (piece.id,)
    if isinstance(piece, Link):
        tied = tuple(one for one in (piece.a_contact_id, piece.b_contact_id) if one)
        return "link", (piece.a, piece.b), tied
    if isinstance(piece, Constraint):
        return "constraint", (piece.a, piece.b), ()
    return "block", (piece.identifier,), ()
