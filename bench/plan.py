"""What a run measures, and how long."""

from __future__ import annotations

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """Sizes of a run.

    Attributes:
        seconds: of one measurement; wrk counts whole ones.
        rounds: how often each measurement comes; what is told is the median.
        connections: of the throughput part; the last is also that of the others.
        workloads: of the throughput part.
        filled: identities that a store has before it is measured.
        small: identities of the small store of the size part.
        large: identities of the large one.
        slow_fsync_ms: what the emulated disk adds to every flush.
        identifiers: of the one large identity.
        before: the commit that now is compared with: the last one without decisions by hand.
        stretches: of that comparison, each of 16 rounds of a batch.
    """

    seconds: int = 3
    rounds: int = 5
    connections: tuple[int, ...] = (1, 32, 128)
    workloads: tuple[str, ...] = ("new", "ordered", "known", "mix", "extend", "merge")
    filled: int = 50_000
    small: int = 10_000
    large: int = 1_000_000
    slow_fsync_ms: int = 4
    identifiers: int = 10_000
    before: str = "12394ab"
    stretches: int = 60


FULL = Plan()
QUICK = Plan(
    seconds=1,
    rounds=2,
    connections=(128,),
    workloads=("new", "ordered", "known", "mix"),
    filled=10_000,
    large=100_000,
    stretches=12,
)
