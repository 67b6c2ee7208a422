"""A thread of the lane: takes a batch or a call, runs it, hands on what is to be answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic

from reunite import metrics
from reunite.identifier import Presented
from reunite.lane.queue import Queue
from reunite.lane.stage import Answer, Call, Returned, Stage, Submission, Verdict

Run = Callable[[Sequence[Presented], Callable[[], object]], Sequence[Answer | None]]
"""Asks the store; calls the second argument when it begins to wait for it."""


class Worker:
    """Runs one stage of the queue, and that which writes the calls too, until the queue is over.

    ``lock`` protects the queue; ``following`` is the worker of the stage that this one hands on
    to. ``deliver`` is called from the worker's thread with everything it found to answer in one
    batch, ``ended`` as the last thing it does.

    What was found is delivered when this thread next waits for the store, or for work, and not
    before: the event loop, once woken, wants the interpreter, and either would wait for the other.
    So one answers a batch while the store works on the next.
    """

    def __init__(
        self,
        queue: Queue,
        stage: Stage,
        run: Run,
        *,
        lock: threading.Lock,
        following: Worker | None,
        deliver: Callable[[list[Verdict]], object],
        ended: Callable[[], object],
    ) -> None:
        self._queue = queue
        self._stage = stage
        self._run = run
        self._following = following
        self._deliver = deliver
        self._ended = ended
        self._lock = lock
        self._found: list[Verdict] = []
        # Held while there is nothing to do, released by `wake`. Unlike a condition it remembers
        # being released before anyone waits, so that answers can be delivered in between.
        self._work_came = threading.Lock()
        self._work_came.acquire()
        self._is_idle = False
        self._is_over = False
        self._batch_requests = metrics.batch_requests[stage.name]
        self._store_transaction = metrics.store_transaction[stage.name]
        # A thread that is stuck in the store must not keep the process from ending.
        self._thread = threading.Thread(
            target=self._work, name=f"reunite-{stage.name}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread is gone, once it said that it has ended."""
        self._thread.join()

    def wake(self) -> None:
        """Let it go on if there is something to do; the caller holds the queue's lock."""
        if self._is_idle and (
            self._queue.has_work(self._stage) or self._queue.is_over(self._stage)
        ):
            self._is_idle = False
            self._work_came.release()

    def collect(self) -> list[Verdict]:
        """Take what was found and is not delivered yet; the caller holds the queue's lock."""
        found, self._found = self._found, []
        return found

    def _work(self) -> None:
        while True:
            work = self._take()
            if isinstance(work, Call):
                self._hand_on()
                self._call(work)
            elif work:
                self._execute(work)
            else:
                self._hand_on()
                if self._is_over:
                    break
                self._work_came.acquire()
        self._ended()

    def _hand_on(self) -> None:
        with self._lock:
            found = self.collect()
        if found:
            self._deliver(found)

    def _take(self) -> list[Submission] | Call:
        with self._lock:
            work, late = self._queue.take(self._stage, monotonic())
            self._found += late
            if not work:
                self._is_over = self._queue.is_over(self._stage)
                self._is_idle = not self._is_over
                self._wake_following()
            return work

    def _call(self, call: Call) -> None:
        result: Returned | Exception
        try:
            result = Returned(call.run())
        except StopIteration as error:
            result = RuntimeError("the operation ran out of values")
            result.__cause__ = error
        except Exception as error:  # noqa: BLE001  whatever it is, it is for whoever called
            result = error
        with self._lock:
            self._found += self._queue.finish_call(result)

    def _execute(self, batch: list[Submission]) -> None:
        requests = [request for submission in batch for request in submission.requests]
        self._batch_requests.observe(len(requests))
        try:
            answers = self._ask(requests)
        except Exception as error:  # noqa: BLE001  whatever it is, it is for those who wait
            with self._lock:
                self._found += self._queue.fail(self._stage, error)
            return
        # What the store answered without being waited for left no other moment.
        self._hand_on()
        with self._lock:
            self._found += self._queue.finish(self._stage, answers)
            self._wake_following()

    def _ask(self, requests: Sequence[Presented]) -> Sequence[Answer | None]:
        began = monotonic()
        try:
            answers = self._run(requests, self._hand_on)
        except StopIteration as error:
            # It is the one exception that a future does not carry.
            raise RuntimeError("the store ran out of answers") from error
        finally:
            self._store_transaction.observe(monotonic() - began)
        if len(answers) != len(requests):
            raise RuntimeError(f"the store gave {len(answers)} answers to {len(requests)} requests")
        return answers

    def _wake_following(self) -> None:
        if self._following is not None:
            self._following.wake()
