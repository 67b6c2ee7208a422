"""An operation undone, or done again: which voids stand, and what thereby does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reunite.errors import OperationRefused
from reunite.evidence import Block, Constraint, Contact, Entry, Held, Identifier, Link, Name, Void
from reunite.identifier import phone_key
from reunite.inquiry.region import identifiers_of
from reunite.operations.change import Change
from reunite.repositories.transaction import Sight

Piece = Contact | Link | Constraint | Block


class Voiding:
    """Takes back the operation of one journal row, in a change."""

    def __init__(self, sight: Sight, change: Change) -> None:
        self._sight = sight
        self._change = change
        self._voids: dict[int, dict[Name, dict[int, Void]]] = {}

    def undo(self, entry: Entry) -> None:
        """Void an operation: what it brought does not stand, what it ended stands again.

        An undo names an operation that names another and so on: at the end there is one that
        brought or ended something, and that is undone or stands again. Raises `OperationRefused`
        for what is undone already, for a block that is not the latest of its identifier, and for
        the decision about a held request that came again since.
        """
        if self._undone_by(entry.position) is not None:
            raise OperationRefused(
                f"position {entry.position} is undone already; undo its undoing to have it again"
            )
        self._add(Void(self._change.position, "operation", entry.position))
        while entry.type == "undone":
            self._retire(entry)
            (void,) = self._refresh_voids(entry)
            (entry,) = self._sight.entries({void.target_position})
        self._retire(entry)
        brought = self._brought(entry)
        ended = self._ended(self._refresh_voids(entry))
        self._load({row.position for row in (*brought, *ended) if not isinstance(row, Held)})
        for row in (*brought, *ended):
            self._refresh(row)

    def _undone_by(self, position: int) -> int | None:
        return self._latest(position, _operation(position))

    def _latest(self, position: int, name: Name) -> int | None:
        """The latest standing void that names a row of a position, or all of the position."""
        self._load({position})
        naming = self._voids[position]
        return max(
            (
                void.position
                for one in {name, _operation(position)}
                for void in naming.get(one, {}).values()
                if void.voided is None
            ),
            default=None,
        )

    def _load(self, positions: Iterable[int]) -> None:
        """Read the voids that name anything of some positions, once."""
        missing = {position for position in positions if position not in self._voids}
        self._voids |= {position: {} for position in missing}
        for void in self._sight.voids_of(missing) if missing else ():
            self._voids[void.target_position].setdefault(void.names, {})[void.position] = void

    def _add(self, void: Void) -> None:
        """Take a void as it is from now on."""
        self._change.voids.append(void)
        if void.target != "held":
            self._load({void.target_position})
            self._voids[void.target_position].setdefault(void.names, {})[void.position] = void

    def _refresh_voids(self, entry: Entry) -> list[Void]:
        """The voids of an operation, which stand unless it is undone."""
        undone_by = self._undone_by(entry.position)
        voids = [void._replace(voided=undone_by) for void in self._sight.voids_by({entry.position})]
        self._load({void.target_position for void in voids if void.target != "held"})
        for void in voids:
            self._add(void)
        return voids

    def _retire(self, entry: Entry) -> None:
        """Contacts that an operation or an import brought go with it and come back with it."""
        brought = self._sight.contacts_brought(entry.position)
        for contact in brought:
            self._refresh(contact)
        if self._undone_by(entry.position) is None:
            self._change.reviving |= {one.id for one in brought if one.identity_id is None}
        else:
            self._change.retiring |= {one.id for one in brought} - self._first(entry, brought)

    def _first(self, entry: Entry, brought: Sequence[Contact]) -> set[int]:
        """Those of an import's contacts whose anchor was new with it: they stay."""
        if entry.type != "imported":
            return set()
        anchors = {contact.anchored for contact in brought}
        before = identifiers_of(
            contact
            for contact in self._sight.presenting(anchors)
            if contact.position < entry.position
        )
        return {contact.id for contact in brought if contact.anchored not in before}

    def _brought(self, entry: Entry) -> list[Piece]:
        """What an operation brought: of a request, what the contacts that its row names hold."""
        sight, position = self._sight, entry.position
        named = {id_ for id_ in (entry.contact_id, entry.with_contact_id) if id_ is not None}
        contacts = sight.contacts(named)
        links = sight.links(identifiers_of(contacts)) + sight.links_brought(position)
        pieces: list[Contact | Link] = [*contacts, *sight.contacts_brought(position), *links]
        return [
            *{piece.name: piece for piece in pieces if piece.position == position}.values(),
            *sight.constraints_by({position}),
            *sight.blocks_by({position}),
        ]

    def _ended(self, voids: Sequence[Void]) -> list[Piece | Held]:
        """What the voids of an operation name, themselves no operations."""
        sight = self._sight
        names = {void.names for void in voids}
        positions = {void.target_position for void in voids if void.target != "held"}
        ends = {Identifier(void.a_type, void.a_key) for void in voids if void.target == "link"}
        rows: list[Piece | Held] = [
            *sight.contacts({void.contact_id for void in voids if void.target == "contact"}),
            *sight.links(ends),
            *sight.constraints_by(positions),
            *sight.blocks_by(positions),
            *sight.held({void.target_position for void in voids if void.target == "held"}),
        ]
        return [row for row in rows if row.name in names]

    def _refresh(self, row: Piece | Held) -> None:
        """Let a row stand, or not, as the voids that name it do."""
        if isinstance(row, Held):
            decided = self._decided(row)
            if decided is None:
                self._require_no_other(row)
            self._change.set(row._replace(voided=decided))
            return
        voided = self._latest(row.position, row.name)
        if isinstance(row, Block):
            self._require_latest(row)
        self._change.set(row._replace(voided=voided))

    def _decided(self, held: Held) -> int | None:
        """The latest standing decision about a held request; undone, it may have had another."""
        before = {void.position: void for void in self._sight.voids_of_held({held.id})}
        now = {void.position: void for void in self._change.voids if void.names == held.name}
        standing = [void.position for void in (before | now).values() if void.voided is None]
        return max(standing, default=None)

    def _require_no_other(self, held: Held) -> None:
        """Of one pair one request waits at a time: the one whose repeats are counted."""
        waiting = self._sight.waiting_for(held.email, phone_key(held.phone))
        others = [other.id for other in waiting if other.id != held.id]
        if others:
            raise OperationRefused(
                f"held request {held.id} would wait again, and since then the same waits as held "
                f"request {others[0]}: allow or dismiss that one"
            )

    def _require_latest(self, block: Block) -> None:
        latest = max(one.position for one in self._sight.blocks({block.identifier}))
        if block.position != latest:
            raise OperationRefused(
                f"the identifier was blocked again at position {latest}; undo that one, or unblock"
            )


def _operation(position: int) -> Name:
    return Void(0, "operation", position).names
