"""What joined two identifiers once, through evidence that does not stand any more."""

from __future__ import annotations

from collections.abc import Iterable

from reunite.evidence import Contact, Identifier, Link, Region, Step, chain
from reunite.inquiry.region import answered, blocked_of, identity_ids_of
from reunite.repositories.transaction import Sight

_ROUNDS = 16
"""How often what is looked through is widened by what was ever beside it."""

_LARGEST = 20_000
"""Identifiers beyond which it is not widened."""


def once_joined(
    sight: Sight, region: Region, a: Identifier, b: Identifier
) -> tuple[list[Step] | None, Region]:
    """A shortest chain of all evidence, voided and blocked included, and the region that has it.

    It is looked for in the identities of both, then in what was ever beside these and so on, never
    in all the store: None does not mean that they never were one.
    """
    widening = _Widening(sight, region)
    found = chain(region.edges, a, b)
    for _ in range(_ROUNDS):
        if found is not None or not widening.widen():
            break
        found = chain(widening.region.edges, a, b)
    return found, widening.region


class _Widening:
    """A region that takes in what was ever beside it, each time by one step.

    What is beside a blocked identifier is left where it is: it may be anybody.
    """

    def __init__(self, sight: Sight, region: Region) -> None:
        self._sight = sight
        self.region = region
        self._nodes = _nodes(region.contacts.values(), region.links)
        # Of which all contacts that stand, and all links, are in the region; and of which all that
        # are voided.
        self._whole = answered(region)
        self._voided: set[Identifier] = set()

    def widen(self) -> bool:
        """Take one step; whether there was anything to look for."""
        free = self._nodes - self.region.blocked
        parts, voided = free - self._whole, _identifiers(free - self._voided)
        if not (parts or voided) or len(self._nodes) > _LARGEST:
            return False
        self._whole |= parts
        self._voided |= voided
        sight, region = self._sight, self.region
        identity_ids = set(identity_ids_of(sight, _identifiers(parts)).values())
        contacts = sight.members(identity_ids) + sight.voided(voided)
        links = {link.name: link for link in [*region.links, *sight.links(parts)]}
        nodes = _nodes(contacts, links.values()) - self._nodes
        self._nodes |= nodes
        self.region = Region(
            [*region.contacts.values(), *contacts],
            links.values(),
            region.blocked | blocked_of(sight, _identifiers(nodes)),
        )
        return True


def _nodes(contacts: Iterable[Contact], links: Iterable[Link]) -> set[Identifier]:
    presented = {one for contact in contacts for one in contact.presented}
    return presented | {end for link in links for end in (link.a, link.b)}


def _identifiers(nodes: set[Identifier]) -> set[Identifier]:
    """Those that are no rows of an import."""
    return {node for node in nodes if node.type != "row"}
