"""What the figures have to reach."""

from __future__ import annotations

from collections.abc import Iterator

from bench.goals import Goal
from bench.importing.results import FLOOR, Results, Row, find, times
from bench.lab import STORES

AGAINST_FLOOR = 4.0
AGAINST_IDENTIFY = {"SQLite": 2.0, "PostgreSQL": 4.0}
TEN_TIMES = 18.0
SIZE = 3.0
PEAKS_GB = {1_000_000: 1.0, 10_000_000: 4.5}
"""By rows at most; in billions of bytes."""
VERIFY_PEAK_GB = 1.0
VERIFY_ROWS = 10_000_000
"""At most, for that peak."""


def judge(results: Results) -> list[Goal]:
    """Every goal whose figures were measured."""
    return [
        *_against_floor(results),
        *_peaks([*results.empty, *results.large]),
        *_against_identify(results),
        *_ten_times(results),
        *_size(results),
        *_verify_peak(results),
    ]


def _against_floor(results: Results) -> Iterator[Goal]:
    for store in STORES.values():
        row, floor = find(results.empty, store), find(results.empty, FLOOR)
        if row and floor:
            what = f"{store}, {row.rows:,} rows: import against reading, normalising, joining"
            yield Goal(what, times(row, floor), AGAINST_FLOOR, at_least=False)


def _peaks(rows: list[Row]) -> Iterator[Goal]:
    for row in rows:
        bound = next((peak for most, peak in PEAKS_GB.items() if row.rows <= most), None)
        if bound and row.what != FLOOR:
            what = f"{row.what}, {row.rows:,} rows: peak memory, GB"
            yield Goal(what, row.peak_mb / 1000, bound, at_least=False)


def _against_identify(results: Results) -> Iterator[Goal]:
    for store, bound in AGAINST_IDENTIFY.items():
        one = find(results.identify, store, by="import")
        other = find(results.identify, store, by="identify_many")
        if one and other:
            what = f"{store}, {one.rows:,} rows: import as fast as identify_many"
            yield Goal(what, times(other, one), bound)


def _ten_times(results: Results) -> Iterator[Goal]:
    plan = results.plan
    for store in STORES.values():
        small = find(results.large, store, rows=plan.rows)
        large = find(results.large, store, rows=plan.large)
        if small and large:
            what = f"{store}: {plan.large:,} rows against {plan.rows:,}"
            yield Goal(what, times(large, small), TEN_TIMES, at_least=False)


def _size(results: Results) -> Iterator[Goal]:
    plan = results.plan
    for store in STORES.values():
        few = find(results.size, store, before=plan.few)
        many = find(results.size, store, before=plan.many)
        if few and many:
            what = f"{store}, {plan.added:,} rows: into {plan.many:,} contacts against {plan.few:,}"
            yield Goal(what, times(many, few), SIZE, at_least=False)


def _verify_peak(results: Results) -> Iterator[Goal]:
    for row in results.whole:
        if row.by == "verify" and row.rows <= VERIFY_ROWS:
            what = f"{row.what}, {row.rows:,} contacts of live requests: verify's peak memory, GB"
            yield Goal(what, row.peak_mb / 1000, VERIFY_PEAK_GB, at_least=False)
