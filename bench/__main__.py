"""`python -m bench`: measure, print tables, write results. A missed goal is told, not an error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench import command, machine, parts, plan, plot, tables, wrk
from bench.before import before
from bench.command import positive, tell
from bench.goals import judge
from bench.inquiry import inquiry
from bench.lab import Lab
from bench.large import large
from bench.latency import latency
from bench.postgres import Postgres
from bench.results import Results
from bench.size import size

PARTS: dict[str, Callable[[Lab], Sequence[object]]] = {
    "throughput": parts.throughput,
    "fsync": parts.slow_fsync,
    "latency": latency,
    "batch": parts.arrays,
    "size": size,
    "large": large,
    "inquiry": inquiry,
    "before": before,
}
"""By the name of their field in `Results`."""

WITHOUT_WRK = {"large", "inquiry", "before"}


def main() -> None:
    """Read the command line, measure, tell."""
    arguments = _parser().parse_args()
    try:
        results = run(arguments)
    except wrk.Unable as error:
        sys.exit(f"bench: {error}")
    written, where = command.keep(results.at, results, judge(results), plot.draw(results))
    if arguments.json:
        print(written.decode())
    else:
        tables.show(results)
        print(f"written: {where}")


def run(arguments: argparse.Namespace) -> Results:
    """Measure the parts that are asked for; raises `Unable` where nothing can be measured."""
    if not WITHOUT_WRK.issuperset(arguments.only or PARTS):
        wrk.require_wrk()
    with command.workplace(arguments) as (folder, postgres):
        return _measure(arguments, folder, postgres)


def _measure(arguments: argparse.Namespace, folder: Path, postgres: Postgres) -> Results:
    results = Results(
        at=command.now(),
        machine=machine.describe(folder, postgres),
        plan=_plan(arguments),
    )
    lab = Lab(folder, postgres, results.plan, tell)
    for part in arguments.only or PARTS:
        try:
            setattr(results, part, PARTS[part](lab))
        except wrk.Unable as error:
            results.left_out[part] = str(error)
    tell("")
    return results


def _plan(arguments: argparse.Namespace) -> plan.Plan:
    given = {
        name: getattr(arguments, name)
        for name in ("seconds", "rounds", "connections", "before", "stretches")
        if getattr(arguments, name)
    }
    return msgspec.structs.replace(plan.QUICK if arguments.quick else plan.FULL, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about four minutes, less exact")
    parser.add_argument(
        "--only",
        action="append",
        choices=PARTS,
        metavar="PART",
        help=f"one part, may come several times: {', '.join(PARTS)}",
    )
    parser.add_argument("--seconds", type=positive, help="of one measurement")
    parser.add_argument("--rounds", type=positive, help="of each measurement")
    parser.add_argument(
        "--connections",
        type=_counts,
        metavar="N,N,…",
        help="of the throughput part; the last is that of the others",
    )
    parser.add_argument(
        "--before",
        metavar="COMMIT",
        help=f"that now is compared with ({plan.FULL.before}); HEAD tells what changed since",
    )
    parser.add_argument("--stretches", type=positive, help="of that comparison, of 16 rounds each")
    command.add_options(parser)
    return parser


def _counts(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))


if __name__ == "__main__":
    main()
