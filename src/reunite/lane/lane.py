"""What the edge uses: submit, call, close. Every future is settled here, on the event loop."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, Literal, TypeVar, cast

from reunite import metrics
from reunite.errors import BlockedIdentifier, ConstraintViolation, IdentityTooLarge, Refusal, Shed
from reunite.identifier import Presented
from reunite.identity import Identified
from reunite.lane.queue import Queue
from reunite.lane.stage import Answer, Call, Returned, Stage, Submission, Verdict
from reunite.lane.worker import Run, Worker
from reunite.repositories.repository import Repository

# Seconds. How long the event loop keeps the interpreter from a worker that is back from the store,
# and the other way round: with Python's 5 ms either would rest while it has work. Shorter still,
# and batches get small, each with its fixed cost. (With 128 callers, measured against 1 ms: up to a
# tenth more new pairs on both stores, 3 % fewer known ones on SQLite.)
_SWITCH_INTERVAL = 0.0002

# Seconds between two looks at what waits: how old the queue's depth in the metrics may be.
_LOOK = 1.0

_OUTCOMES: dict[type[Refusal], str] = {
    IdentityTooLarge: "refused",
    ConstraintViolation: "kept_apart",
    BlockedIdentifier: "blocked",
}
_WHY_SHED = {"full": "too many requests wait", "closing": "the server is closing"}

T = TypeVar("T")


class Lane:
    """Group commit in front of one repository, for one event loop, in which it has to be made.

    ``batch_size`` and ``queue_size`` count requests; ``timeout`` is how many seconds a request may
    take from `submit` to its answer, and an operation from `call` to its beginning.
    """

    def __init__(
        self, repository: Repository, *, batch_size: int, queue_size: int, timeout: float
    ) -> None:
        sys.setswitchinterval(_SWITCH_INTERVAL)
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._lock = threading.Lock()
        self._queue = Queue(batch_size, queue_size)
        self._janitor: asyncio.TimerHandle | None = None
        self._ends: list[asyncio.Future[None]] = []
        # What is in normal form already cannot be answered with InvalidIdentifier.
        identify_many = cast(Run, repository.identify_many)
        self._writer = self._start(self._queue.write, identify_many, None)
        self._recogniser = self._start(
            self._queue.recognise, repository.recognise_many, self._writer
        )

    def submit(self, requests: Sequence[Presented]) -> asyncio.Future[list[Answer]]:
        """Queue requests that belong together; their answers come in the same order.

        Raises `Shed` at once when the queue is full or closing. The future raises `Shed` if they
        waited past their deadline (then nothing was written), `OutcomeUnknown` if the store took
        longer than that, and whatever the repository raises.
        """
        future: asyncio.Future[list[Answer]] = self._loop.create_future()
        submission = Submission(requests, monotonic() + self._timeout, future)
        with self._lock:
            refusal = self._queue.submit(submission)
            self._recogniser.wake()
            self._writer.wake()
        self._require_taken(refusal, len(requests))
        return future

    def call(self, run: Callable[[], T]) -> asyncio.Future[T]:
        """Run an operation on the thread that writes, in turn with the batches.

        Raises `Shed` at once when too many wait or the lane is closing. The future has what the
        operation gives back or raises, or `Shed` if it waited past its deadline (then it does not
        begin). Closing, the lane finishes it; only if it is stuck then, `OutcomeUnknown`.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        call = Call(run, monotonic() + self._timeout, future)
        with self._lock:
            refusal = self._queue.call(call)
            self._writer.wake()
        self._require_taken(refusal, 1)
        return future

    async def close(self) -> bool:
        """Take no more, finish what was taken, stop the threads.

        Whatever was taken is answered when this returns, at the latest after ``timeout`` seconds.
        False if a thread is stuck in the repository even then, which so is still in use.
        """
        with self._lock:
            self._queue.close()
            self._recogniser.wake()
            self._writer.wake()
        _, stuck = await asyncio.wait(self._ends, timeout=self._timeout)
        self._expire(math.inf)
        if stuck:
            return False
        self._recogniser.join()
        self._writer.join()
        return True

    def _require_taken(self, refusal: Literal["full", "closing"] | None, times: int) -> None:
        """Raise `Shed` if it was refused, else see to it that its deadline is kept."""
        if refusal is not None:
            metrics.shed[refusal].inc(times)
            raise Shed(_WHY_SHED[refusal])
        if self._janitor is None:
            self._janitor = self._loop.call_later(min(self._timeout, _LOOK), self._sweep)

    def _start(self, stage: Stage, run: Run, following: Worker | None) -> Worker:
        loop = self._loop
        end = loop.create_future()
        self._ends.append(end)
        worker = Worker(
            self._queue,
            stage,
            run,
            lock=self._lock,
            following=following,
            deliver=lambda verdicts: loop.call_soon_threadsafe(self._settle, verdicts),
            ended=lambda: loop.call_soon_threadsafe(end.set_result, None),
        )
        worker.start()
        return worker

    def _sweep(self) -> None:
        """Answer what has reached its deadline, and come again while anyone waits."""
        now = monotonic()
        deadline = self._expire(now)
        self._janitor = None
        if deadline is not None:
            self._janitor = self._loop.call_later(min(deadline - now, _LOOK), self._sweep)

    def _expire(self, now: float) -> float | None:
        with self._lock:
            verdicts = self._queue.expire(now)
            # Lest it waits behind a store that is stuck before it is waited for.
            verdicts += self._recogniser.collect() + self._writer.collect()
            deadline = self._queue.next_deadline()
            unanswered = self._queue.unanswered
        self._settle(verdicts)
        metrics.queue_depth.set(unanswered)
        return deadline

    def _settle(self, verdicts: list[Verdict]) -> None:
        for job, result in verdicts:
            if isinstance(result, Shed):
                metrics.shed["late"].inc(len(job.requests) if isinstance(job, Submission) else 1)
            if job.future.done():
                continue  # its caller went away
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                future: asyncio.Future[Any] = job.future
                future.set_result(result.value if isinstance(result, Returned) else result)
        for outcome, times in Counter(_outcomes(verdicts)).items():
            metrics.requests[outcome].inc(times)


def _outcomes(verdicts: list[Verdict]) -> Iterator[str]:
    for _, result in verdicts:
        if isinstance(result, list):
            for answer in result:
                if isinstance(answer, Identified):
                    yield answer.outcome
                else:
                    yield _OUTCOMES[type(answer)]
