"""What is looked at over HTTP without writing: identities, their history, why they are one."""

from __future__ import annotations

from collections.abc import Callable

from reunite.errors import ConstraintViolation, ReuniteError, StillJoined, Unknown
from reunite.http import wire
from reunite.http.named import contact_id_in_path, named
from reunite.http.query import Query, require_no_query
from reunite.http.reading import Reading
from reunite.http.request import JSON, ONE_LIMIT, Answer, Request
from reunite.identifier import Policy, Presented, present
from reunite.inquiry import Foreseen, Inquiry
from reunite.inquiry.graph import MOST_NODES, NODES
from reunite.inquiry.inquiry import EVENTS, MOST_EVENTS
from reunite.repositories.transaction import LARGEST_ID


class Inquiring:
    """POST /lookup and /explain, GET /identities/…: nothing is written, no lock is taken."""

    def __init__(self, inquiry: Inquiry, policy: Policy, reading: Reading) -> None:
        self._inquiry = inquiry
        self._policy = policy
        self._reading = reading

    async def lookup(self, request: Request) -> Answer:
        """Answer whose the identifiers of a body are: one identity, or two."""
        require_no_query(request.query)
        asked = wire.read_one(await request.json(ONE_LIMIT))
        presented = present(self._policy, asked.email, asked.phone_number)

        def look() -> wire.LookupResponse:
            found = self._inquiry.lookup(presented)
            if not found:
                raise Unknown("nobody has what was presented")
            return wire.LookupResponse([wire.contact_of(identity) for identity in found])

        return await self._answer(look)

    async def identity(self, request: Request) -> Answer:
        """Answer the identity of a contact, whichever of its contacts it is."""
        require_no_query(request.query)
        contact_id = contact_id_in_path(request)
        return await self._answer(lambda: wire.respond(self._inquiry.identity(contact_id)))

    async def history(self, request: Request) -> Answer:
        """Answer what happened to an identity, a page of it."""
        contact_id, query = contact_id_in_path(request), Query(request.query, "after", "limit")
        after = query.number("after", 0, 0, LARGEST_ID)
        limit = query.number("limit", EVENTS, 1, MOST_EVENTS)
        return await self._answer(
            lambda: self._inquiry.history(contact_id, after=after, limit=limit)
        )

    async def graph(self, request: Request) -> Answer:
        """Answer the evidence of an identity as nodes and edges."""
        contact_id, query = contact_id_in_path(request), Query(request.query, "limit")
        limit = query.number("limit", NODES, 1, MOST_NODES)
        return await self._answer(lambda: self._inquiry.graph(contact_id, limit=limit))

    async def explain(self, request: Request) -> Answer:
        """Answer why two are one person, or that they are not."""
        require_no_query(request.query)
        asked = wire.read_object(await request.json(ONE_LIMIT))
        a = named(self._policy, asked.get("a"), "a")
        b = named(self._policy, asked.get("b"), "b")
        return await self._answer(lambda: self._inquiry.explain(a, b))

    async def foresee(self, presented: Presented) -> Answer:
        """Answer what a request to identify these would do."""

        def look() -> Foreseen:
            try:
                return self._inquiry.foresee(presented)
            except ConstraintViolation as refusal:
                refusal.chain = self._inquiry.chain(refusal, presented)
                raise

        return await self._answer(look)

    async def explained(
        self, refusal: ConstraintViolation | StillJoined, presented: Presented | None = None
    ) -> ConstraintViolation | StillJoined:
        """Give a refusal the chain of evidence between the two that it names, if that can be had.

        ``presented`` is what was refused, and would have joined them.
        """
        try:
            look = self._reading.look(lambda: self._inquiry.chain(refusal, presented))
            refusal.chain = await look
        except ReuniteError:
            # It was refused all the same; that it cannot be explained now is no reason to hide it.
            refusal.chain = ()
        return refusal

    async def _answer(self, look: Callable[[], object]) -> Answer:
        """Look, and write down what was seen, beside the event loop."""
        body = await self._reading.look(lambda: wire.encode(look()))
        return Answer(200, JSON, body)
