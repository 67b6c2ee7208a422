"""Some identities with all their evidence: what hangs where, and what connects what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from reunite.evidence.rows import Contact, Identifier, Link

Node: TypeAlias = Identifier
"""What evidence connects: an identifier, or of type ``"row"`` a row that imported rows named."""


class Edge(NamedTuple):
    """One piece of evidence between two nodes: a contact that presented both, or a link."""

    a: Node
    b: Node
    piece: Contact | Link

    @property
    def stands(self) -> bool:
        """Whether no void that stands names it; it may still be that one end is blocked."""
        return self.piece.voided is None


class Region:
    """Contacts and links, voided ones included, and which identifiers are blocked.

    Args:
        contacts: all contacts of some identities.
        links: all links that touch an identifier which these contacts presented. Contacts that a
            link names but that are not given are of other identities.
        blocked: those of all these identifiers that are blocked.
    """

    def __init__(
        self, contacts: Iterable[Contact], links: Iterable[Link], blocked: Collection[Identifier]
    ) -> None:
        self.contacts = {contact.id: contact for contact in contacts}
        self.links = list(links)
        self.blocked = frozenset(blocked)

    def hangs_on(self, contact: Contact) -> Identifier:
        """The identifier that a contact hangs on now.

        Its anchor; while that is blocked and its pair stands, its other value.
        """
        anchor = contact.anchored
        if anchor in self.blocked and contact.voided is None:
            for other in contact.presented:
                if other not in self.blocked:
                    return other
        return anchor

    @property
    def pieces(self) -> Iterator[Edge]:
        """All evidence, standing or not; links of two that hang on the same one as well."""
        for contact in self.contacts.values():
            if contact.email is not None and contact.phone is not None:
                email, phone = contact.presented
                yield Edge(email, phone, contact)
        for link in self.links:
            a = self._end(link.a, link.a_contact_id)
            b = self._end(link.b, link.b_contact_id)
            yield Edge(a, b, link)

    @property
    def edges(self) -> Iterator[Edge]:
        """All evidence between two; those of one pair are as many as its pieces."""
        return (edge for edge in self.pieces if edge.a != edge.b)

    @property
    def standing(self) -> Iterator[Edge]:
        """The edges that connect: what stands, between identifiers that are not blocked."""
        for edge in self.edges:
            if edge.stands and edge.a not in self.blocked and edge.b not in self.blocked:
                yield edge

    def _end(self, stored: Node, contact_id: int) -> Node:
        contact = self.contacts.get(contact_id)
        return stored if contact is None else self.hangs_on(contact)
