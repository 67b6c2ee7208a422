"""The lane with its real threads, before a stand-in repository that runs when the test lets it.

A stand-in is right here alone: no store blocks, fails and comes back at the moment one chooses.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from reunite import metrics
from reunite.errors import IdentityTooLarge, OutcomeUnknown, Shed, StoreFull, StoreUnavailable
from reunite.identifier import Policy, Presented
from reunite.identity import Identified, Outcome
from reunite.lane import Answer, Lane
from reunite.lane.queue import IN_VAIN, MOST_CALLS
from reunite.repositories.repository import OnWait, Repository, Totals, nobody_waits

PATIENCE = 10.0  # seconds until a test gives up waiting for a fact


class StandIn(Repository):
    """Answers each request with its number (``7@known``, ``8@new``) and keeps its batches.

    Attributes:
        may_read, may_read_slow, may_write: gates; closed, the calls are stuck.
        is_writing: set while `identify_many` is inside.
        trouble: raised by the calls named there.
    """

    policy = Policy()

    def __init__(self) -> None:
        self.may_read = threading.Event()
        self.may_read_slow = threading.Event()
        self.may_write = threading.Event()
        self.may_read.set()
        self.may_write.set()
        self.is_reading = threading.Event()
        self.is_writing = threading.Event()
        self.read: list[list[Presented]] = []
        self.written: list[list[Presented]] = []
        self.trouble: dict[str, Exception] = {}

    def recognise_many(
        self, requests: Sequence[Presented], on_wait: OnWait = nobody_waits
    ) -> list[Identified | None]:
        on_wait()
        self.read.append(list(requests))
        self.is_reading.set()
        self.may_read.wait()
        if any(name(request).endswith("slow to recognise") for request in requests):
            self.may_read_slow.wait()
        self.is_reading.clear()
        self._raise("recognise", requests)
        if name(requests[0]).endswith("short recognise"):
            return []
        return [answer(request) if "known" in name(request) else None for request in requests]

    def _reconcile(self, requests: Sequence[Presented], on_wait: OnWait) -> list[Answer]:
        on_wait()
        self.written.append(list(requests))
        self.is_writing.set()
        self.may_write.wait()
        self.is_writing.clear()
        self._raise("write", requests)
        if name(requests[0]).endswith("short write"):
            return []
        return [refusal if "refused" in name(request) else answer(request) for request in requests]

    def _raise(self, call: str, requests: Sequence[Presented]) -> None:
        if call in self.trouble:
            raise self.trouble[call]
        if any(name(request).endswith(f"bad to {call}") for request in requests):
            raise LookupError(f"bad to {call}")

    def totals(self) -> Totals:
        raise NotImplementedError

    def check(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


refusal = IdentityTooLarge(primary_contact_id=1, size=9, would_be=11, limit=10)


def asked(*names: str) -> list[Presented]:
    return [Presented(name, None) for name in names]


def name(request: Presented) -> str:
    return str(request.email)


def answer(request: Presented) -> Identified:
    outcome: Outcome = "known" if "known" in name(request) else "created"
    return Identified(int(name(request).partition("@")[0]), (name(request),), (), (), outcome)


def answers(*names: str) -> list[Answer]:
    return [answer(request) for request in asked(*names)]


@asynccontextmanager
async def lane_before(
    store: StandIn, *, batch_size: int = 8, queue_size: int = 100, timeout: float = PATIENCE
) -> AsyncIterator[Lane]:
    lane = Lane(store, batch_size=batch_size, queue_size=queue_size, timeout=timeout)
    try:
        yield lane
    finally:
        for gate in (store.may_read, store.may_read_slow, store.may_write):
            gate.set()
        assert await lane.close()


async def until(fact: threading.Event) -> None:
    assert await asyncio.to_thread(fact.wait, PATIENCE)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scene(), 2 * PATIENCE)

    asyncio.run(bounded())


async def outcome(future: asyncio.Future[list[Answer]]) -> list[Answer] | BaseException:
    return (await asyncio.gather(future, return_exceptions=True))[0]


def counted(metric: str, **labels: str) -> float:
    text = metrics.render(None)[0].decode()
    key = metric + "".join(f'{{{label}="{value}"}}' for label, value in labels.items())
    return float(next(line for line in text.splitlines() if line.startswith(key)).split()[-1])


def test_what_is_known_is_recognised_and_the_rest_written() -> None:
    async def scene() -> None:
        store = StandIn()
        async with lane_before(store) as lane:
            assert await lane.submit(asked("1@known")) == answers("1@known")
            assert await lane.submit(asked("2@new")) == answers("2@new")
        assert store.written == [asked("2@new")]

    run(scene)


def test_whatever_queued_while_the_last_batch_ran_is_the_next_batch() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        async with lane_before(store) as lane:
            first = lane.submit(asked("0@new"))
            await until(store.is_writing)
            others = [lane.submit(asked(f"{n}@new")) for n in range(1, 13)]
            # One known request comes back only after all before it were recognised.
            await lane.submit(asked("99@known"))
            store.may_write.set()
            for number, future in enumerate([first, *others]):
                assert await future == answers(f"{number}@new")
        assert [len(batch) for batch in store.written] == [1, 8, 4]

    run(scene)


def test_what_is_known_does_not_wait_behind_writes() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        async with lane_before(store) as lane:
            writing = lane.submit(asked("1@new"))
            await until(store.is_writing)
            assert await lane.submit(asked("2@known")) == answers("2@known")
            assert not writing.done()

    run(scene)


def test_what_is_to_be_written_does_not_wait_for_the_next_batch_to_be_recognised() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        async with lane_before(store) as lane:
            first = lane.submit(asked("1@new"))
            await until(store.is_reading)
            second = lane.submit(asked("2@slow to recognise"))
            store.may_read.set()
            assert await first == answers("1@new")
            assert not second.done()
            store.may_read_slow.set()

    run(scene)


class Stepping(StandIn):
    """Writes one batch each time it is told to go on.

    Attributes:
        waits: whether it says so when it begins to be waited for.
    """

    def __init__(self, *, waits: bool) -> None:
        super().__init__()
        self.waits = waits
        self.go_on = threading.Semaphore(0)

    def _reconcile(self, requests: Sequence[Presented], on_wait: OnWait) -> list[Answer]:
        if self.waits:
            on_wait()
        self.is_writing.set()
        self.go_on.acquire()
        return [answer(request) for request in requests]


async def answered_beside_the_next(*, waits: bool) -> None:
    """The first of two batches is answered while the store is stuck in the second."""
    store = Stepping(waits=waits)
    async with lane_before(store, batch_size=1) as lane:
        first = lane.submit(asked("1@new"))
        await until(store.is_writing)
        second = lane.submit(asked("2@new"))
        store.go_on.release()
        assert await first == answers("1@new")
        assert not second.done()
        store.go_on.release()
        assert await second == answers("2@new")


def test_a_batch_is_answered_when_the_store_is_waited_for_again() -> None:
    run(lambda: answered_beside_the_next(waits=True))


def test_a_batch_is_answered_after_a_while_even_if_the_store_is_stuck_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reunite.lane.lane._LOOK", 0.001)
    run(lambda: answered_beside_the_next(waits=False))


@pytest.mark.usefixtures("looks_at_deadlines_only")
def test_a_store_that_is_never_waited_for_keeps_no_answers_back() -> None:
    async def scene() -> None:
        store = Stepping(waits=False)
        async with lane_before(store, batch_size=1) as lane:
            futures = [lane.submit(asked(f"{n}@new")) for n in range(3)]
            store.go_on.release(2)
            assert await futures[0] == answers("0@new")
            store.go_on.release()
            assert await futures[2] == answers("2@new")

    run(scene)


async def bring_only_new(lane: Lane) -> None:
    """As many new requests as make the lane expect no known ones."""
    await lane.submit(asked(*["1@new"] * IN_VAIN))


def test_while_all_is_new_it_is_written_without_being_recognised_until_something_is_known() -> None:
    async def scene() -> None:
        store = StandIn()
        async with lane_before(store) as lane:
            await bring_only_new(lane)
            for name in ("2@new", "3@known", "4@known"):
                assert await lane.submit(asked(name)) == answers(name)
        assert store.written[1:] == [asked("2@new"), asked("3@known")]
        assert store.read[1:] == [asked("4@known")]

    run(scene)


def test_what_is_known_does_not_wait_behind_a_slow_writer_even_after_much_that_was_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reunite.lane.queue.SLOW", 0.0)

    async def scene() -> None:
        store = StandIn()
        async with lane_before(store) as lane:
            await bring_only_new(lane)
            store.may_write.clear()
            writing = lane.submit(asked("2@new"))
            await until(store.is_writing)
            assert await lane.submit(asked("3@known")) == answers("3@known")
            assert not writing.done()

    run(scene)


def test_an_array_is_kept_together_and_goes_alone_when_it_is_larger_than_a_batch() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        array = [f"{n}@{'known' if n % 3 else 'new'}" for n in range(20)]
        async with lane_before(store) as lane:
            before = lane.submit(asked("100@new"))
            middle = lane.submit(asked(*array))
            after = lane.submit(asked("101@new"))
            store.may_read.set()
            assert await middle == answers(*array)
            assert await before == answers("100@new")
            assert await after == answers("101@new")
        assert [name(request) for batch in store.written for request in batch] == [
            "100@new",
            *array,
            "101@new",
        ]
        assert asked(*array) in store.read
        assert asked(*array) in store.written

    run(scene)


def test_the_event_loop_is_woken_once_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        async with lane_before(store, batch_size=64) as lane:
            first = lane.submit(asked("0@known"))
            await until(store.is_reading)
            many = [lane.submit(asked(f"{n}@known")) for n in range(64)]
            wake_ups = []
            loop = asyncio.get_running_loop()
            wake = loop.call_soon_threadsafe

            def count(*args: object) -> asyncio.Handle:
                wake_ups.append(args)
                return wake(*args)  # type: ignore[arg-type]

            monkeypatch.setattr(loop, "call_soon_threadsafe", count)
            store.may_read.set()
            await asyncio.gather(first, *many)
            assert len(wake_ups) == 2
            monkeypatch.undo()

    run(scene)


def test_a_full_queue_sheds_at_once_and_takes_again_when_it_has_room() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        shed = counted("reunite_shed_total", reason="full")
        async with lane_before(store, queue_size=3) as lane:
            taken = [lane.submit(asked("1@new", "2@new")), lane.submit(asked("3@new"))]
            with pytest.raises(Shed, match="too many"):
                lane.submit(asked("4@new", "5@new"))
            assert counted("reunite_shed_total", reason="full") == shed + 2
            store.may_write.set()
            await asyncio.gather(*taken)
            assert await lane.submit(asked("4@new")) == answers("4@new")

    run(scene)


@pytest.fixture
def looks_at_deadlines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reunite.lane.lane._LOOK", 3600.0)


@pytest.mark.usefixtures("looks_at_deadlines_only")
def test_a_stuck_store_costs_its_callers_503_and_everything_works_again_when_it_moves() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        late = counted("reunite_shed_total", reason="late")
        async with lane_before(store, queue_size=3, timeout=0.25) as lane:
            running = lane.submit(asked("1@new"))
            await until(store.is_writing)
            waiting = lane.submit(asked("2@new"))
            assert isinstance(await outcome(running), OutcomeUnknown)
            assert isinstance(await outcome(waiting), Shed)
            # The known are still served; the new wait in vain, and are bounded as ever.
            assert isinstance(await outcome(lane.submit(asked("3@new"))), Shed)
            assert counted("reunite_shed_total", reason="late") == late + 2
            store.may_write.set()
            while isinstance(again := await outcome(lane.submit(asked("4@new"))), Shed):
                pass
            assert again == answers("4@new")
        assert asked("2@new") not in store.written
        assert asked("3@new") not in store.written

    run(scene)


def test_a_stuck_recogniser_hangs_nobody_and_what_it_gave_up_is_not_written() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        async with lane_before(store, timeout=0.25) as lane:
            assert isinstance(await outcome(lane.submit(asked("1@new"))), Shed)
        assert store.written == []

    run(scene)


def test_what_waited_too_long_is_not_run_even_if_a_worker_is_the_first_to_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        async with lane_before(store) as lane:
            first = lane.submit(asked("1@new"))
            await until(store.is_writing)
            second = lane.submit(asked("2@new"))
            await lane.submit(asked("3@known"))
            monkeypatch.setattr("reunite.lane.worker.monotonic", lambda: math.inf)
            store.may_write.set()
            assert await first == answers("1@new")
            assert isinstance(await outcome(second), Shed)
        assert store.written == [asked("1@new")]

    run(scene)


def test_how_much_is_held_can_be_seen_while_the_store_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reunite.lane.lane._LOOK", 0.001)

    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        async with lane_before(store) as lane:
            futures = [lane.submit(asked("1@new", "2@new")), lane.submit(asked("3@new"))]
            while counted("reunite_queue_depth") != 3:
                await asyncio.sleep(0)
            store.may_write.set()
            await asyncio.gather(*futures)
            while counted("reunite_queue_depth") != 0:
                await asyncio.sleep(0)

    run(scene)


def test_a_client_that_went_away_takes_nothing_from_its_batch() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        async with lane_before(store) as lane:
            futures = [lane.submit(asked(f"{n}@new")) for n in range(3)]
            await until(store.is_writing)
            futures[0].cancel()
            futures[1].cancel()
            store.may_write.set()
            assert await futures[2] == answers("2@new")

    run(scene)


@pytest.mark.parametrize("call", ["recognise", "write"])
def test_one_bad_request_fails_alone(call: str) -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        async with lane_before(store) as lane:
            first = lane.submit(asked("0@new"))
            await until(store.is_reading)
            names = ["1@new", f"2@bad to {call}", "3@new"]
            futures = [lane.submit(asked(name)) for name in names]
            store.may_read.set()
            results = [await outcome(future) for future in futures]
            assert results[0] == answers("1@new")
            assert isinstance(results[1], LookupError)
            assert results[2] == answers("3@new")
            assert await first == answers("0@new")

    run(scene)


def test_a_refused_request_is_answered_and_its_batch_mates_are_written() -> None:
    async def scene() -> None:
        refused = counted("reunite_requests_total", outcome="refused")
        async with lane_before(StandIn()) as lane:
            array = lane.submit(asked("1@new", "2@refused", "3@new"))
            assert await array == [*answers("1@new"), refusal, *answers("3@new")]
        assert counted("reunite_requests_total", outcome="refused") == refused + 1

    run(scene)


@pytest.mark.parametrize("call", ["recognise", "write"])
@pytest.mark.parametrize("trouble", [StoreUnavailable, OutcomeUnknown, StoreFull])
def test_the_stores_own_trouble_reaches_every_caller_and_is_not_tried_one_by_one(
    call: str, trouble: type[Exception]
) -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        async with lane_before(store) as lane:
            first = lane.submit(asked("0@known"))
            await until(store.is_reading)
            store.trouble[call] = trouble("gone")
            futures = [lane.submit(asked(f"{n}@new")) for n in range(1, 4)]
            store.may_read.set()
            for future in futures:
                assert type(await outcome(future)) is trouble
            await outcome(first)
            assert [len(batch) for batch in store.read] == [1, 3]
            store.trouble.clear()
            assert await lane.submit(asked("5@new")) == answers("5@new")

    run(scene)


@pytest.mark.parametrize("call", ["recognise", "write"])
def test_a_store_that_answers_too_few_fails_the_request_and_stops_nothing(call: str) -> None:
    async def scene() -> None:
        async with lane_before(StandIn()) as lane:
            assert isinstance(await outcome(lane.submit(asked(f"1@short {call}"))), RuntimeError)
            assert await lane.submit(asked("2@new")) == answers("2@new")

    run(scene)


def test_closing_finishes_what_was_taken_takes_no_more_and_leaves_no_thread() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        threads = set(threading.enumerate())
        lane = Lane(store, batch_size=2, queue_size=100, timeout=PATIENCE)
        lanes_own = set(threading.enumerate()) - threads
        futures = [lane.submit(asked(f"{n}@new")) for n in range(7)]
        closing = asyncio.create_task(lane.close())
        await until(store.is_writing)
        with pytest.raises(Shed, match="closing"):
            lane.submit(asked("8@known"))
        assert not closing.done()
        store.may_write.set()
        assert await closing
        assert [future.result() for future in futures] == [answers(f"{n}@new") for n in range(7)]
        assert len(lanes_own) == 2
        assert all(thread.daemon for thread in lanes_own)
        assert not lanes_own & set(threading.enumerate())
        assert await lane.close()

    run(scene)


def test_closing_ends_too_when_the_last_batch_to_recognise_fails() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_read.clear()
        lane = Lane(store, batch_size=2, queue_size=100, timeout=PATIENCE)
        failing = lane.submit(asked("1@bad to recognise"))
        await until(store.is_reading)
        closing = asyncio.create_task(lane.close())
        await asyncio.sleep(0)
        store.may_read.set()
        assert isinstance(await outcome(failing), LookupError)
        assert await closing

    run(scene)


def test_closing_before_a_stuck_store_answers_all_and_says_that_it_is_in_use() -> None:
    async def scene() -> None:
        store = StandIn()
        store.may_write.clear()
        lane = Lane(store, batch_size=1, queue_size=100, timeout=0.25)
        futures = [lane.submit(asked(f"{n}@new")) for n in range(3)]
        await until(store.is_writing)
        assert not await lane.close()
        assert all(future.done() for future in futures)
        assert isinstance(futures[0].exception(), OutcomeUnknown)
        assert isinstance(futures[1].exception(), Shed)
        assert isinstance(futures[2].exception(), Shed)
        store.may_write.set()
        assert await lane.close()

    run(scene)


def test_a_call_runs_on_the_thread_that_writes_and_while_nothing_is_written() -> None:
    async def scene() -> None:
        store = StandIn()
        writers: list[str] = []

        def call() -> str:
            assert not store.is_writing.is_set()
            writers.append(threading.current_thread().name)
            return "done"

        async with lane_before(store, batch_size=1) as lane:
            assert await lane.call(call) == "done"
            store.may_write.clear()
            entries = [lane.submit(asked(f"{n}@new")) for n in range(5)]
            await until(store.is_writing)
            calls = [lane.call(call) for _ in range(5)]
            store.may_write.set()
            assert await asyncio.gather(*calls) == ["done"] * 5
            assert await asyncio.gather(*entries) == [answers(f"{n}@new") for n in range(5)]
        assert set(writers) == {"reunite-write"}

    run(scene)


def test_what_a_call_raises_reaches_its_caller_and_stops_nothing() -> None:
    async def scene() -> None:
        async with lane_before(StandIn()) as lane:
            with pytest.raises(ZeroDivisionError):
                await lane.call(lambda: 1 // 0)
            with pytest.raises(RuntimeError, match="ran out"):
                await lane.call(lambda: next(iter(())))
            # What it returns may be anything, an exception too.
            assert isinstance(await lane.call(lambda: LookupError("found")), LookupError)
            assert await lane.submit(asked("1@new")) == answers("1@new")

    run(scene)


def test_what_is_known_does_not_wait_behind_a_call_even_after_much_that_was_new() -> None:
    async def scene() -> None:
        may_end = threading.Event()
        async with lane_before(StandIn()) as lane:
            await bring_only_new(lane)
            calling = lane.call(may_end.wait)
            assert await lane.submit(asked("2@known")) == answers("2@known")
            assert not calling.done()
            may_end.set()
            await calling

    run(scene)


def test_calls_are_shed_when_too_many_wait() -> None:
    async def scene() -> None:
        has_begun, may_end = threading.Event(), threading.Event()

        def stuck() -> None:
            has_begun.set()
            may_end.wait()

        async with lane_before(StandIn()) as lane:
            calls = [lane.call(stuck)]
            await until(has_begun)
            calls += [lane.call(stuck) for _ in range(MOST_CALLS)]
            with pytest.raises(Shed, match="too many"):
                lane.call(stuck)
            may_end.set()
            await asyncio.gather(*calls)

    run(scene)


@pytest.mark.usefixtures("looks_at_deadlines_only")
def test_a_call_that_waited_too_long_is_not_begun_and_one_that_began_has_its_time() -> None:
    async def scene() -> None:
        has_begun, may_end = threading.Event(), threading.Event()
        begun: list[int] = []

        def first() -> str:
            has_begun.set()
            may_end.wait()
            return "done"

        async with lane_before(StandIn(), timeout=0.25) as lane:
            running = lane.call(first)
            await until(has_begun)
            with pytest.raises(Shed, match="too long"):
                await lane.call(lambda: begun.append(2))
            assert not running.done()
            may_end.set()
            assert await running == "done"
        assert begun == []

    run(scene)


def test_closing_finishes_the_calls_that_were_taken_and_takes_no_more() -> None:
    async def scene() -> None:
        may_end = threading.Event()
        lane = Lane(StandIn(), batch_size=2, queue_size=100, timeout=PATIENCE)
        calls = [lane.call(may_end.wait) for _ in range(3)]
        closing = asyncio.create_task(lane.close())
        await asyncio.sleep(0)
        with pytest.raises(Shed, match="closing"):
            lane.call(may_end.wait)
        may_end.set()
        assert await closing
        assert [call.result() for call in calls] == [True] * 3

    run(scene)


def test_closing_behind_a_stuck_call_answers_all_and_says_that_it_is_in_use() -> None:
    async def scene() -> None:
        has_begun, may_end = threading.Event(), threading.Event()

        def stuck() -> None:
            has_begun.set()
            may_end.wait()

        lane = Lane(StandIn(), batch_size=1, queue_size=100, timeout=0.25)
        calls = [lane.call(stuck) for _ in range(2)]
        await until(has_begun)
        assert not await lane.close()
        assert isinstance(calls[0].exception(), OutcomeUnknown)
        assert isinstance(calls[1].exception(), Shed)
        may_end.set()
        assert await lane.close()

    run(scene)


def test_batches_and_outcomes_are_counted() -> None:
    async def scene() -> None:
        before = [
            counted("reunite_requests_total", outcome="created"),
            counted("reunite_requests_total", outcome="known"),
            counted("reunite_batch_requests_count", stage="recognise"),
            counted("reunite_batch_requests_sum", stage="write"),
        ]
        async with lane_before(StandIn()) as lane:
            await lane.submit(asked("1@known", "2@known"))
            await lane.submit(asked("3@new", "4@known", "5@new"))
        after = [
            counted("reunite_requests_total", outcome="created"),
            counted("reunite_requests_total", outcome="known"),
            counted("reunite_batch_requests_count", stage="recognise"),
            counted("reunite_batch_requests_sum", stage="write"),
        ]
        assert [b - a for a, b in zip(before, after, strict=True)] == [2, 3, 2, 3]
        assert counted("reunite_queue_depth") == 0

    run(scene)


def test_many_callers_all_get_their_own_answers() -> None:
    async def scene() -> None:
        store = StandIn()

        async def caller(number: int) -> None:
            for turn in range(20):
                own = f"{number * 100 + turn}@{'known' if (number + turn) % 3 else 'new'}"
                assert await lane.submit(asked(own)) == answers(own)

        async with lane_before(store, batch_size=32) as lane:
            await asyncio.gather(*(caller(number) for number in range(64)))

    run(scene)
