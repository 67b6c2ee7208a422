"""One measurement in a process of its own, so that its peak memory is its own too.

Each job imports what it needs when it is done, as the commands do: code takes memory, too.
"""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

import reunite
from bench.importing.grown import grow
from bench.importing.table import Table
from bench.wrk import Unable
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.evidence.digest import Digests
from reunite.bulk.progress import Progress
from reunite.bulk.verifying.findings import Finding

BATCH = 1000
"""Requests of one `identify_many`."""

MEMORY = 1 << 30
"""The command's own default of ``--memory``."""

GROWING = 512 << 20
"""Bytes that DuckDB may hold while a store is made."""

What: TypeAlias = Literal[
    "generate", "floor", "import", "identify", "grow", "verify", "export --full", "import --full"
]


class Job(msgspec.Struct, frozen=True):
    """What to do with a file, a store, or both: ``floor`` reads, normalises and joins a file.

    Attributes:
        path: of the file; of the folder of a full export.
        table: what to generate.
        url: of the store.
        contacts: of the store to be grown.
    """

    what: What
    path: str = ""
    table: Table | None = None
    url: str = ""
    contacts: int = 0


class Took(msgspec.Struct, frozen=True):
    """What it cost.

    Attributes:
        cpu_seconds: of the process, which say more where others want the cores, too; a PostgreSQL
            server's are not in it.
        peak_mb: memory of the process, in millions of bytes, and of its largest child, if any.
        locked_seconds: how long requests may have waited.
        contacts: of the store, before and after.
        identities: likewise.
        phases: the seconds of each, of an import's.
        digests: of the whole store, where they were worked out.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    locked_seconds: float = 0
    contacts: tuple[int, int] = (0, 0)
    identities: tuple[int, int] = (0, 0)
    phases: dict[str, float] = {}
    digests: Digests | None = None


def measure(job: Job, folder: Path) -> Took:
    """Do it in a process of its own, which spills into the folder; raises `Unable` if it fails."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.importing.worker", msgspec.json.encode(job).decode()],
        env={**_environment(), "TMPDIR": str(folder)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise Unable(f"{job.what} failed: {run.stderr.strip()}")
    return msgspec.json.decode(run.stdout, type=Took)


def _environment() -> dict[str, str]:
    """This one's, without settings that would be of somebody else's store."""
    return {name: value for name, value in os.environ.items() if name[:8] != "REUNITE_"}


def main() -> None:
    """Do the job on the command line and print what it took."""
    job = msgspec.json.decode(sys.argv[1], type=Job)
    try:
        took = _DO[job.what](job)
    except (reunite.ReuniteError, Unable) as error:
        sys.exit(str(error))
    print(msgspec.json.encode(took).decode())


class _Clock(Progress):
    """Notes how long each phase takes, instead of showing it."""

    def __init__(self) -> None:
        super().__init__()
        self.phases: dict[str, float] = {}
        self._began = time.perf_counter()

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:  # noqa: ARG002
        began = time.perf_counter()
        yield lambda _rows: None
        self.phases[name.partition(" /")[0]] = time.perf_counter() - began

    def took(self) -> Took:
        """What was used until now; the processor from the beginning of the process."""
        own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return Took(
            time.perf_counter() - self._began,
            sum(each.ru_utime + each.ru_stime for each in (own, children)),
            # macOS counts bytes, the others KiB.
            (own.ru_maxrss + children.ru_maxrss) * (1 if sys.platform == "darwin" else 1024) / 1e6,
            phases=self.phases,
        )


def _generate(job: Job) -> Took:
    clock = _Clock()
    if job.table is not None:
        job.table.write(Path(job.path))
    return clock.took()


def _floor(job: Job) -> Took:
    from reunite.bulk.importing.joining import join_rows
    from reunite.bulk.reading import read, sources_of

    clock = _Clock()
    with Engine(MEMORY) as engine:
        read(
            engine,
            sources_of([job.path]),
            mapping={},
            policy=reunite.Policy(),
            renumber=False,
            at=time.time_ns() // 1000,
            progress=clock,
        )
        engine.fill("blocked", {"type": "varchar", "key": "varchar"}, [])
        with clock.phase("joining"):
            join_rows(engine, renumber=False)
    return clock.took()


def _import(job: Job) -> Took:
    from reunite.bulk.importing import Import, Store, run_import
    from reunite.bulk.reading import sources_of

    clock = _Clock()
    order = Import(sources_of([job.path]), allow_oversized=True, memory=MEMORY)
    outcome = run_import(Store(job.url), order, clock)
    effect = outcome.effect
    return msgspec.structs.replace(
        clock.took(),
        locked_seconds=outcome.locked_seconds,
        contacts=(effect.contacts.before, effect.contacts.after),
        identities=(effect.identities.before, effect.identities.after),
    )


def _identify(job: Job) -> Took:
    """Reading the file does not count; normalising does, which is a part of `identify_many`."""
    requests = iter(_usable_rows(Path(job.path)))
    with reunite.open(job.url) as store:
        store.set_identity_limit(10**9)
        clock = _Clock()
        while batch := list(islice(requests, BATCH)):
            store.identify_many(batch)
        took = clock.took()
        totals = store.totals()
    return msgspec.structs.replace(
        took, contacts=(0, totals.contacts), identities=(0, totals.identities)
    )


_Pair = tuple[str | None, str | None]


def _usable_rows(path: Path) -> list[_Pair]:
    """E-mails and phones of a file as they stand there, by age, without what nobody can use."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["deletedAt"]]
    rows.sort(key=lambda row: (row["createdAt"], int(row["id"])))
    usable = (_usable(row["email"], row["phoneNumber"]) for row in rows)
    return [pair for pair in usable if any(pair)]


def _usable(email: str | None, phone: str | None) -> _Pair:
    try:
        reunite.present(reunite.Policy(), email, phone)
    except reunite.InvalidIdentifier as error:
        if not error.field:
            return None, None
        return _usable(None, phone) if error.field == "email" else _usable(email, None)
    return email, phone


def _grow(job: Job) -> Took:
    clock = _Clock()
    with Engine(GROWING) as engine, repositories.loading(job.url) as loading:
        grow(engine, loading, job.contacts)
        loading.commit()
    return clock.took()


class _Told(msgspec.Struct):
    """What the commands say of a whole store, of all that they print."""

    digests: Digests
    findings: list[Finding] = []


def _verify(job: Job) -> Took:
    printed, took = _command("verify", "--json", "--database", job.url)
    told = msgspec.json.decode(printed, type=_Told)
    if told.findings:
        found = ", ".join(f"{each.rule} ({each.total:,})" for each in told.findings)
        raise Unable(f"the store is not sound: {found}")
    return msgspec.structs.replace(took, digests=told.digests)


def _export_full(job: Job) -> Took:
    from reunite.bulk.exporting.full import read_manifest

    _, took = _command("export", "--full", job.path, "--database", job.url)
    return msgspec.structs.replace(took, digests=read_manifest(Path(job.path)).digests)


def _import_full(job: Job) -> Took:
    printed, took = _command("import", "--full", job.path, "--json", "--database", job.url)
    return msgspec.structs.replace(took, digests=msgspec.json.decode(printed, type=_Told).digests)


def _command(*arguments: str) -> tuple[str, Took]:
    """What a command prints and takes, run in this process as it is, with its own defaults."""
    from reunite.cli import app

    printed, clock = BytesIO(), _Clock()
    with redirect_stdout(TextIOWrapper(printed, encoding="utf-8", write_through=True)):
        app(arguments, standalone_mode=False)
        took = clock.took()
        return printed.getvalue().decode(), took


_DO: dict[What, Callable[[Job], Took]] = {
    "generate": _generate,
    "floor": _floor,
    "import": _import,
    "identify": _identify,
    "grow": _grow,
    "verify": _verify,
    "export --full": _export_full,
    "import --full": _import_full,
}


if __name__ == "__main__":
    main()
