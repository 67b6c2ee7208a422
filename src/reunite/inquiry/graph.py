"""An identity as nodes and edges: its identifiers, its contacts, and what ties them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from reunite.evidence import Contact, Identifier, Link, Region
from reunite.inquiry.region import answered, attached, blocked_of, links_of, region_of
from reunite.inquiry.told import Journal, Moment, Position, Spelling, TakenBack, moment
from reunite.repositories.transaction import Sight

NODES = 1000
"""Nodes of a graph, unless another number is asked for."""

MOST_NODES = 10_000
"""Nodes that may be asked for."""


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier, a contact, or a row that imported rows named."""

    id: Annotated[str, msgspec.Meta(description="Unique in the graph; edges name it.")]
    kind: Literal["identifier", "contact", "row"]
    type: Annotated[
        Literal["email", "phone"] | None, msgspec.Meta(description="Of an identifier.")
    ] = None
    value: Annotated[
        str | None, msgspec.Meta(description="Of an identifier or a row, as it is spelt.")
    ] = None
    contact_id: int | None = None
    created_at: Annotated[Moment | None, msgspec.Meta(description="Of a contact.")] = None
    is_primary: bool = False
    is_blocked: Annotated[bool, msgspec.Meta(description="It links no one.")] = False
    is_outside: Annotated[
        bool, msgspec.Meta(description="It is not of this identity: what led to it was taken back.")
    ] = False


class Edge(msgspec.Struct, frozen=True, rename="camel"):
    """That a contact presented an identifier, or a link."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    kind: Literal["presented", "link"]
    is_anchor: Annotated[
        bool, msgspec.Meta(description="The identifier was new when the contact was made.")
    ]
    is_standing: bool
    source: Literal["presented", "imported", "asserted"]
    position: Position
    at: Moment
    voided: TakenBack | None


class Counts(msgspec.Struct, frozen=True, rename="camel"):
    """How many there are in all, whether they are shown or not."""

    identifiers: int
    contacts: int
    rows: int
    edges: int


class Graph(msgspec.Struct, frozen=True, rename="camel"):
    """The evidence of an identity, voided evidence included."""

    primary_contact_id: int
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    is_cut: Annotated[
        bool, msgspec.Meta(description="There are more nodes than were asked for; the oldest come.")
    ]
    counts: Counts


def graph_of(sight: Sight, identity_id: int, limit: int) -> Graph:
    """Draw an identity, the oldest contacts and what they presented first."""
    drawing = Drawing(sight, region_of(sight, {identity_id}))
    shown = dict(list(drawing.nodes.items())[:limit])
    edges = [edge for edge in drawing.edges if edge[0] in shown and edge[1] in shown]
    journal = Journal(sight, {piece.voided for *_, piece in edges if piece.voided is not None})
    kinds = [node.kind for node in drawing.nodes.values()]
    return Graph(
        drawing.primary_contact_id,
        tuple(shown.values()),
        tuple(_edge(journal, *edge) for edge in edges),
        len(shown) < len(drawing.nodes),
        Counts(
            kinds.count("identifier"),
            kinds.count("contact"),
            kinds.count("row"),
            len(drawing.edges),
        ),
    )


class Drawing:
    """The nodes and edges of an identity, all of them."""

    def __init__(self, sight: Sight, region: Region) -> None:
        members = sorted(region.contacts.values(), key=lambda one: one.age)
        self.primary_contact_id = members[0].id
        self._own = answered(region)
        free = self._own - region.blocked
        others = [contact for contact in sight.voided(free) if contact.id not in region.contacts]
        self._members = region.contacts
        self._contacts = [*members, *others]
        self._spelling = Spelling(self._contacts)
        links = list(links_of(region, free))
        ends = {end for link in links for end in (link.a, link.b) if end.type != "row"}
        known = {one for contact in self._contacts for one in contact.presented}
        self._blocked = region.blocked | blocked_of(sight, (known | ends) - self._own)
        self._own |= attached(region)
        self.nodes: dict[str, Node] = {}
        self.edges: list[tuple[str, str, Contact | Link]] = []
        for contact in self._contacts:
            self._draw_contact(contact)
        for link in links:
            self._draw_link(link)

    def _draw_contact(self, contact: Contact) -> None:
        start = f"contact:{contact.id}"
        self.nodes[start] = Node(
            start,
            "contact",
            contact_id=contact.id,
            created_at=moment(contact.created_at),
            is_primary=contact.id == self.primary_contact_id,
            is_outside=contact.id not in self._members,
        )
        for identifier in contact.presented:
            self.edges.append((start, self._draw(identifier), contact))

    def _draw_link(self, link: Link) -> None:
        a = self._draw_end(link.a, link.a_contact_id)
        b = self._draw_end(link.b, link.b_contact_id)
        self.edges.append((a, b, link))

    def _draw_end(self, stored: Identifier, contact_id: int) -> str:
        # A contact that was retired leaves the link to what it hung on.
        return f"contact:{contact_id}" if contact_id in self._members else self._draw(stored)

    def _draw(self, identifier: Identifier) -> str:
        type_, key = identifier
        id_ = f"{type_}:{key}"
        if id_ not in self.nodes:
            self.nodes[id_] = Node(
                id_,
                "row" if type_ == "row" else "identifier",
                None if type_ == "row" else "email" if type_ == "email" else "phone",
                self._spelling.spell(identifier).value,
                is_blocked=identifier in self._blocked,
                is_outside=type_ != "row" and identifier not in self._own,
            )
        return id_


def _edge(journal: Journal, start: str, end: str, piece: Contact | Link) -> Edge:
    is_anchor = isinstance(piece, Contact) and end == ":".join(piece.anchored)
    # A contact hangs on its anchor though its pair is voided, unless it is retired.
    hangs = is_anchor and isinstance(piece, Contact) and piece.identity_id is not None
    voided = None if hangs else piece.voided
    at = piece.created_at if isinstance(piece, Contact) else piece.at
    return Edge(
        start,
        end,
        "presented" if isinstance(piece, Contact) else "link",
        is_anchor,
        voided is None,
        piece.source,
        piece.position,
        moment(at),
        journal.taken_back(voided),
    )
