"""The look at the store that /readyz and /metrics share."""

from __future__ import annotations

import asyncio

from conftest import OpenStore
from reunite import Totals
from reunite.http.monitor import Monitor


def test_whoever_asks_at_the_same_time_is_answered(open_store: OpenStore) -> None:
    async def ask(monitor: Monitor) -> list[Totals]:
        return [await monitor.look() for _ in range(300)]

    async def together() -> list[list[Totals]]:
        monitor = Monitor(open_store(), timeout=10)
        return await asyncio.gather(*(ask(monitor) for _ in range(4)))

    assert asyncio.run(together()) == [[Totals(0, 0)] * 300] * 4
