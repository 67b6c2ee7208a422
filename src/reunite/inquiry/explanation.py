"""Why two identifiers are of one person, or what keeps them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec

from reunite.errors import ConstraintViolation, StillJoined
from reunite.evidence import Edge, Identifier, Link, Region, chain
from reunite.identity import Identity
from reunite.inquiry import sentences
from reunite.inquiry.asked import Asked, identifier_of
from reunite.inquiry.past import once_joined
from reunite.inquiry.region import answered, identities, identity_ids_of, region_of
from reunite.inquiry.step import Step, steps_of
from reunite.inquiry.told import Journal, Moment, Position, Spelling, Spelt, moment
from reunite.repositories.transaction import Sight

Pair = tuple[Identifier, Identifier]


class KeptApart(msgspec.Struct, frozen=True, rename="camel"):
    """A constraint: two identifiers that must never be of one identity."""

    a: Spelt
    b: Spelt
    position: Position
    at: Moment
    type: Annotated[str, msgspec.Meta(description="What brought it: `constrained`, `unlinked`.")]
    who: str | None
    why: str | None


class Explanation(msgspec.Struct, frozen=True, rename="camel"):
    """What joins two identifiers or, where nothing does, what each has."""

    joined: bool
    chain: Annotated[
        Sequence[Step], msgspec.Meta(description="The shortest; empty where they are not joined.")
    ]
    sentences: Annotated[Sequence[str], msgspec.Meta(description="All of it, to be read.")]
    sides: Annotated[
        Sequence[Identity | None],
        msgspec.Meta(
            description="Where they are not joined, the identity of each; null for what is "
            "blocked, which belongs to no one."
        ),
    ] = ()
    constraint: KeptApart | None = None
    once: Annotated[
        Sequence[Step], msgspec.Meta(description="Where they are not joined, what joined them.")
    ] = ()


class _Sides(NamedTuple):
    """Two identifiers, and what is known around them."""

    a: Identifier
    b: Identifier
    ids: tuple[int | None, int | None]
    region: Region


def explain(sight: Sight, a: Asked, b: Asked) -> Explanation:
    """Explain what joins two, or what does not. Raises `Unknown` naming which of the two."""
    sides = _sides(
        sight, identifier_of(sight, a, "the first"), identifier_of(sight, b, "the second")
    )
    region, both = sides.region, (sides.a, sides.b)
    if sides.a == sides.b:
        spelt = Spelling(region.contacts.values()).spell(sides.a)
        return Explanation(True, (), (sentences.same(spelt),))
    if region.blocked.isdisjoint(both):
        found = chain(region.standing, *both)
        if found is not None:
            steps = steps_of(sight, found, region)
            return Explanation(True, steps, tuple(step.sentence for step in steps))
    return _apart(sight, sides)


def chain_of(
    sight: Sight, refusal: ConstraintViolation | StillJoined, joining: Sequence[Pair]
) -> tuple[Step, ...]:
    """The chain between the two that a refusal names; empty where there is none any more.

    Args:
        joining: what the refused request would have joined, as it is not in the store.
    """
    ends = Identifier(*refusal.a), Identifier(*refusal.b)
    named = {*ends, *(one for pair in joining for one in pair)}
    region = region_of(sight, set(identity_ids_of(sight, named).values()))
    refused = [
        Edge(a, b, Link(*min(a, b), *max(a, b), "presented", sight.head.position + 1, sight.at))
        for a, b in joining
    ]
    found = chain([*region.standing, *refused], *ends)
    return () if found is None else steps_of(sight, found, region)


def _sides(sight: Sight, a: Identifier, b: Identifier) -> _Sides:
    found = identity_ids_of(sight, {a, b})
    return _Sides(a, b, (found.get(a), found.get(b)), region_of(sight, set(found.values())))


def _apart(sight: Sight, sides: _Sides) -> Explanation:
    region = sides.region
    spelling = Spelling(region.contacts.values())
    spelt = spelling.spell(sides.a), spelling.spell(sides.b)
    found, past = once_joined(sight, region, sides.a, sides.b)
    once = () if found is None else steps_of(sight, found, past)
    owned = _owned(region)
    both = tuple(
        None if one in region.blocked else owned.get(id_)
        for one, id_ in zip((sides.a, sides.b), sides.ids, strict=True)
    )
    constraint = _constraint(sight, sides, spelling)
    told = [
        sentences.not_joined(*spelt),
        *(sentences.side(one, identity) for one, identity in zip(spelt, both, strict=True)),
        *([] if constraint is None else [sentences.kept_apart(constraint)]),
        *([] if not once else [sentences.once(once)]),
    ]
    return Explanation(False, (), tuple(told), both, constraint, once)


def _owned(region: Region) -> dict[int | None, Identity]:
    """The identities of a region by their internal number."""
    by_primary = {one.primary_contact_id: one for one in identities(region)}
    return {
        contact.identity_id: by_primary[contact.id]
        for contact in region.contacts.values()
        if contact.id in by_primary
    }


def _constraint(sight: Sight, sides: _Sides, spelling: Spelling) -> KeptApart | None:
    """The first constraint that stands between the two sides."""
    one, other = (
        _side(sides.region, own, id_) for own, id_ in zip(sides[:2], sides.ids, strict=True)
    )
    standing = [
        constraint
        for constraint in sight.constraints(one)
        if constraint.voided is None and {constraint.a, constraint.b} & other
    ]
    if not standing:
        return None
    first = min(standing, key=lambda constraint: constraint.position)
    entry = Journal(sight, {first.position}).entry(first.position)
    a, b = spelling.spell(first.a), spelling.spell(first.b)
    return KeptApart(a, b, first.position, moment(entry.at), entry.type, entry.who, entry.why)


def _side(region: Region, own: Identifier, identity_id: int | None) -> set[Identifier]:
    """The identifiers of one side."""
    contacts = [one for one in region.contacts.values() if one.identity_id == identity_id]
    return {own} | (answered(Region(contacts, (), ())) - region.blocked)
