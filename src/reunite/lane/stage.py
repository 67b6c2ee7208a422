"""What waits for a thread of the lane, in line, and what that thread is running."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from reunite.errors import OutcomeUnknown, Refusal, Shed
from reunite.identifier import Presented
from reunite.identity import Identified

Answer = Identified | Refusal
"""What one request is answered with."""


class Submission(msgspec.Struct, eq=False):
    """Requests that came together: kept together, in order, and answered together.

    ``deadline`` is in seconds of the clock that drives the queue.
    """

    requests: Sequence[Presented]
    deadline: float
    future: asyncio.Future[list[Answer]]


class Call(msgspec.Struct, eq=False):
    """An operation that only the thread that writes may run, by itself, between two batches.

    ``deadline`` is that of its beginning: once begun it has as long as it takes.
    """

    run: Callable[[], object]
    deadline: float
    future: asyncio.Future[Any]


class Returned(NamedTuple):
    """What a call gave back, whatever it is."""

    value: object


Verdict = tuple[Submission | Call, list[Answer] | Returned | Exception]
"""A submission or a call and what it is to be answered with."""

J = TypeVar("J", Submission, Call)


class Line(Generic[J]):
    """Entries or calls, for one thread.

    All of them have the same time to live, so that what is too late is always in front.

    Attributes:
        waiting: in the order in which they came.
        running: what the thread is running, empty if nothing.
        given_up: how many of ``running``, from the front, were answered at their deadline already.
    """

    __slots__ = ("given_up", "running", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[J] = deque()
        self.running: list[J] = []
        self.given_up = 0

    def is_empty(self) -> bool:
        return not (self.waiting or self.running)

    def stop_running(self) -> list[J]:
        """End what runs; what is left of it was not answered yet."""
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
        while self.waiting and self.waiting[0].deadline <= now:
            verdicts.append((self.waiting.popleft(), _waited_too_long()))
        return verdicts

    def deadlines(self) -> Iterator[float]:
        """The earliest deadline of each group that holds any."""
        if self.given_up < len(self.running):
            yield self.running[self.given_up].deadline
        if self.waiting:
            yield self.waiting[0].deadline

    def _overran(self) -> Exception:
        return OutcomeUnknown("the store took too long to answer; repeating is safe")


class Stage(Line[Submission]):
    """A line of submissions, of which the thread runs many at once.

    Attributes:
        alone: submissions of a batch that failed, to be run one by one before any other.
    """

    __slots__ = ("alone", "name")

    def __init__(self, name: Literal["recognise", "write"]) -> None:
        super().__init__()
        self.name = name
        self.alone: deque[Submission] = deque()

    def has_work(self) -> bool:
        return bool(self.alone or self.waiting)

    def is_empty(self) -> bool:
        return not self.alone and super().is_empty()

    def begin(self, batch_size: int) -> list[Submission]:
        """The next batch: at most so many requests, or one submission."""
        if self.alone:
            self.running = [self.alone.popleft()]
            return self.running
        batch, room = self.running, batch_size
        while self.waiting:
            room -= len(self.waiting[0].requests)
            if room < 0 and batch:
                break
            batch.append(self.waiting.popleft())
        return batch

    def expire(self, now: float) -> list[Verdict]:
        verdicts = super().expire(now)
        while self.alone and self.alone[0].deadline <= now:
            verdicts.append((self.alone.popleft(), self._overran()))
        return verdicts

    def deadlines(self) -> Iterator[float]:
        yield from super().deadlines()
        if self.alone:
            yield self.alone[0].deadline

    def _overran(self) -> Exception:
        # Recognising writes nothing, so there the outcome is known.
        return _waited_too_long() if self.name == "recognise" else super()._overran()


class Calls(Line[Call]):
    """A line of calls, run one by one."""

    __slots__ = ()

    def begin(self) -> Call:
        """The next call."""
        call = self.waiting.popleft()
        call.deadline = math.inf
        self.running = [call]
        return call


def _waited_too_long() -> Shed:
    return Shed("the request waited too long; nothing of it was written")
