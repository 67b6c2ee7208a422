"""Posts the same to several servers at once, and pairs up the answers as they come."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from demo.connection import Reply, post_all

Hear = Callable[[int, Mapping[str, Reply]], None]
"""Is told the index of a post and its answer from each server."""

Watch = Callable[[str, int], None]
"""Is told how many posts a server has answered."""

_LOOK_EVERY = 0.1
"""Seconds between two looks at what has come."""


@dataclass
class _Stream:
    """A server's answers on one connection; a thread of its own fills it."""

    port: int
    posts: Sequence[bytes]
    answered: int = 0
    unheard: deque[Reply] = field(default_factory=deque)

    def run(self, stop: threading.Event) -> float:
        """Post all; returns the time (monotonic, seconds) when the last answer had come."""
        for reply in post_all(self.port, self.posts):
            self.unheard.append(reply)
            self.answered += 1
            if stop.is_set():
                break
        return time.monotonic()


class _Share:
    """Every n-th post, for each server on a connection of its own."""

    def __init__(
        self, ports: Mapping[str, int], posts: Sequence[bytes], first: int, step: int
    ) -> None:
        self.streams = {name: _Stream(port, posts[first::step]) for name, port in ports.items()}
        self._indices = iter(range(first, len(posts), step))

    def tell(self, hear: Hear) -> None:
        """Hand on, in order, what all servers have answered."""
        while all(stream.unheard for stream in self.streams.values()):
            replies = {name: stream.unheard.popleft() for name, stream in self.streams.items()}
            hear(next(self._indices), replies)


def post_to_all(
    ports: Mapping[str, int], posts: Sequence[bytes], connections: int, hear: Hear, watch: Watch
) -> dict[str, float]:
    """Post everything to every server; returns how many seconds each took.

    With one connection everything is posted and heard in order; with n, each has every n-th post.
    What `hear` or a connection raises ends it all.
    """
    shares = [_Share(ports, posts, first, connections) for first in range(connections)]
    stop = threading.Event()
    began = time.monotonic()
    with ThreadPoolExecutor(len(ports) * connections) as pool:
        runs = {
            name: [pool.submit(share.streams[name].run, stop) for share in shares] for name in ports
        }
        try:
            running = True
            while running:
                running = _wait_a_moment([run for several in runs.values() for run in several])
                for share in shares:
                    share.tell(hear)
                for name in ports:
                    watch(name, sum(share.streams[name].answered for share in shares))
        finally:
            stop.set()
    return {name: max(run.result() for run in runs[name]) - began for name in runs}


def _wait_a_moment(runs: Sequence[Future[float]]) -> bool:
    """Tell whether some still run after it; raises what a run raised."""
    done, running = wait(runs, _LOOK_EVERY, FIRST_EXCEPTION)
    for run in done:
        run.result()
    return bool(running)
