"""What is decided by hand over HTTP: unlink, merge, undo, constraints, blocks, held requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from reunite.errors import ConstraintViolation, StillJoined
from reunite.evidence import Identifier
from reunite.http import decided, wire
from reunite.http.inquiring import Inquiring
from reunite.http.named import contact_id_in_path, named, number_in_path
from reunite.http.problem import BadRequest
from reunite.http.query import Query, require_no_query
from reunite.http.reading import Reading
from reunite.http.request import JSON, ONE_LIMIT, Answer, Request
from reunite.identifier import Policy
from reunite.lane import Lane
from reunite.operations import (
    PAGE,
    Allow,
    Asked,
    Block,
    Constrain,
    Dismiss,
    Merge,
    Operations,
    Unblock,
    Unconstrain,
    Undo,
    Unlink,
)
from reunite.repositories.transaction import LARGEST_ID

MOST = 1_000
"""The most rows of a list that can be asked for at once."""

Body = dict[str, object]
R = TypeVar("R")
T = TypeVar("T")


class Deciding:
    """Operations by hand: done by the lane in their turn, or only tried beside it."""

    def __init__(
        self,
        operations: Operations,
        policy: Policy,
        lane: Lane,
        reading: Reading,
        inquiring: Inquiring,
    ) -> None:
        self._operations = operations
        self._policy = policy
        self._lane = lane
        self._reading = reading
        self._inquiring = inquiring

    async def unlink(self, request: Request) -> Answer:
        """Take back what ties an identity together."""
        contact_id = contact_id_in_path(request)

        def read(body: Body) -> Asked:
            return Unlink(
                contact_id,
                self._pair(body.get("pair")),
                _given(body, "identifier", self._identifier),
                _given(body, "position", _number),
                _switch(body, "constrain", default=True),
                _switch(body, "force", default=False),
            )

        return await self._decide(request, read)

    async def merge(self, request: Request) -> Answer:
        """Assert that two contacts are one person."""
        contact_id = contact_id_in_path(request)
        return await self._decide(
            request, lambda body: Merge(contact_id, _number(body, "contactId"))
        )

    async def undo(self, request: Request) -> Answer:
        """Take back a row of the journal."""
        position = number_in_path(request, "position")
        return await self._decide(request, lambda _: Undo(position))

    async def constrain(self, request: Request) -> Answer:
        """Keep two identifiers apart."""
        return await self._decide(request, lambda body: Constrain(*self._two(body)))

    async def unconstrain(self, request: Request) -> Answer:
        """Remove the constraints between two identifiers."""
        return await self._decide(request, lambda body: Unconstrain(*self._two(body)))

    async def block(self, request: Request) -> Answer:
        """Let an identifier link no one."""
        return await self._decide(request, lambda body: Block(self._identifier(body, "identifier")))

    async def unblock(self, request: Request) -> Answer:
        """Let a blocked identifier link again."""
        return await self._decide(
            request, lambda body: Unblock(self._identifier(body, "identifier"))
        )

    async def allow(self, request: Request) -> Answer:
        """Do what a held request asked."""
        held_id = number_in_path(request, "heldId")
        return await self._decide(request, lambda _: Allow(held_id))

    async def dismiss(self, request: Request) -> Answer:
        """Let a held request wait no longer."""
        held_id = number_in_path(request, "heldId")
        return await self._decide(request, lambda _: Dismiss(held_id))

    async def constraints(self, request: Request) -> Answer:
        """List the constraints that stand."""
        after, limit = _page(request)

        def look() -> decided.Constraints:
            found = self._operations.constraints(after=after, limit=limit)
            following = found[-1].position if len(found) >= limit else None
            return decided.Constraints([decided.kept(one) for one in found], following)

        return await self._look(look)

    async def held(self, request: Request) -> Answer:
        """List the held requests that wait."""
        after, limit = _page(request)

        def look() -> decided.HeldRequests:
            found = self._operations.held(after=after, limit=limit)
            following = found[-1].id if len(found) == limit else None
            return decided.HeldRequests([decided.held_request(one) for one in found], following)

        return await self._look(look)

    async def blocks(self, request: Request) -> Answer:
        """List all that is blocked."""
        require_no_query(request.query)
        return await self._look(
            lambda: decided.Blocks([decided.blocked(one) for one in self._operations.blocks()])
        )

    async def _decide(self, request: Request, read: Callable[[Body], Asked]) -> Answer:
        is_tried = Query(request.query, "dryRun").switch("dryRun")
        body = wire.read_object(await request.json(ONE_LIMIT))
        asked = read(body)
        how = {"who": _text(body, "who"), "why": _text(body, "why"), "key": _key(request)}

        def perform() -> bytes:
            decision = self._operations.perform(asked, dry_run=is_tried, **how)
            return wire.encode(decided.decided(decision))

        try:
            done = await (self._reading.look(perform) if is_tried else self._lane.call(perform))
        except (ConstraintViolation, StillJoined) as refusal:
            raise await self._inquiring.explained(refusal) from None
        return Answer(200, JSON, done)

    async def _look(self, look: Callable[[], object]) -> Answer:
        return Answer(200, JSON, await self._reading.look(lambda: wire.encode(look())))

    def _two(self, body: Body) -> Sequence[Any]:
        return [named(self._policy, body.get(name), name) for name in ("a", "b")]

    def _pair(self, value: object) -> tuple[Identifier, Identifier] | None:
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            raise BadRequest(
                "pair is no array of two", 'such as [{"email": …}, {"phoneNumber": …}]'
            )
        one, other = (_only_identifier(self._policy, each, "pair") for each in value)
        return one, other

    def _identifier(self, body: Body, name: str) -> Identifier:
        return _only_identifier(self._policy, body.get(name), name)


def _only_identifier(policy: Policy, value: object, where: str) -> Identifier:
    found = named(policy, value, where)
    if not isinstance(found, Identifier):
        raise BadRequest(f"{where} names a contact", "an identifier")
    return found


def _given(body: Body, name: str, read: Callable[[Body, str], T]) -> T | None:
    """What a body has under a name; null is the same as nothing."""
    return None if body.get(name) is None else read(body, name)


def _number(body: Body, name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_ID:
        raise BadRequest(f"{name} is no such number", "a whole number such as 1")
    return value


def _switch(body: Body, name: str, *, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is neither", "true or false")
    return value


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} is no string", "who decides, or why, in words")
    return value


def _key(request: Request) -> str | None:
    value = request.headers.get(b"idempotency-key")
    return None if value is None else value.decode("latin-1")


def _page(request: Request) -> tuple[int, int]:
    query = Query(request.query, "after", "limit")
    return query.number("after", 0, 0, LARGEST_ID), query.number("limit", PAGE, 1, MOST)
