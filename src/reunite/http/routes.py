"""What is asked over HTTP: identities, one or many; how the server is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reunite import metrics
from reunite.errors import (
    ConstraintViolation,
    InvalidIdentifier,
    OutcomeUnknown,
    Refusal,
    StoreError,
    StoreRefused,
)
from reunite.http import problem, wire
from reunite.http.inquiring import Inquiring
from reunite.http.monitor import Monitor
from reunite.http.problem import BadRequest, NotReady
from reunite.http.query import Query, require_no_query
from reunite.http.request import JSON, ONE_LIMIT, Answer, Request
from reunite.identifier import Policy, Presented, present
from reunite.identity import Identified
from reunite.lane import Lane

BATCH_LIMIT = 1024 * 1024
"""Bytes of a body of /identify/batch."""

_OUTCOMES = {
    outcome: [*JSON, (b"reunite-outcome", outcome.encode())]
    for outcome in ("created", "extended", "merged", "known")
}

# Items that are normalised before other requests get their turn: a millisecond or so.
_TURN = 64


class Identification:
    """POST /identify and /identify/batch, by way of the lane."""

    def __init__(self, lane: Lane, policy: Policy, inquiring: Inquiring) -> None:
        self._lane = lane
        self._policy = policy
        self._inquiring = inquiring

    async def identify(self, request: Request) -> Answer:
        """Reconcile one request, or tell what that would do."""
        is_dry = bool(request.query) and Query(request.query, "dryRun").switch("dryRun")
        asked = wire.read_one(await request.json(ONE_LIMIT))
        presented = present(self._policy, asked.email, asked.phone_number)
        if is_dry:
            return await self._inquiring.foresee(presented)
        (answer,) = await self._lane.submit((presented,))
        if isinstance(answer, ConstraintViolation):
            raise await self._inquiring.explained(answer, presented)
        if isinstance(answer, Refusal):
            raise answer
        return Answer(200, _OUTCOMES[answer.outcome], wire.encode(wire.respond(answer)))

    async def identify_batch(self, request: Request) -> Answer:
        """Reconcile an array of requests; each is answered in its place."""
        require_no_query(request.query)
        asked = wire.read_many(await request.json(BATCH_LIMIT))
        refused, taken = await self._sort(asked)
        reconciled = iter(await self._reconcile(taken, request.id.decode()))
        items = [
            _item(refused[place] if place in refused else next(reconciled))
            for place in range(len(asked))
        ]
        return Answer(200, JSON, wire.encode(items))

    async def _sort(
        self, asked: Sequence[wire.IdentifyRequest | BadRequest]
    ) -> tuple[dict[int, Exception], list[Presented]]:
        refused: dict[int, Exception] = {}
        taken: list[Presented] = []
        for place, item in enumerate(asked):
            if place % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            if isinstance(item, BadRequest):
                refused[place] = item
                continue
            try:
                taken.append(present(self._policy, item.email, item.phone_number))
            except InvalidIdentifier as error:
                refused[place] = error
        return refused, taken

    async def _reconcile(
        self, taken: Sequence[Presented], request_id: str
    ) -> Sequence[Identified | Refusal | OutcomeUnknown]:
        if not taken:
            return []
        try:
            return await self._lane.submit(taken)
        except OutcomeUnknown as error:
            # Perhaps they were taken, so that the array as a whole must not say otherwise.
            problem.report(error, request_id)
            return [error] * len(taken)


class Health:
    """Whether the process lives, whether it can serve, what it counted."""

    def __init__(self, monitor: Monitor) -> None:
        self.draining = False
        self._monitor = monitor

    async def live(self, _request: Request) -> Answer:
        """Answer without touching the store."""
        return Answer(200, JSON, b'{"status":"alive"}')

    async def ready(self, _request: Request) -> Answer:
        """Answer 200 if the store answers and the server is not stopping."""
        if self.draining:
            raise NotReady("the server is stopping", "another server")
        await self._monitor.look()
        return Answer(200, JSON, b'{"status":"ready"}')

    async def metrics(self, request: Request) -> Answer:
        """Answer what Prometheus reads; without the store's totals if it does not answer."""
        try:
            totals = await self._monitor.look()
        except (StoreError, StoreRefused) as error:
            problem.report(error, request.id.decode())
            totals = None
        body, content_type = metrics.render(totals)
        return Answer(200, [(b"content-type", content_type.encode())], body)


def _item(answer: Identified | Exception) -> wire.BatchItem:
    if isinstance(answer, Exception):
        return wire.ItemRefused(problem.item_problem(answer))
    return wire.respond(answer)
