"""What waits, what a batch is, and who is answered with what.

No thread, no lock, no clock: whoever drives the queue holds a lock around each call and brings the
time. So a test can drive it through every order of calls.

A submission goes through two stages, *recognise* and *write*, and is answered exactly once: by the
first of them that can, by what went wrong there, or at its deadline. All submissions have the same
time to live, so both stages hold them in the order of their deadlines: what is too late is always
in front.

While all that comes is new, recognising is in vain, and submissions go straight to be written:
there they are looked up anyway. The first of them that was known ends that, and so does a writer
that is slow, fails, or has something else to do, because what is known is not to wait behind it.

That something else are *calls*: operations by hand, which no other thread may run. They and batches
take turns, so that neither has to wait for more than one of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from reunite.errors import OutcomeUnknown, StoreError, StoreFull, StoreUnavailable
from reunite.identity import Identified
from reunite.lane.stage import Answer, Call, Calls, Returned, Stage, Submission, Verdict

IN_VAIN = 256
"""So many requests in a row of which none was recognised, and the next ones go straight."""

SLOW = 0.25
"""Seconds from the submission of what is being written, after which the writer is called slow."""

MOST_CALLS = 16
"""So many calls may wait."""

_TROUBLES = (StoreUnavailable, OutcomeUnknown, StoreFull)
"""The store's own; any other error is the doing of a request."""


class Queue:
    """Both stages, and the calls.

    Attributes:
        unanswered: requests that were taken and are not answered yet.
        in_vain: requests in a row of which none was recognised.
        goes_straight: whether what is taken now goes straight to be written.
    """

    def __init__(self, batch_size: int, queue_size: int) -> None:
        self.recognise = Stage("recognise")
        self.write = Stage("write")
        self.calls = Calls()
        self.unanswered = 0
        self.in_vain = 0
        self.goes_straight = False
        self._batch_size = batch_size
        self._queue_size = queue_size
        self._closing = False
        self._is_turn_of_calls = False

    def submit(self, submission: Submission) -> Literal["full", "closing"] | None:
        """Take a submission, or tell why not.

        One that is larger than the whole queue is taken when nothing else waits: else it would
        be told to come again later for ever.
        """
        if self._closing:
            return "closing"
        size = len(submission.requests)
        if self.unanswered and self.unanswered + size > self._queue_size:
            return "full"
        self.unanswered += size
        running = self.write.running
        is_slow = bool(running) and submission.deadline - running[0].deadline > SLOW
        if is_slow or not self.calls.is_empty():
            self._recognise_again()
        stage = self.write if self.goes_straight else self.recognise
        stage.waiting.append(submission)
        return None

    def call(self, call: Call) -> Literal["full", "closing"] | None:
        """Take a call, or tell why not."""
        if self._closing:
            return "closing"
        if len(self.calls.waiting) >= MOST_CALLS:
            return "full"
        self.calls.waiting.append(call)
        return None

    def take(self, stage: Stage, now: float) -> tuple[list[Submission] | Call, list[Verdict]]:
        """Begin what is to be run now, and tell who waited too long for it.

        A batch has at most ``batch_size`` requests; a submission larger than that goes alone.
        Without a batch the stage has nothing to do yet.
        """
        late = self._answer(stage.expire(now))
        if stage is self.write:
            late += self.calls.expire(now)
            if self.calls.waiting and (self._is_turn_of_calls or not stage.has_work()):
                self._is_turn_of_calls = False
                return self.calls.begin(), late
            self._is_turn_of_calls = True
        return stage.begin(self._batch_size), late

    def finish(self, stage: Stage, answers: Sequence[Answer | None]) -> list[Verdict]:
        """End the batch with an answer for each of its requests.

        A submission of which something was not recognised goes on to be written, as a whole.
        """
        end = sum(len(submission.requests) for submission in stage.running[: stage.given_up])
        verdicts: list[Verdict] = []
        for submission in stage.stop_running():
            start, end = end, end + len(submission.requests)
            known = [answer for answer in answers[start:end] if answer is not None]
            if len(known) == end - start:
                verdicts.append((submission, known))
            else:
                self.write.waiting.append(submission)
        if stage is self.recognise:
            self._count_in_vain(answers)
        elif any(_is_known(answer) for answer in answers):
            self._recognise_again()
        return self._answer(verdicts)

    def fail(self, stage: Stage, error: Exception) -> list[Verdict]:
        """End the batch with an error.

        The store's own troubles are those of all its submissions. Anything else is the doing of one
        of them: each is run again alone, so that only that one fails.
        """
        self._recognise_again()
        alone = len(stage.running) == 1
        unanswered = stage.stop_running()
        if isinstance(error, _TROUBLES):
            return self._answer([(submission, _again(error)) for submission in unanswered])
        if alone:
            return self._answer([(submission, error) for submission in unanswered])
        stage.alone.extend(unanswered)
        return []

    def finish_call(self, result: Returned | Exception) -> list[Verdict]:
        """End the call with what it gave back or raised."""
        return [(call, result) for call in self.calls.stop_running()]

    def expire(self, now: float) -> list[Verdict]:
        """Answer everything that has reached its deadline, wherever it is."""
        submissions = self.recognise.expire(now) + self.write.expire(now)
        return self._answer(submissions) + self.calls.expire(now)

    def next_deadline(self) -> float | None:
        """When `expire` will next have something to do; None while nobody waits."""
        lines = (self.recognise, self.write, self.calls)
        return min((time for line in lines for time in line.deadlines()), default=None)

    def close(self) -> None:
        """Take no more submissions and calls."""
        self._closing = True

    def has_work(self, stage: Stage) -> bool:
        """Whether something waits for the thread of this stage."""
        return stage.has_work() or (stage is self.write and bool(self.calls.waiting))

    def is_over(self, stage: Stage) -> bool:
        """Whether nothing can come to the thread of this stage any more."""
        lines = (self.recognise, self.write, self.calls)[: 1 if stage is self.recognise else 3]
        return self._closing and all(line.is_empty() for line in lines)

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
        self.unanswered -= sum(
            len(job.requests) for job, _ in verdicts if isinstance(job, Submission)
        )
        return verdicts


def _is_known(answer: Answer | None) -> bool:
    return isinstance(answer, Identified) and answer.outcome == "known"


def _again(error: StoreError) -> StoreError:
    # One instance raised by many callers would collect the tracebacks of them all.
    copy = type(error)(*error.args)
    copy.__cause__ = error
    return copy
