"""What waits, what a batch is, and who is answered with what.

No thread, no lock, no clock: whoever drives the queue holds a lock around each call and brings the
time. So a test can drive it through every order of calls.

An entry goes through two stages, *recognise* and *write*, and is answered exactly once: by the
first of them that can, by what went wrong there, or at its deadline. All entries have the same
time to live, so both stages hold them in the order of their deadlines: what is too late is always
in front.

While all that comes is new, recognising is in vain, and entries go straight to be written: there
they are looked up anyway. The first of them that was known ends that, and so does a writer that is
slow or fails, because what is known is not to wait behind it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from reunite.errors import (
    OutcomeUnknown,
    Refusal,
    Shed,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from reunite.identifier import Presented
from reunite.identity import Identified

Answer = Identified | Refusal
"""What one request is answered with."""


class Entry(msgspec.Struct, eq=False):
    """Requests that came together: kept together, in order, and answered together.

    ``deadline`` is in seconds of the clock that drives the queue.
    """

    requests: Sequence[Presented]
    deadline: float
    future: asyncio.Future[list[Answer]]


IN_VAIN = 256
"""So many requests in a row of which none was recognised, and the next ones go straight."""

SLOW = 0.25
"""Seconds from the submission of what is being written, after which the writer is called slow."""

_TROUBLES = (StoreUnavailable, OutcomeUnknown, StoreFull)
"""The store's own; any other error is the doing of a request."""

Verdict = tuple[Entry, list[Answer] | Exception]
"""An entry and what it is to be answered with."""


class Stage:
    """What waits for one thread, and what that thread is running.

    Attributes:
        waiting: in the order in which they came.
        alone: entries of a batch that failed, to be run one by one before any other.
        running: the batch that the thread is running, empty if none.
        given_up: how many of ``running``, from the front, were answered at their deadline already.
    """

    __slots__ = ("alone", "given_up", "name", "running", "waiting")

    def __init__(self, name: Literal["recognise", "write"]) -> None:
        self.name = name
        self.waiting: deque[Entry] = deque()
        self.alone: deque[Entry] = deque()
        self.running: list[Entry] = []
        self.given_up = 0

    def is_empty(self) -> bool:
        return not (self.waiting or self.alone or self.running)

    def stop_running(self) -> list[Entry]:
        """End the batch; what is left of it are the entries not answered yet."""
        unanswered = self.running[self.given_up :]
        self.running = []
        self.given_up = 0
        return unanswered

    def expire(self, now: float) -> list[Verdict]:
        """Answer what has reached its deadline; what runs then runs on, but nobody waits for it."""
        verdicts: list[Verdict] = []
        while self.given_up < len(self.running):
            if self.running[self.given_up].deadline > now:
                break
            verdicts.append((self.running[self.given_up], self._overran()))
            self.given_up += 1
        while self.alone and self.alone[0].deadline <= now:
            verdicts.append((self.alone.popleft(), self._overran()))
        while self.waiting and self.waiting[0].deadline <= now:
            verdicts.append((self.waiting.popleft(), _waited_too_long()))
        return verdicts

    def deadlines(self) -> Iterator[float]:
        """The earliest deadline of each group that holds any."""
        if self.given_up < len(self.running):
            yield self.running[self.given_up].deadline
        if self.alone:
            yield self.alone[0].deadline
        if self.waiting:
            yield self.waiting[0].deadline

    def _overran(self) -> Exception:
        # Recognising writes nothing, so there the outcome is known.
        if self.name == "recognise":
            return _waited_too_long()
        return OutcomeUnknown("the store took too long to answer; repeating is safe")


class Queue:
    """Both stages.

    Attributes:
        held: requests that were taken and are not answered yet.
        in_vain: requests in a row of which none was recognised.
        goes_straight: whether what is taken now goes straight to be written.
    """

    def __init__(self, batch_size: int, queue_size: int) -> None:
        self.recognise = Stage("recognise")
        self.write = Stage("write")
        self.held = 0
        self.in_vain = 0
        self.goes_straight = False
        self._batch_size = batch_size
        self._queue_size = queue_size
        self._closing = False

    def submit(self, entry: Entry) -> Literal["full", "closing"] | None:
        """Take an entry, or tell why not.

        One that is larger than the whole queue is taken when nothing else is held: else it would
        be told to come again later for ever.
        """
        if self._closing:
            return "closing"
        size = len(entry.requests)
        if self.held and self.held + size > self._queue_size:
            return "full"
        self.held += size
        running = self.write.running
        if running and entry.deadline - running[0].deadline > SLOW:
            self._recognise_again()
        stage = self.write if self.goes_straight else self.recognise
        stage.waiting.append(entry)
        return None

    def take(self, stage: Stage, now: float) -> tuple[list[Entry], list[Verdict]]:
        """Begin the next batch: what is to be run now, and who waited too long for it.

        A batch has at most ``batch_size`` requests; an entry larger than that goes alone. Without
        a batch the stage has nothing to do yet.
        """
        late = self._answer(stage.expire(now))
        if stage.alone:
            stage.running = [stage.alone.popleft()]
            return stage.running, late
        waiting, batch, room = stage.waiting, stage.running, self._batch_size
        while waiting:
            room -= len(waiting[0].requests)
            if room < 0 and batch:
                break
            batch.append(waiting.popleft())
        return batch, late

    def finish(self, stage: Stage, answers: Sequence[Answer | None]) -> list[Verdict]:
        """End the batch with an answer for each of its requests.

        An entry of which something was not recognised goes on to be written, as a whole.
        """
        end = sum(len(entry.requests) for entry in stage.running[: stage.given_up])
        verdicts: list[Verdict] = []
        for entry in stage.stop_running():
            start, end = end, end + len(entry.requests)
            known = [answer for answer in answers[start:end] if answer is not None]
            if len(known) == end - start:
                verdicts.append((entry, known))
            else:
                self.write.waiting.append(entry)
        if stage is self.recognise:
            self._count_in_vain(answers)
        elif any(_is_known(answer) for answer in answers):
            self._recognise_again()
        return self._answer(verdicts)

    def fail(self, stage: Stage, error: Exception) -> list[Verdict]:
        """End the batch with an error.

        The store's own troubles are those of all its entries. Anything else is the doing of one
        of them: each is run again alone, so that only that one fails.
        """
        self._recognise_again()
        alone = len(stage.running) == 1
        unanswered = stage.stop_running()
        if isinstance(error, _TROUBLES):
            return self._answer([(entry, _again(error)) for entry in unanswered])
        if alone:
            return self._answer([(entry, error) for entry in unanswered])
        stage.alone.extend(unanswered)
        return []

    def expire(self, now: float) -> list[Verdict]:
        """Answer everything that has reached its deadline, wherever it is."""
        return self._answer(self.recognise.expire(now) + self.write.expire(now))

    def next_deadline(self) -> float | None:
        """When `expire` will next have something to do; None while nobody waits."""
        return min((*self.recognise.deadlines(), *self.write.deadlines()), default=None)

    def close(self) -> None:
        """Take no more entries."""
        self._closing = True

    def is_over(self, stage: Stage) -> bool:
        """Whether nothing can come to this stage any more."""
        stages = [self.recognise] if stage is self.recognise else [self.recognise, self.write]
        return self._closing and all(stage.is_empty() for stage in stages)

    def _count_in_vain(self, answers: Sequence[Answer | None]) -> None:
        recognised = any(answer is not None for answer in answers)
        self.in_vain = 0 if recognised else self.in_vain + len(answers)
        if self.in_vain >= IN_VAIN and not self.recognise.alone:
            self.goes_straight = True
            # With those that wait here, lest a later one overtakes them.
            self.write.waiting.extend(self.recognise.waiting)
            self.recognise.waiting.clear()

    def _recognise_again(self) -> None:
        self.in_vain = 0
        self.goes_straight = False

    def _answer(self, verdicts: list[Verdict]) -> list[Verdict]:
        self.held -= sum(len(entry.requests) for entry, _ in verdicts)
        return verdicts


def _is_known(answer: Answer | None) -> bool:
    return isinstance(answer, Identified) and answer.outcome == "known"


def _waited_too_long() -> Shed:
    return Shed("the request waited too long; nothing of it was written")


def _again(error: StoreError) -> StoreError:
    # One instance raised by many callers would collect the tracebacks of them all.
    copy = type(error)(*error.args)
    copy.__cause__ = error
    return copy
