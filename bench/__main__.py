"""`python -m bench`: measure, print tables, write results. A missed goal is told, not an error."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import machine, parts, plan, plot, tables, wrk
from bench.goals import judge
from bench.lab import Lab
from bench.large import large
from bench.latency import latency
from bench.postgres import OwnPostgres, Postgres
from bench.results import Results
from bench.size import size

RESULTS = Path(__file__).with_name("results")

PARTS: dict[str, Callable[[Lab], Sequence[object]]] = {
    "throughput": parts.throughput,
    "fsync": parts.slow_fsync,
    "latency": latency,
    "batch": parts.arrays,
    "size": size,
    "large": large,
}
"""By the name of their field in `Results`."""


def main() -> None:
    """Read the command line, measure, tell."""
    arguments = _parser().parse_args()
    try:
        results = run(arguments)
    except wrk.Unable as error:
        sys.exit(f"bench: {error}")
    written = _encode(results)
    RESULTS.mkdir(exist_ok=True)
    name = results.at.replace(":", "")
    (RESULTS / f"{name}.json").write_bytes(written)
    picture = plot.draw(results)
    if picture:
        (RESULTS / f"{name}.svg").write_text(picture)
    if arguments.json:
        print(written.decode())
    else:
        tables.show(results)
        print(f"written: {RESULTS / name}.json" + (" and .svg" if picture else ""))


def run(arguments: argparse.Namespace) -> Results:
    """Measure the parts that are asked for; raises `Unable` where nothing can be measured."""
    wrk.require_wrk()
    with tempfile.TemporaryDirectory(prefix="reunite-bench-", dir=arguments.folder) as name:
        folder = Path(name)
        # PostgreSQL, which refuses root, has its data there too.
        folder.chmod(0o755)
        postgres = Postgres(arguments.postgres) if arguments.postgres else OwnPostgres(folder)
        try:
            return _measure(arguments, folder, postgres)
        finally:
            postgres.close()


def _measure(arguments: argparse.Namespace, folder: Path, postgres: Postgres) -> Results:
    results = Results(
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine=machine.describe(folder, postgres),
        plan=_plan(arguments),
    )
    lab = Lab(folder, postgres, results.plan, _tell)
    for part in arguments.only or PARTS:
        try:
            setattr(results, part, PARTS[part](lab))
        except wrk.Unable as error:
            results.left_out[part] = str(error)
    _tell("")
    return results


def _plan(arguments: argparse.Namespace) -> plan.Plan:
    given = {
        name: getattr(arguments, name)
        for name in ("seconds", "rounds", "connections")
        if getattr(arguments, name)
    }
    return msgspec.structs.replace(plan.QUICK if arguments.quick else plan.FULL, **given)


def _encode(results: Results) -> bytes:
    goals = [{**goal._asdict(), "is_met": goal.is_met} for goal in judge(results)]
    return msgspec.json.encode({**msgspec.to_builtins(results), "goals": goals})


def _tell(doing: str) -> None:
    """Show what is being done, on one line that is written over; only in a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{doing}", end="", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes, less exact")
    parser.add_argument(
        "--only",
        action="append",
        choices=PARTS,
        metavar="PART",
        help=f"one part, may come several times: {', '.join(PARTS)}",
    )
    parser.add_argument("--seconds", type=_positive, help="of one measurement")
    parser.add_argument("--rounds", type=_positive, help="of each measurement")
    parser.add_argument(
        "--connections",
        type=_counts,
        metavar="N,N,…",
        help="of the throughput part; the last is that of the others",
    )
    parser.add_argument(
        "--postgres",
        metavar="URL",
        help="a server on which databases may be made; else one is started from the wheel",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where the stores are made; its disk is measured",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(","))


if __name__ == "__main__":
    main()
