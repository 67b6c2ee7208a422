"""What the clients send: bodies of POST /identify, the same for every server of a round.

A pair is an e-mail and a phone made of one number, so that keys of different numbers never meet.
Neighbouring numbers land far apart in an index, as they do in life, but for `ordered`. Numbers
below `RUN` are for identities that a store was filled with; every run draws its new ones from a
range of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

Pair = tuple[str, str]
"""An e-mail and a phone, presented together."""

RUN = 10_000_000
"""Numbers that one run may use."""

PEOPLE = 50_000
"""Of the mix; each has two e-mails and two phones, which makes 200,000 keys."""

_GROUP = 8
_LAG = 100


class Run(NamedTuple):
    """One run's share of the numbers, and how many identities the store was filled with."""

    number: int
    filled: int

    @property
    def first(self) -> int:
        return (self.number + 1) * RUN

    @property
    def rng(self) -> Random:
        return Random(self.number)


def email(number: int) -> str:
    """The e-mail of a number; both this and `phone` are one to one."""
    return f"{number * 0x9E3779B97F4B % 2**48:x}@example.com"


def phone(number: int) -> str:
    return f"{number * 618_033_988_749 % 10**12:012}"


def pairs(numbers: Iterable[int]) -> Iterator[Pair]:
    return ((email(number), phone(number)) for number in numbers)


def new(run: Run) -> Iterator[Pair]:
    """Every request makes an identity; keys come in no order, as customers do."""
    return pairs(count(run.first))


def ordered(run: Run) -> Iterator[Pair]:
    """Every request makes an identity; keys come in order, as out of a counter or a sorted file."""
    return ((f"customer{n:012}@example.com", f"1{n:012}") for n in count(run.first))


def known(run: Run) -> Iterator[Pair]:
    """Every request repeats a pair that the store was filled with."""
    rng = run.rng
    return pairs(int(rng.random() * run.filled) for _ in count())


def extend(run: Run) -> Iterator[Pair]:
    """Every request brings a new phone to a known e-mail, evenly over all identities."""
    return ((email(step % run.filled), phone(run.first + step)) for step in count())


def mix(run: Run) -> Iterator[Pair]:
    """People come again, few of them often; one in a hundred gives a phone of their household.

    Not any e-mail with any phone: such a random graph grows one giant identity, which the limit
    then refuses. The population is new in every run, so that a run sees all outcomes.
    """
    rng = run.rng
    while True:
        person = int(PEOPLE * rng.random() ** 3)
        owner = person ^ 1 if rng.random() < 0.01 else person
        yield (
            email(run.first + 2 * person + (rng.random() < 0.5)),
            phone(run.first + 2 * owner + (rng.random() < 0.5)),
        )


def merge(run: Run) -> Iterator[Pair]:
    """Nearly half of the requests merge: eight new pairs become one identity in seven steps.

    The steps come a hundred groups later, when the pairs are surely stored, however many
    connections there are.
    """
    for group in count():
        first = run.first + group * _GROUP
        yield from pairs(range(first + _LAG * _GROUP, first + (_LAG + 1) * _GROUP))
        for number in range(first, first + _GROUP - 1):
            yield email(number), phone(number + 1)


class Workload(NamedTuple):
    """A kind of traffic: what it is, and its endless requests."""

    says: str
    requests: Callable[[Run], Iterator[Pair]]


WORKLOADS = {
    "new": Workload("new pairs", new),
    "ordered": Workload("new pairs in order", ordered),
    "known": Workload("known pairs", known),
    "mix": Workload("a mix over 200,000 keys", mix),
    "extend": Workload("a new phone with a known e-mail", extend),
    "merge": Workload("nearly half merges", merge),
}


def body(pair: Pair) -> str:
    """The body of a request."""
    return f'{{"email":"{pair[0]}","phoneNumber":"{pair[1]}"}}'


def write(file: Path, requests: Iterator[Pair], number: int, array: int = 1) -> None:
    """Write so many bodies, one a line; with ``array`` above 1 each is an array of so many."""
    bodies = map(body, requests)
    with file.open("w", encoding="ascii") as lines:
        if array == 1:
            lines.writelines(f"{each}\n" for each in islice(bodies, number))
        else:
            lines.writelines(f"[{','.join(islice(bodies, array))}]\n" for _ in range(number))
