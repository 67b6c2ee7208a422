"""A thread of the lane: takes a batch, runs it, hands on what is to be answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic

from reunite import metrics
from reunite.identifier import Presented
from reunite.lane.queue import Answer, Entry, Queue, Stage, Verdict

Run = Callable[[Sequence[Presented]], Sequence[Answer | None]]


class Worker:
    """Runs one stage of the queue until the queue is over.

    ``lock`` protects the queue; ``following`` is the worker of the stage that this one hands on
    to. ``deliver`` is called from the worker's thread with everything it found to answer in one
    batch, ``ended`` as the last thing it does.
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
        self._work_came = threading.Condition(lock)
        self._is_idle = False
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
        """Let it look at the queue again; the caller holds the lock."""
        if self._is_idle:
            self._is_idle = False
            self._work_came.notify()

    def _work(self) -> None:
        batch_requests = metrics.batch_requests[self._stage.name]
        while batch := self._take():
            requests = [request for entry in batch for request in entry.requests]
            batch_requests.observe(len(requests))
            verdicts = self._execute(requests)
            if verdicts:
                self._deliver(verdicts)
        self._ended()

    def _take(self) -> list[Entry]:
        """Wait for the next batch; an empty one is the end."""
        while True:
            with self._lock:
                batch, late = self._queue.take(self._stage, monotonic())
                if not batch and not late:
                    if self._queue.is_over(self._stage):
                        self._wake_following()
                        return []
                    self._is_idle = True
                    self._work_came.wait()
            if late:
                self._deliver(late)
            if batch:
                return batch

    def _execute(self, requests: Sequence[Presented]) -> list[Verdict]:
        try:
            answers = self._ask(requests)
        except Exception as error:  # noqa: BLE001  whatever it is, it is for those who wait
            with self._lock:
                return self._queue.fail(self._stage, error)
        with self._lock:
            verdicts = self._queue.finish(self._stage, answers)
            self._wake_following()
            return verdicts

    def _ask(self, requests: Sequence[Presented]) -> Sequence[Answer | None]:
        try:
            answers = self._run(requests)
        except StopIteration as error:
            # It is the one exception that a future does not carry.
            raise RuntimeError("the store ran out of answers") from error
        if len(answers) != len(requests):
            raise RuntimeError(f"the store gave {len(answers)} answers to {len(requests)} requests")
        return answers

    def _wake_following(self) -> None:
        if self._following is not None:
            self._following.wake()
