"""The parts of a run, each under the name of its field in `Results`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from bench.importing.lab import Lab, Subject, alternate
from bench.importing.results import FLOOR, Row
from bench.importing.table import Table
from bench.importing.worker import Job, Took
from bench.lab import STORES
from bench.wrk import Unable


def empty(lab: Lab) -> list[Row]:
    """An import into an empty store of each kind, and what no import can do without."""
    with lab.file(Table(lab.plan.rows, lab.plan.seed)) as path:
        floor = Subject(
            Row(FLOOR, lab.plan.rows, [], by="nothing else"),
            lambda _round: lab.work(Job("floor", str(path))),
        )
        rows = alternate(lab, [floor, *_imports(lab, path, lab.plan.rows)], lab.plan.rounds)
    require_agreement(rows[1:])
    return rows


def identify(lab: Lab) -> list[Row]:
    """The rows of a sample through `identify_many`, and imported."""
    rows = lab.plan.sample
    with lab.file(Table(rows, lab.plan.seed)) as path:
        by_identify = [
            Subject(Row(name, rows, [], by="identify_many"), partial(_into_empty, lab, kind, job))
            for job in [Job("identify", str(path))]
            for kind, name in STORES.items()
        ]
        subjects = [
            each
            for pair in zip(_imports(lab, path, rows), by_identify, strict=True)
            for each in pair
        ]
        return alternate(lab, subjects, lab.plan.rounds)


def large(lab: Lab) -> list[Row]:
    """Ten times the rows, once, each beside the usual number."""
    plan = lab.plan
    with (
        lab.file(Table(plan.rows, plan.seed)) as path,
        lab.file(Table(plan.large, plan.seed)) as large_path,
    ):
        pairs = zip(
            _imports(lab, path, plan.rows), _imports(lab, large_path, plan.large), strict=True
        )
        rows = alternate(lab, [subject for pair in pairs for subject in pair], 1)
    require_agreement(rows[::2])
    require_agreement(rows[1::2])
    return rows


def size(lab: Lab) -> list[Row]:
    """The same number of rows into a store of few contacts and into one of many.

    Each round the small store is made anew; the large one grows by what is imported.
    """
    rows: list[Row] = []
    for kind in STORES:
        with lab.filled(kind, lab.plan.many) as url:
            rows += alternate(lab, _additions(lab, kind, url), lab.plan.rounds)
    return rows


def whole(lab: Lab) -> list[Row]:
    """What is done with all of a store that live requests let grow, once each."""
    rows: list[Row] = []
    for kind in STORES:
        with lab.grown(kind, lab.plan.rows) as url, lab.place() as folder:
            rows += alternate(lab, _on_all(lab, kind, url, folder), 1)
    require_same_digests(rows)
    return rows


def _on_all(lab: Lab, kind: str, url: str, folder: Path) -> list[Subject]:
    jobs = (
        Job("verify", url=url),
        Job("export --full", str(folder), url=url),
        Job("import --full", str(folder)),
    )

    def do(job: Job, _round: int) -> Took:
        return lab.work(job) if job.url else lab.into_empty(kind, job)

    return [
        Subject(Row(STORES[kind], lab.plan.rows, [], by=job.what), partial(do, job)) for job in jobs
    ]


def _imports(lab: Lab, path: Path, rows: int) -> Iterator[Subject]:
    for kind, name in STORES.items():
        yield Subject(
            Row(name, rows, []), partial(_into_empty, lab, kind, Job("import", str(path)))
        )


def _into_empty(lab: Lab, kind: str, job: Job, _round: int) -> Took:
    return lab.into_empty(kind, job)


def _additions(lab: Lab, kind: str, large_store: str) -> list[Subject]:
    plan = lab.plan

    def add(number: int, contacts: int, url: str) -> Took:
        # Behind what the store holds, and what was said in rounds before.
        first = contacts + 2 * plan.added * number
        with lab.file(Table(plan.added, plan.seed + number, first, contacts)) as path:
            return lab.work(Job("import", str(path), url=url))

    def to_few(number: int) -> Took:
        with lab.filled(kind, plan.few) as url:
            return add(number, plan.few, url)

    def to_many(number: int) -> Took:
        return add(number, plan.many, large_store)

    name = STORES[kind]
    return [
        Subject(Row(name, plan.added, [], before=plan.few), to_few),
        Subject(Row(name, plan.added, [], before=plan.many), to_many),
    ]


def require_agreement(rows: list[Row]) -> None:
    """Raise `Unable` unless the same rows made the same of every store."""
    seen: Mapping[str, tuple[int, int]] = {
        row.what: (row.runs[0].contacts[1], row.runs[0].identities[1]) for row in rows
    }
    if len(set(seen.values())) != 1:
        raise Unable(f"the stores disagree on contacts and identities: {seen}")


def require_same_digests(rows: list[Row]) -> None:
    """Raise `Unable` unless everything found the same identities."""
    seen = {f"{row.what} by {row.by}": row.runs[0].digests for row in rows}
    if len(set(seen.values())) != 1:
        raise Unable(f"the stores disagree on digests: {seen}")
