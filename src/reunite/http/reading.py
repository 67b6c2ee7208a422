"""A thread that looks into the store, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from reunite import metrics
from reunite.errors import Shed, StoreUnavailable

R = TypeVar("R")
_Look = tuple[Callable[[], Any], Future[Any]]


class Reading:
    """Runs what only reads, one look after the other, on a thread of its own.

    Args:
        waiting: looks that may wait; more are shed.
        timeout: seconds that one may take from being asked to its answer.
    """

    def __init__(self, waiting: int, timeout: float) -> None:
        self._most = waiting
        self._timeout = timeout
        self._unanswered = 0
        self._closing = False
        self._queue: SimpleQueue[_Look | None] = SimpleQueue()
        # One that is stuck in the store must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._is_started = False

    async def look(self, look: Callable[[], R]) -> R:
        """Answer what the look answers, or raise what it raises.

        Raises `Shed` where too many wait, and `StoreUnavailable` where it takes too long.
        """
        if self._closing or self._unanswered >= self._most:
            reason = "closing" if self._closing else "full"
            metrics.shed[reason].inc()
            raise Shed("the server is closing" if self._closing else "too many requests wait")
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        answer: Future[R] = Future()
        self._unanswered += 1
        self._queue.put((look, answer))
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            metrics.shed["late"].inc()
            raise StoreUnavailable(
                f"the store did not answer within {self._timeout:g} seconds"
            ) from None
        finally:
            self._unanswered -= 1

    async def close(self) -> bool:
        """Take no more, and finish what was taken; False if a look is stuck in the store."""
        self._closing = True
        if not self._is_started:
            return True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, self._timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (taken := self._queue.get()) is not None:
            look, answer = taken
            # Nobody waits any more for what was cancelled.
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(look())
            except Exception as error:  # noqa: BLE001  whatever it is, it is for who asked
                answer.set_exception(error)
