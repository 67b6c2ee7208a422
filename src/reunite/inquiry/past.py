"""What joined two identifiers once, through evidence that does not stand any more."""

from __future__ import annotations

from collections.abc import Iterable

from reunite.evidence import Contact, Identifier, Link, Region, Step, chain
from reunite.inquiry.region import blocked_of, identity_ids_of
from reunite.repositories.transaction import Sight

_ROUNDS = 8
"""How often what is looked through is widened by all that was ever beside it."""

_LARGEST = 20_000
"""Identifiers beyond which it is not widened."""


def once_joined(
    sight: Sight, region: Region, a: Identifier, b: Identifier
) -> tuple[list[Step] | None, Region]:
    """A shortest chain of all evidence, voided and blocked included, and the region that has it.

    It is looked for in the identities of both, then in what was ever beside these and so on, never
    in all the store: None does not mean that they never were one.
    """
    found = chain(region.edges, a, b)
    nodes = _nodes(region.contacts.values(), region.links) | {a, b}
    for _ in range(_ROUNDS):
        if found is not None or len(nodes) > _LARGEST:
            break
        region = _widened(sight, region, nodes)
        found = chain(region.edges, a, b)
        before, nodes = nodes, nodes | _nodes(region.contacts.values(), region.links)
        if nodes == before:
            break
    return found, region


def _widened(sight: Sight, region: Region, nodes: set[Identifier]) -> Region:
    """A region with the identities, the links and the voided contacts of all these.

    Those of blocked ones are left where they are: these may be beside anybody.
    """
    free = nodes - region.blocked
    members = sight.members(set(identity_ids_of(sight, _identifiers(free)).values()))
    contacts = [*region.contacts.values(), *members]
    free = nodes | _nodes(members, ())
    free -= blocked_of(sight, _identifiers(free))
    contacts += sight.voided(_identifiers(free))
    links = {link.name: link for link in [*region.links, *sight.links(free)]}
    all_nodes = _identifiers(_nodes(contacts, links.values()))
    return Region(contacts, links.values(), blocked_of(sight, all_nodes))


def _nodes(contacts: Iterable[Contact], links: Iterable[Link]) -> set[Identifier]:
    presented = {one for contact in contacts for one in contact.presented}
    return presented | {end for link in links for end in (link.a, link.b)}


def _identifiers(nodes: set[Identifier]) -> set[Identifier]:
    """Those that are no rows of an import."""
    return {node for node in nodes if node.type != "row"}
