"""How the store is, asked beside the lane and never for longer than a deadline."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from reunite.errors import StoreUnavailable
from reunite.repositories import Repository, Totals


class Monitor:
    """Looks at the store beside the lane, one look at a time: who asks meanwhile shares it."""

    def __init__(self, repository: Repository, timeout: float) -> None:
        self._repository = repository
        self._timeout = timeout
        self._look: asyncio.Future[Totals] | None = None

    async def look(self) -> Totals:
        """Answer the workspace's totals.

        Raises what the repository raises, and `StoreUnavailable` if it is silent.
        """
        if self._look is None or self._look.done():
            self._look = self._start()
        # Whoever asks while this one waits may start the next.
        look = self._look
        done, _ = await asyncio.wait([look], timeout=self._timeout)
        if not done:
            raise StoreUnavailable(f"the store did not answer within {self._timeout:g} seconds")
        return look.result()

    def _start(self) -> asyncio.Future[Totals]:
        totals: Future[Totals] = Future()
        # A thread that is stuck in the store must not keep the process from ending.
        threading.Thread(target=self._ask, args=(totals,), name="monitor", daemon=True).start()
        return asyncio.wrap_future(totals)

    def _ask(self, totals: Future[Totals]) -> None:
        try:
            self._repository.check()
            totals.set_result(self._repository.totals())
        except Exception as error:  # noqa: BLE001  whatever it is, it is for those who asked
            totals.set_exception(error)
