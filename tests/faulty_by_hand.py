"""Servers in memory that are decided about by hand: right, or wrong in one well-known way.

As in `faulty`, what a request does between two yields is atomic, and at each yield the scheduler
may let any other request go on.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from typing import TypeAlias

from asking_by_hand import Choosing, Known
from evidence_oracle_answers import Denied, Found, Homes, Outcome
from history import Mix
from linearizability import Operation
from sequential_by_hand import (
    AnythingAsked,
    Decide,
    DecidingRule,
    Expected,
    List,
    Look,
    Lookup,
    Seen,
    State,
)

Reply: TypeAlias = Generator[None, None, Seen | None]


class Atomic:
    """Right: everything is one step, somewhere between call and return."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        self.rng = rng
        self.rule = DecidingRule(limit)
        self.state = self.rule.start()

    def handle(self, asked: AnythingAsked) -> Reply:
        """Do what is asked, in steps; None where the answer is lost."""
        yield
        answer = self.do(asked)
        yield
        return answer

    def do(self, asked: AnythingAsked) -> Seen:
        """Do what is asked."""
        self.state, answer = self.rule.step(self.state, asked)
        return told(answer)


class Lossy(Atomic):
    """Right: some answers are lost, of what was done before, is done much later, or never."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        super().__init__(rng, limit)
        self.late: list[AnythingAsked] = []

    def handle(self, asked: AnythingAsked) -> Reply:
        yield
        if self.late and self.rng.random() < 0.3:
            self.do(self.late.pop())
            yield
        fate = self.rng.choice(["answered"] * 12 + ["lost", "late", "never"])
        if fate == "late":
            self.late.append(asked)
        if fate in ("late", "never"):
            return None
        answer = self.do(asked)
        yield
        return None if fate == "lost" else answer


class Stale(Atomic):
    """Wrong: who only looks is answered from a copy that lags behind what was decided."""

    def __init__(self, rng: random.Random, limit: int = 10_000) -> None:
        super().__init__(rng, limit)
        self.copy = self.state

    def handle(self, asked: AnythingAsked) -> Reply:
        yield
        if isinstance(asked, Decide):
            answer = self.do(asked)
        else:
            if self.rng.random() < 0.5:
                self.copy = self.state
            is_read = isinstance(asked, Lookup | Look | List)
            answer = self.look(self.copy, asked) if is_read else self.do(asked)
        yield
        return answer

    def look(self, state: State, asked: AnythingAsked) -> Seen:
        """Answer as if a state were the present one."""
        return told(self.rule.step(state, asked)[1])


class Overwriting(Atomic):
    """Wrong: a decision writes what it worked out before, and so loses who was identified since."""

    def handle(self, asked: AnythingAsked) -> Reply:
        yield
        if isinstance(asked, Decide):
            after, answer = self.rule.step(self.state, asked)
            yield
            if after is not self.state and not isinstance(answer, Denied):
                self.state = after
            return told(answer)
        return self.do(asked)


class Repeating(Atomic):
    """Wrong: it looks whether a key was answered before it takes the lock to do the operation."""

    def handle(self, asked: AnythingAsked) -> Reply:
        yield
        if isinstance(asked, Decide) and asked.key not in self.state.kept:
            yield
            if asked.key in self.state.kept:
                return self.do(Decide(asked.asked))
        return self.do(asked)


RIGHT: Sequence[type[Atomic]] = (Atomic, Lossy)
WRONG: Sequence[type[Atomic]] = (Stale, Overwriting, Repeating)


def told(answer: Expected) -> Seen:
    """An answer that fits what the rule says: of identities only those that must be told."""
    match answer:
        case Outcome(decided, people, changed):
            return decided._replace(identities=tuple(one for one in people if one in changed))
        case Homes(people):
            return Found((min(people),))
    return answer


def random_history(server: Atomic, clients: int, asked: int) -> list[Operation]:
    """Let clients ask a server, interleaved at random; the clock counts scheduler steps.

    What comes under a new key, two clients ask at once.
    """
    rng, known, mix = server.rng, Known(), Mix(0, 3, 3)
    choosing = Choosing(mix, known, rng, blocks=rng.random() < 0.6)
    todo = [client for client in range(clients) for _ in range(asked)]
    running: dict[int, tuple[int, AnythingAsked, Reply]] = {}
    history: list[Operation] = []
    twins: list[AnythingAsked] = []
    clock = 0
    while todo or running:
        clock += 1
        client = rng.choice([*todo, *running])
        if client not in running:
            todo.remove(client)
            what = twins.pop() if twins else choosing.anything(f"{clock}")
            if isinstance(what, Decide) and what.key == f"{clock}":
                twins.append(what)
            known.ask(what)
            running[client] = clock, what, server.handle(what)
        called, what, reply = running[client]
        try:
            next(reply)
        except StopIteration as finished:
            history.append(Operation(client, called, clock, what, finished.value))
            known.learn(finished.value)
            del running[client]
    return history
