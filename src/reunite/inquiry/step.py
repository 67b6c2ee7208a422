"""One piece of evidence after the other, as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from reunite.evidence import Contact, Entry, Link, Region
from reunite.evidence import Step as Walked
from reunite.inquiry import sentences
from reunite.inquiry.told import Journal, Moment, Position, Spelling, Spelt, TakenBack, moment
from reunite.repositories.transaction import Provenance, Sight


class Step(msgspec.Struct, frozen=True, rename="camel"):
    """One piece of evidence, from one identifier to the next."""

    start: Spelt = msgspec.field(name="from")
    end: Spelt = msgspec.field(name="to")
    by: Annotated[
        Literal["contact", "link", "request"],
        msgspec.Meta(description="`request`: what was refused, and would have joined the two."),
    ]
    contact_ids: Annotated[
        Sequence[int], msgspec.Meta(description="The contact, or those that a link ties.")
    ]
    source: Literal["presented", "imported", "asserted"]
    position: Annotated[Position | None, msgspec.Meta(description="Of what brought it.")]
    at: Annotated[Moment | None, msgspec.Meta(description="When the two came together.")]
    who: Annotated[str | None, msgspec.Meta(description="Who joined them by hand.")]
    why: str | None
    sentence: str
    taken_back: Annotated[
        TakenBack | None, msgspec.Meta(description="Why it joins nobody now, if it does not.")
    ]


def steps_of(sight: Sight, walked: Sequence[Walked], region: Region) -> tuple[Step, ...]:
    """Tell a chain of evidence of a region; what it does not hold yet is of a refused request."""
    telling = _Telling(sight, walked, region)
    return tuple(telling.step(one) for one in walked)


class _Telling:
    """What the sentences need to know of all the steps of a chain, looked up at once."""

    def __init__(self, sight: Sight, walked: Sequence[Walked], region: Region) -> None:
        ends = {end for one in walked for end in (one.start, one.end)}
        pieces = [one.piece for one in walked]
        self._last = sight.head.position
        self._spelling = Spelling(
            contact for contact in region.contacts.values() if ends.intersection(contact.presented)
        )
        self._blocked_by = {
            holder.identifier: holder.blocked_by for holder in sight.holders(ends & region.blocked)
        }
        positions = {piece.position for piece in pieces} | {piece.voided for piece in pieces}
        positions |= set(self._blocked_by.values())
        self._journal = Journal(sight, {one for one in positions if one and one <= self._last})
        tied = {
            id_
            for piece in pieces
            if isinstance(piece, Link) and piece.source == "imported"
            for id_ in (piece.a_contact_id, piece.b_contact_id)
        }
        self._rows = {one.contact_id: one for one in sight.provenances(tied - {0})}

    def step(self, walked: Walked) -> Step:
        """Tell one step."""
        start, end, piece = walked
        a, b = self._spelling.spell(start), self._spelling.spell(end)
        if piece.position > self._last:
            told = sentences.refused(a, b)
            return Step(a, b, "request", (), piece.source, None, None, None, None, told, None)
        entry = self._journal.entry(piece.position)
        is_contact = isinstance(piece, Contact)
        return Step(
            a,
            b,
            "contact" if is_contact else "link",
            _contact_ids(piece),
            piece.source,
            piece.position,
            moment(piece.created_at if isinstance(piece, Contact) else piece.at),
            entry.who,
            entry.why,
            self._sentence(a, b, piece, entry),
            self._taken_back(walked),
        )

    def _sentence(self, a: Spelt, b: Spelt, piece: Contact | Link, entry: Entry) -> str:
        if isinstance(piece, Contact):
            return sentences.contact(a, b, piece, entry)
        if piece.source != "imported":
            return sentences.link(a, b, entry)
        return sentences.imported(a, b, *self._naming(piece), entry)

    def _naming(self, link: Link) -> tuple[str, str]:
        """The rows that an imported link ties, the one that named the other first."""
        a = self._rows.get(link.a_contact_id)
        b = self._rows.get(link.b_contact_id)
        row_a = _row(link.a_contact_id, a)
        if link.b_type == "row":
            return row_a, link.b_key.partition(":")[2]
        row_b = _row(link.b_contact_id, b)
        is_a = a is not None and a.linked_id == row_b
        return (row_a, row_b) if is_a else (row_b, row_a)

    def _taken_back(self, walked: Walked) -> TakenBack | None:
        blocked = [self._blocked_by.get(end) for end in (walked.start, walked.end)]
        since = [one for one in blocked if one is not None]
        return self._journal.taken_back(walked.piece.voided or max(since, default=None))


def _row(contact_id: int, said: Provenance | None) -> str:
    """How the table that was imported called a row."""
    return str(contact_id) if said is None or said.source_id is None else said.source_id


def _contact_ids(piece: Contact | Link) -> tuple[int, ...]:
    if isinstance(piece, Contact):
        return (piece.id,)
    return tuple(one for one in (piece.a_contact_id, piece.b_contact_id) if one)
