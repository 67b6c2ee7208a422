"""What an operation by hand answers over HTTP, and the lists of what stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from reunite.evidence import Constraint, Held, Identifier
from reunite.http import wire
from reunite.http.kept import Kept, kept_apart
from reunite.inquiry.told import Moment, Position, Spelt, moment
from reunite.operations import SHOWN, Decision, Pairs, StandingBlock


class Counted(msgspec.Struct, rename="camel"):
    """Pairs of identifiers, of which the first are shown."""

    count: int
    first: Sequence[tuple[Spelt, Spelt]]


class DecisionResponse(msgspec.Struct, rename="camel"):
    """What an operation did, or would do."""

    position: Annotated[
        Position | None,
        msgspec.Meta(
            description="Of its journal row, by which it can be undone; null where nothing was to "
            "be done, or it was only tried."
        ),
    ]
    identities: Annotated[
        Sequence[wire.Contact],
        msgspec.Meta(
            description="Those that it concerned, as they are afterwards, by age; the first "
            f"{SHOWN} of them."
        ),
    ]
    identity_count: Annotated[int, msgspec.Meta(description="How many it concerned.", ge=0)]
    constraints: Annotated[Sequence[Kept], msgspec.Meta(description="Those that it added.")]
    lifted: Annotated[
        Sequence[Kept], msgspec.Meta(description="Constraints that it took out of the way.")
    ]
    still_joined: Annotated[
        Counted,
        msgspec.Meta(description="Pairs it voided that other evidence keeps in one identity."),
    ]
    unrecorded: Annotated[
        Counted,
        msgspec.Meta(
            description="Pairs it voided that a request presented: whether they came again since "
            "is not known, because a repeat of what stands is not recorded."
        ),
    ]


class HeldRequest(msgspec.Struct, rename="camel"):
    """A request that a constraint or the limit kept from joining, and that waits."""

    held_id: int
    email: str
    phone_number: str
    reason: Literal["constraint", "limit"]
    constraint: Annotated[Kept | None, msgspec.Meta(description="The constraint in its way.")]
    requests: Annotated[int, msgspec.Meta(description="How often it came.", ge=1)]
    at: Annotated[Moment, msgspec.Meta(description="When it first came.")]
    last_at: Annotated[Moment, msgspec.Meta(description="When it last came.")]


class Blocked(msgspec.Struct, rename="camel"):
    """An identifier that links no one."""

    position: Position
    identifier: Spelt
    since: Moment


class Constraints(msgspec.Struct, rename="camel"):
    """A page of the constraints that stand."""

    constraints: Sequence[Kept]
    next: Annotated[int | None, msgspec.Meta(description="Go on after this one, if any.")]


class HeldRequests(msgspec.Struct, rename="camel"):
    """A page of the held requests that wait."""

    held: Sequence[HeldRequest]
    next: Annotated[int | None, msgspec.Meta(description="Go on after this one, if any.")]


class Blocks(msgspec.Struct, rename="camel"):
    """All that is blocked."""

    blocks: Sequence[Blocked]


def decided(decision: Decision) -> DecisionResponse:
    """Put a decision into its shape."""
    return DecisionResponse(
        decision.position,
        [wire.contact_of(identity) for identity in decision.identities],
        decision.identity_count,
        [kept(one) for one in decision.constraints],
        [kept(one) for one in decision.lifted],
        _counted(decision.still_joined),
        _counted(decision.unrecorded),
    )


def kept(constraint: Constraint) -> Kept:
    """Put a constraint into its shape."""
    return kept_apart(constraint.position, constraint.a, constraint.b)


def held_request(held: Held) -> HeldRequest:
    """Put a held request into its shape."""
    constraint = None
    if held.constraint_position:
        a, b = (held.a_type, held.a_key), (held.b_type, held.b_key)
        constraint = kept_apart(held.constraint_position, a, b)
    return HeldRequest(
        held.id,
        held.email,
        held.phone,
        held.reason,
        constraint,
        held.requests,
        moment(held.at),
        moment(held.last_at),
    )


def blocked(block: StandingBlock) -> Blocked:
    """Put a block into its shape."""
    return Blocked(block.position, _spelt(block.identifier), moment(block.since))


def _counted(pairs: Pairs) -> Counted:
    return Counted(pairs.count, [(_spelt(a), _spelt(b)) for a, b in pairs.first])


def _spelt(identifier: Identifier) -> Spelt:
    return Spelt(*identifier)
