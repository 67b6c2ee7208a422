"""`python -m bench.importing`: measure, print tables, write results. A missed goal is no error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import msgspec

from bench import command, machine
from bench.command import positive, tell
from bench.importing import parts, plot, tables
from bench.importing.goals import judge
from bench.importing.lab import Lab
from bench.importing.results import Plan, Results, Row
from bench.importing.table import LEAST_ROWS
from bench.postgres import Postgres
from bench.wrk import Unable

QUICK = Plan(rounds=1, rows=100_000, sample=20_000, large=1_000_000, added=20_000, many=500_000)

PARTS: dict[str, Callable[[Lab], list[Row]]] = {
    "empty": parts.empty,
    "identify": parts.identify,
    "large": parts.large,
    "size": parts.size,
    "whole": parts.whole,
}
"""By the name of their field in `Results`."""


def main() -> None:
    """Read the command line, measure, tell."""
    arguments = _parser().parse_args()
    try:
        results = run(arguments)
    except Unable as error:
        sys.exit(f"bench: {error}")
    written, where = command.keep(results.at, results, judge(results), plot.draw(results))
    if arguments.json:
        print(written.decode())
    else:
        tables.show(results)
        print(f"written: {where}")


def run(arguments: argparse.Namespace) -> Results:
    """Measure the parts that are asked for; raises `Unable` where nothing can be measured."""
    missing = [name for name in ("duckdb", "scipy") if find_spec(name) is None]
    if missing:
        raise Unable(f"{' and '.join(missing)} not installed: pip install 'reunite[bulk]'")
    if not arguments.folder.is_dir():
        raise Unable(f"{arguments.folder} is no folder; --folder names one that exists")
    with command.workplace(arguments) as (folder, postgres):
        return _measure(arguments, folder, postgres)


def _measure(arguments: argparse.Namespace, folder: Path, postgres: Postgres) -> Results:
    results = Results(
        at=command.now(), machine=machine.describe(folder, postgres), plan=_plan(arguments)
    )
    lab = Lab(folder, postgres, results.plan, tell)
    for part in _asked(arguments):
        try:
            setattr(results, part, PARTS[part](lab))
        except Unable as error:
            results.left_out[part] = str(error)
    tell("")
    return results


def _asked(arguments: argparse.Namespace) -> list[str]:
    """The large part only where it is asked for: it takes minutes and 10 GB of disk."""
    asked = arguments.only or [part for part in PARTS if part != "large"]
    return [*asked, "large"] if arguments.large and "large" not in asked else asked


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = QUICK if arguments.quick else Plan()
    rows = arguments.rows or plan.rows
    return msgspec.structs.replace(
        plan,
        rounds=arguments.rounds or plan.rounds,
        rows=rows,
        large=10 * rows,
        sample=arguments.sample or min(plan.sample, rows),
        added=min(plan.added, rows),
        many=arguments.contacts or plan.many,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.importing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, less exact")
    parser.add_argument(
        "--only",
        action="append",
        choices=PARTS,
        metavar="PART",
        help=f"one part, may come several times: {', '.join(PARTS)}",
    )
    parser.add_argument("--large", action="store_true", help="ten times the rows, too")
    parser.add_argument("--rows", type=_rows, help="of the import, or whole store (1,000,000)")
    parser.add_argument("--sample", type=_rows, help="of the rows for identify_many (100,000)")
    parser.add_argument("--contacts", type=_rows, help="of the large store (5,000,000)")
    parser.add_argument("--rounds", type=positive, help="of each measurement (3)")
    command.add_options(parser)
    return parser


def _rows(text: str) -> int:
    number = positive(text)
    if number < LEAST_ROWS:
        raise argparse.ArgumentTypeError(f"at least {LEAST_ROWS}")
    return number


if __name__ == "__main__":
    main()
