"""Every order of what the queue can be asked, against a model that knows only words.

Here alone a stand-in for a repository is right: what is tested is who is answered with what, and
no store would run a batch at the moment the test chooses.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from reunite.errors import OutcomeUnknown, Shed, StoreError, StoreUnavailable
from reunite.identifier import Presented
from reunite.identity import Identified, Outcome
from reunite.lane import queue as lane_queue
from reunite.lane.queue import Queue
from reunite.lane.stage import Answer, Call, Returned, Stage, Submission, Verdict

BATCH_SIZE = 2
QUEUE_SIZE = 4
TIMEOUT = 2
DEPTH = 7
STAGES = ("recognise", "write")
MOST_CALLS = 2
SIZES = {"new": 1, "known": 1, "array": 3, "bad to read": 1, "bad to write": 1, "call": 0}


class PoisonError(StoreError):
    """As a store raises when one of its constraints refuses a request."""


class StandIn:
    """Answers each request with its own number; an array's first request is known."""

    def recognise_many(self, requests: Sequence[Presented]) -> list[Answer | None]:
        if any(kind_of(request) == "bad to read" for request in requests):
            raise PoisonError
        return [answer(request) if is_known(request) else None for request in requests]

    def identify_many(self, requests: Sequence[Presented]) -> list[Answer | None]:
        if any(kind_of(request) == "bad to write" for request in requests):
            raise PoisonError
        return [answer(request) for request in requests]


def make_requests(number: int, kind: str) -> list[Presented]:
    return [Presented(f"{number * 10 + place}@{kind}", None) for place in range(SIZES[kind])]


def kind_of(request: Presented) -> str:
    return str(request.email).partition("@")[2]


def is_known(request: Presented) -> bool:
    return kind_of(request) == "known" or str(request.email).endswith("0@array")


def answer(request: Presented) -> Identified:
    number = int(str(request.email).partition("@")[0])
    outcome: Outcome = "known" if is_known(request) else "created"
    return Identified(number, (str(request.email),), (), (), outcome)


@dataclass
class Held:
    number: int
    kind: str
    deadline: float
    stage: str = "recognise"
    state: str = "waiting"  # waiting, alone, running; or answered, when it perhaps still runs
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = SIZES[self.kind]


class Model:
    """The same promises, told naively: submissions in the order of submission, each in a state."""

    def __init__(self) -> None:
        self.submissions: list[Held] = []
        self.running: dict[str, list[Held]] = {stage: [] for stage in STAGES}
        self.now = 0
        self.closing = False
        self.in_vain = 0
        self.goes_straight = False
        self.is_turn_of_calls = False

    def unanswered(self) -> int:
        return sum(
            submission.size for submission in self.submissions if submission.state != "answered"
        )

    def next_deadline(self) -> float | None:
        return min((e.deadline for e in self.submissions if e.state != "answered"), default=None)

    def is_over(self, stage: str) -> bool:
        """Only what was answered already, and runs no more, is left up to this stage."""
        stages = ("recognise",) if stage == "recognise" else (*STAGES, "calls")
        left = any(e.stage in stages for e in self.submissions if e.state != "answered")
        return self.closing and not left and not any(self.running.get(name) for name in stages)

    def calls(self, *states: str) -> list[Held]:
        return [e for e in self.submissions if e.stage == "calls" and e.state in states]

    def call(self, number: int) -> str | None:
        if self.closing:
            return "closing"
        if len(self.calls("waiting")) == MOST_CALLS:
            return "full"
        self.submissions.append(Held(number, "call", self.now + TIMEOUT, "calls"))
        return None

    def submit(self, number: int, kind: str) -> str | None:
        if self.closing:
            return "closing"
        submission = Held(number, kind, self.now + TIMEOUT)
        if self.unanswered() and self.unanswered() + submission.size > QUEUE_SIZE:
            return "full"
        running = [other for other in self.running["write"] if other.kind != "call"]
        if any(other.deadline < submission.deadline for other in running):
            self.recognise_again()  # the writer is slow: a tick is longer than its patience
        if self.calls("waiting") or any(other.kind == "call" for other in self.running["write"]):
            self.recognise_again()  # the writer has something else to do
        if self.goes_straight:
            submission.stage = "write"
        self.submissions.append(submission)
        return None

    def recognise_again(self) -> None:
        self.in_vain, self.goes_straight = 0, False

    def learn(self, stage: str, batch: Sequence[Held]) -> None:
        """What a batch that was run tells of those to come."""
        if any(submission.kind in ("known", "array") for submission in batch):
            self.recognise_again()
        elif stage == "recognise":
            self.in_vain += sum(submission.size for submission in batch)
            alone = any(e.stage == "recognise" and e.state == "alone" for e in self.submissions)
            if self.in_vain >= lane_queue.IN_VAIN and not alone:
                self.goes_straight = True
                for submission in self.submissions:
                    submission.stage = "calls" if submission.kind == "call" else "write"

    def expire(self, stages: Sequence[str]) -> dict[int, str]:
        told = {}
        for submission in self.submissions:
            if (
                submission.stage in stages
                and submission.state != "answered"
                and submission.deadline <= self.now
            ):
                ran = submission.state != "waiting"
                told[submission.number] = (
                    "unknown" if ran and submission.stage != "recognise" else "late"
                )
                submission.state = "answered"
        return told

    def take(self, stage: str) -> tuple[list[int], dict[int, str]]:
        late = self.expire([stage, "calls"] if stage == "write" else [stage])
        left = [e for e in self.submissions if e.stage == stage and e.state in ("alone", "waiting")]
        if stage == "write" and (self.is_turn_of_calls or not left) and self.calls("waiting"):
            self.is_turn_of_calls = False
            call = self.calls("waiting")[0]
            call.state, call.deadline = "running", math.inf
            self.running["write"] = [call]
            return [call.number], late
        self.is_turn_of_calls = stage == "write" or self.is_turn_of_calls
        alone = [e for e in self.submissions if e.stage == stage and e.state == "alone"]
        waiting = [e for e in self.submissions if e.stage == stage and e.state == "waiting"]
        batch = alone[:1] or waiting[:1]
        for submission in waiting[1:] if not alone else []:
            if sum(e.size for e in batch) + submission.size > BATCH_SIZE:
                break
            batch.append(submission)
        for submission in batch:
            submission.state = "running"
        self.running[stage] = batch
        return [submission.number for submission in batch], late

    def run(self, stage: str) -> dict[int, str]:
        batch, self.running[stage] = self.running[stage], []
        bad = any(
            e.kind == {"recognise": "bad to read", "write": "bad to write"}[stage] for e in batch
        )
        told = {}
        for submission in batch:
            if submission.state == "answered":
                continue
            if bad and len(batch) > 1:
                submission.state = "alone"
            elif bad:
                told[submission.number] = "poison"
            elif submission.kind == "call":
                told[submission.number] = "its answers"
            elif stage == "recognise" and submission.kind != "known":
                submission.stage, submission.state = "write", "waiting"
            else:
                told[submission.number] = "its answers"
            if submission.number in told:
                submission.state = "answered"
        if bad:
            self.recognise_again()
        else:
            self.learn(stage, batch)
        return told

    def fail(self, stage: str) -> dict[int, str]:
        batch, self.running[stage] = self.running[stage], []
        if [submission.kind for submission in batch] != ["call"]:
            self.recognise_again()
        unanswered = [submission for submission in batch if submission.state != "answered"]
        for submission in unanswered:
            submission.state = "answered"
        return {submission.number: "unavailable" for submission in unanswered}


class Play:
    """Drives the queue and the model by the same steps and compares what each says."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.queue = Queue(BATCH_SIZE, QUEUE_SIZE)
        self.model = Model()
        self.store = StandIn()
        self.submissions: list[Submission | Call] = []
        self.told: dict[int, str] = {}
        self.written: list[int] = []

    def number(self, submission: Submission | Call) -> int:
        return next(n for n, other in enumerate(self.submissions) if other is submission)

    def stage(self, name: str) -> Stage:
        return self.queue.recognise if name == "recognise" else self.queue.write

    def is_running(self, stage: str) -> bool:
        return bool(self.stage(stage).running or (stage == "write" and self.queue.calls.running))

    def steps(self) -> Iterator[tuple[str, str]]:
        """The steps that a worker or the event loop may do next."""
        for stage in STAGES:
            if self.is_running(stage):
                yield "run", stage
                yield "fail", stage
            else:
                yield "take", stage
        yield "expire", ""
        yield "tick", ""
        if not self.model.closing:
            yield "close", ""

    def step(self, verb: str, what: str) -> None:
        getattr(self, verb)(what)

    def check(self) -> None:
        assert self.queue.unanswered == self.model.unanswered()
        assert self.queue.unanswered <= QUEUE_SIZE
        assert self.queue.next_deadline() == self.model.next_deadline()
        assert self.queue.in_vain == self.model.in_vain
        assert self.queue.goes_straight == self.model.goes_straight
        for stage in STAGES:
            assert self.queue.is_over(self.stage(stage)) == self.model.is_over(stage)

    def submit(self, kind: str) -> None:
        number = len(self.submissions)
        if kind == "call":
            self.call(number)
            return
        submission = Submission(
            make_requests(number, kind), self.model.now + TIMEOUT, self.loop.create_future()
        )
        expected = self.model.submit(number, kind)
        assert self.queue.submit(submission) == expected
        self.submissions.append(submission)
        if expected is not None:
            self.told[number] = expected

    def call(self, number: int) -> None:
        call = Call(lambda: number, self.model.now + TIMEOUT, self.loop.create_future())
        expected = self.model.call(number)
        assert self.queue.call(call) == expected
        self.submissions.append(call)
        if expected is not None:
            self.told[number] = expected

    def take(self, stage: str) -> None:
        work, late = self.queue.take(self.stage(stage), self.model.now)
        numbers, expected = self.model.take(stage)
        self.tell(late, expected)
        if isinstance(work, Call):
            assert [self.number(work)] == numbers
        else:
            self.check_batch(work, numbers)

    def check_batch(self, batch: list[Submission], numbers: list[int]) -> None:
        assert [self.number(submission) for submission in batch] == numbers
        assert all(submission.deadline > self.model.now for submission in batch)
        assert len(batch) == 1 or sum(len(e.requests) for e in batch) <= BATCH_SIZE

    def run(self, stage: str) -> None:
        if stage == "write" and self.queue.calls.running:
            (call,) = self.queue.calls.running
            self.tell(self.queue.finish_call(Returned(call.run())), self.model.run(stage))
            return
        batch = self.stage(stage).running
        requests = [request for submission in batch for request in submission.requests]
        work = self.store.recognise_many if stage == "recognise" else self.store.identify_many
        try:
            answers = work(requests)
        except PoisonError as error:
            verdicts = self.queue.fail(self.stage(stage), error)
        else:
            if stage == "write":
                self.written += [self.number(submission) for submission in batch]
            verdicts = self.queue.finish(self.stage(stage), answers)
        self.tell(verdicts, self.model.run(stage))
        assert self.written == sorted(self.written)

    def fail(self, stage: str) -> None:
        gone = StoreUnavailable("gone")
        if stage == "write" and self.queue.calls.running:
            verdicts = self.queue.finish_call(gone)
        else:
            verdicts = self.queue.fail(self.stage(stage), gone)
        self.tell(verdicts, self.model.fail(stage))

    def expire(self, _: str) -> None:
        self.tell(self.queue.expire(self.model.now), self.model.expire((*STAGES, "calls")))

    def tick(self, _: str) -> None:
        self.model.now += 1

    def close(self, _: str) -> None:
        self.queue.close()
        self.model.closing = True

    def tell(self, verdicts: list[Verdict], expected: dict[int, str]) -> None:
        said = {self.number(job): word_of(job, result) for job, result in verdicts}
        assert len(said) == len(verdicts)
        assert said == expected
        assert not said.keys() & self.told.keys(), "answered twice"
        self.told |= said

    def drain(self) -> None:
        """What the workers do when the store works and the lane closes."""
        self.step("close", "")
        for stage in STAGES:
            while not self.queue.is_over(self.stage(stage)):
                if not self.is_running(stage):
                    self.step("take", stage)
                if self.is_running(stage):
                    self.step("run", stage)
                self.check()

    def state(self) -> object:
        """All that can matter to what comes next."""
        groups: list[object] = [
            [
                (str(e.requests[0].email).partition("@")[2], e.deadline - self.model.now)
                for e in group
            ]
            for stage in (self.queue.recognise, self.queue.write)
            for group in (stage.waiting, stage.alone, stage.running)
        ]
        calls = [
            [call.deadline - self.model.now for call in group]
            for group in (self.queue.calls.waiting, self.queue.calls.running)
        ]
        groups.append([("turn of calls", self.model.is_turn_of_calls), *enumerate(calls)])
        given_up = [self.stage(name).given_up for name in STAGES]
        straight = self.queue.in_vain, self.queue.goes_straight
        return repr((groups, given_up, self.queue.unanswered, self.model.closing, straight))


def word_of(job: Submission | Call, result: list[Answer] | Returned | Exception) -> str:
    if isinstance(result, Returned):
        assert isinstance(job, Call)
        assert result.value == job.run()
        return "its answers"
    if isinstance(result, list):
        assert isinstance(job, Submission)
        assert result == [answer(request) for request in job.requests]
        return "its answers"
    words: dict[type[Exception], str] = {
        Shed: "late",
        OutcomeUnknown: "unknown",
        StoreUnavailable: "unavailable",
        PoisonError: "poison",
    }
    return words[type(result)]


Path = tuple[tuple[str, str], ...]


def play(loop: asyncio.AbstractEventLoop, path: Path) -> Play:
    game = Play(loop)
    # Its earlier states were checked as the ends of shorter paths.
    for verb, what in path:
        game.step(verb, what)
    game.check()
    return game


def explore(
    loop: asyncio.AbstractEventLoop, start: Path, kinds: Sequence[str], depth: int
) -> list[Path]:
    """One path to every state that ``depth`` steps from the start reach, each step checked."""
    seen = {play(loop, start).state()}
    paths = level = [start]
    for _ in range(depth):
        following = []
        for path in level:
            steps = [*(("submit", kind) for kind in kinds), *play(loop, path).steps()]
            for step in steps:
                state = play(loop, (*path, step)).state()
                if state not in seen:
                    seen.add(state)
                    following.append((*path, step))
        paths = paths + following
        level = following
    return paths


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


TO_WRITE: Path = (("take", "recognise"), ("run", "recognise"), ("take", "write"))
STRAIGHT: Path = (("submit", "new"), ("submit", "new"), *TO_WRITE, ("run", "write"))


@pytest.mark.parametrize(
    ("start", "kinds", "in_vain"),
    [
        ((), ("new", "known", "array"), 2),
        ((("submit", "new"), ("submit", "bad to read")), ("new", "bad to read"), 1),
        ((("submit", "bad to write"), ("submit", "new"), *TO_WRITE), ("new", "bad to write"), 3),
        (STRAIGHT, ("new", "known", "bad to write"), 2),
        ((("submit", "new"), ("submit", "call"), *TO_WRITE), ("new", "call"), 2),
        ((*STRAIGHT, ("submit", "call")), ("new", "bad to write", "call"), 2),
    ],
    ids=["sound", "bad to read", "bad to write", "straight", "calls", "calls and straight"],
)
def test_whatever_the_order_each_entry_is_answered_once_and_rightly(
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    start: Path,
    kinds: tuple[str, ...],
    in_vain: int,
) -> None:
    monkeypatch.setattr(lane_queue, "IN_VAIN", in_vain)
    monkeypatch.setattr(lane_queue, "MOST_CALLS", MOST_CALLS)
    paths = explore(loop, start, kinds, DEPTH)
    assert len(paths) > 1000
    for path in paths:
        drained = play(loop, path)
        drained.drain()
        assert drained.told.keys() == set(range(len(drained.submissions)))
        stuck = play(loop, path)
        stuck.queue.expire(math.inf)
        assert stuck.queue.unanswered == 0
        assert stuck.queue.next_deadline() is None


def test_a_submission_larger_than_the_queue_is_taken_once_nothing_else_waits(
    loop: asyncio.AbstractEventLoop,
) -> None:
    queue = Queue(BATCH_SIZE, QUEUE_SIZE)
    large = [Submission(make_requests(0, "array") * 2, TIMEOUT, loop.create_future()) for _ in "ab"]
    assert queue.submit(large[0]) is None
    assert queue.submit(large[1]) == "full"
    assert queue.take(queue.recognise, 0) == ([large[0]], [])


def test_the_next_deadline_is_that_of_the_first_to_expire_wherever_it_is(
    loop: asyncio.AbstractEventLoop,
) -> None:
    queue = Queue(BATCH_SIZE, QUEUE_SIZE)
    for deadline in range(1, 4):
        queue.submit(Submission(make_requests(deadline, "new"), deadline, loop.create_future()))
    queue.take(queue.recognise, 0)
    for deadline in range(1, 4):
        assert queue.next_deadline() == deadline
        assert len(queue.expire(deadline)) == 1
    assert queue.next_deadline() is None


def test_callers_of_one_failed_batch_do_not_share_one_exception(
    loop: asyncio.AbstractEventLoop,
) -> None:
    queue = Queue(BATCH_SIZE, QUEUE_SIZE)
    for number in range(2):
        queue.submit(Submission(make_requests(number, "new"), TIMEOUT, loop.create_future()))
    queue.take(queue.recognise, 0)
    cause = StoreUnavailable("the server is restarting")
    (_, one), (_, other) = queue.fail(queue.recognise, cause)
    assert isinstance(one, StoreUnavailable)
    assert one is not other
    assert str(one) == str(other) == str(cause)


@pytest.mark.parametrize("first", ["batch", "call"])
def test_calls_and_batches_take_turns(loop: asyncio.AbstractEventLoop, first: str) -> None:
    queue = Queue(BATCH_SIZE, QUEUE_SIZE)
    taken = []

    def bring(kind: str) -> None:
        if kind == "call":
            queue.call(Call(lambda: None, TIMEOUT, loop.create_future()))
        else:
            queue.write.waiting.append(
                Submission(make_requests(1, "new") * BATCH_SIZE, TIMEOUT, loop.create_future())
            )

    bring(first)
    for _ in range(5):
        work, _ = queue.take(queue.write, 0)
        taken.append("call" if isinstance(work, Call) else "batch")
        # While it runs, more of both come than can be run.
        for kind in ("batch", "call", "batch", "call"):
            bring(kind)
        if isinstance(work, Call):
            queue.finish_call(Returned(None))
        else:
            queue.finish(queue.write, [answer(request) for request in work[0].requests])
    other = "call" if first == "batch" else "batch"
    assert taken == [first, other, first, other, first]


def test_a_call_has_a_deadline_until_it_begins(loop: asyncio.AbstractEventLoop) -> None:
    queue = Queue(BATCH_SIZE, QUEUE_SIZE)
    calls = [Call(lambda: None, TIMEOUT, loop.create_future()) for _ in range(2)]
    for call in calls:
        queue.call(call)
    assert queue.take(queue.write, 0)[0] is calls[0]
    ((late, problem),) = queue.expire(TIMEOUT)
    assert late is calls[1]
    assert isinstance(problem, Shed)
    assert queue.finish_call(Returned(7)) == [(calls[0], Returned(7))]
