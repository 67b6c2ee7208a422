"""What the commands of the bench share: where they work, what they leave, what they are told."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.goals import Goal
from bench.postgres import OwnPostgres, Postgres

RESULTS = Path(__file__).with_name("results")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where to work and how to answer."""
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


@contextmanager
def workplace(arguments: argparse.Namespace) -> Iterator[tuple[Path, Postgres]]:
    """A folder and a PostgreSQL, gone in the end with all that was made there."""
    with tempfile.TemporaryDirectory(prefix="reunite-bench-", dir=arguments.folder) as name:
        folder = Path(name).resolve()
        # PostgreSQL, which refuses root, has its data there too.
        folder.chmod(0o755)
        postgres = Postgres(arguments.postgres) if arguments.postgres else OwnPostgres(folder)
        try:
            yield folder, postgres
        finally:
            postgres.close()


def now() -> str:
    """What a run is called."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keep(at: str, results: object, goals: Iterable[Goal], picture: str) -> tuple[bytes, str]:
    """Write JSON and, unless it is empty, the picture; returns the JSON and what was written."""
    told = [{**goal._asdict(), "is_met": goal.is_met} for goal in goals]
    written = msgspec.json.encode({**msgspec.to_builtins(results), "goals": told})
    RESULTS.mkdir(exist_ok=True)
    name = at.replace(":", "")
    (RESULTS / f"{name}.json").write_bytes(written)
    if picture:
        (RESULTS / f"{name}.svg").write_text(picture)
    return written, f"{RESULTS / name}.json" + (" and .svg" if picture else "")


def tell(doing: str) -> None:
    """Show what is being done, on one line that is written over; only in a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{doing}", end="", file=sys.stderr, flush=True)


def positive(text: str) -> int:
    """A whole number of at least 1, from the command line."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
