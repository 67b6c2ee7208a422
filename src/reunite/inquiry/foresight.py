"""What a request would do: the rule, over what the store holds now, and nothing written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from reunite.errors import Refusal
from reunite.evidence import Contact, Holder, Identifier, Region
from reunite.identifier import Presented, phone_key
from reunite.identity import Identity, Outcome
from reunite.inquiry.asked import identifiers_presented
from reunite.inquiry.region import (
    answered,
    answering,
    attributes_of,
    identity_ids_of,
    identity_of,
    region_of,
)
from reunite.inquiry.told import Spelt
from reunite.reconcile import Blocks, Changes, Constraint, Known, Reconciliation
from reunite.repositories.transaction import Sight


class NewContact(msgspec.Struct, frozen=True, rename="camel"):
    """A contact that would be made; the id is the next one as things stand."""

    contact_id: int
    email: str | None
    phone_number: str | None


class Writes(msgspec.Struct, frozen=True, rename="camel"):
    """What would be written."""

    type: Annotated[
        Literal["created", "extended", "merged", "linked"] | None,
        msgspec.Meta(description="Of the journal's row; null where nothing is written."),
    ]
    contacts: Sequence[NewContact]
    links: Annotated[
        Sequence[Sequence[Spelt]], msgspec.Meta(description="Pairs that a link would hold.")
    ]
    demoted_contact_id: Annotated[
        int | None, msgspec.Meta(description="The primary contact that would become secondary.")
    ]


class Foreseen(msgspec.Struct, frozen=True, rename="camel"):
    """What a request would be answered with, and what it would write."""

    contact: Identity
    outcome: Outcome
    writes: Writes


def foresee(sight: Sight, presented: Presented) -> Foreseen:
    """Apply the rule to a request as things stand; raises the refusal it would get."""
    work = Reconciliation(_known(sight, presented), sight.head, sight.at, sight.identity_limit)
    answer = work.reconcile(presented)
    if isinstance(answer, Refusal):
        raise answer
    return Foreseen(identity_of(answer), answer.outcome, _writes(work.changes()))


def _writes(changes: Changes) -> Writes:
    entry = changes.entries[0] if changes.entries else None
    return Writes(
        None if entry is None else entry.type,
        tuple(
            NewContact(contact.id, contact.email, contact.phone) for contact, *_ in changes.contacts
        ),
        tuple((Spelt("email", email), Spelt("phone", phone)) for email, phone, _ in changes.links),
        None if entry is None else entry.demoted_id,
    )


def _known(sight: Sight, presented: Presented) -> Known:
    """What the store holds of a request and of the identities that it presents."""
    identifiers = identifiers_presented(presented)
    holders = {holder.identifier: holder for holder in sight.holders(identifiers)}
    free = {one: holder for one, holder in holders.items() if holder.blocked_by is None}
    region = region_of(sight, set(identity_ids_of(sight, free).values()))
    blocked = region.blocked | (holders.keys() - free.keys())
    holding = {
        holder.contact_id: region.contacts[holder.contact_id]
        for holder in free.values()
        if holder.contact_id is not None
    }
    return Known(
        map(answering, region.contacts.values()),
        _held_by(free, "email"),
        _held_by(free, "phone"),
        {contact.id for contact in holding.values() if contact.source != "presented"},
        _seen_pairs(sight, presented, region, holders.keys() & blocked, holders),
        _blocks(Region(region.contacts.values(), region.links, blocked)) if blocked else None,
        [
            Constraint(each.position, each.a, each.b)  # type: ignore[arg-type]
            for each in sight.constraints(answered(region) | set(identifiers))
            if each.voided is None
        ],
    )


def _held_by(holders: Mapping[Identifier, Holder], type_: str) -> dict[str, int]:
    return {
        one.key: holder.contact_id
        for one, holder in holders.items()
        if one.type == type_ and holder.contact_id is not None
    }


def _seen_pairs(
    sight: Sight,
    presented: Presented,
    region: Region,
    blocked: Collection[Identifier],
    holders: Mapping[Identifier, Holder],
) -> set[tuple[str, str]]:
    """The pair, if a standing presented link or whoever first held what is blocked of it has it."""
    if presented.email is None or presented.phone is None:
        return set()
    pair = presented.email, phone_key(presented.phone)
    linked = any(
        link.source == "presented" and link.voided is None and (link.a_key, link.b_key) == pair
        for link in region.links
    )
    first = {holders[one].contact_id for one in blocked} - {None}
    held = any(
        contact.source == "presented" and contact.voided is None and _keys(contact) == pair
        for contact in sight.contacts({id_ for id_ in first if id_ is not None})
    )
    return {pair} if linked or held else set()


def _keys(contact: Contact) -> tuple[str, ...]:
    return tuple(one.key for one in contact.presented)


def _blocks(region: Region) -> Blocks:
    """What is blocked, and what links of it give to each identity."""
    return Blocks(
        {key for type_, key in region.blocked if type_ == "email"},
        {key for type_, key in region.blocked if type_ == "phone"},
        {id_: sorted(found) for id_, found in attributes_of(region).items()},
    )
