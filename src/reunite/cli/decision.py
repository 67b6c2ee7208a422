"""An operation by hand on the command line: done or only tried, and what came of it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from reunite.cli.opening import opened
from reunite.cli.person import show_person
from reunite.cli.printing import plain, print_json, say
from reunite.cli.refusal import explained
from reunite.evidence import Constraint, Identifier
from reunite.http import decided
from reunite.identifier import Policy
from reunite.inquiry.asked import read
from reunite.operations import Asked, Decision, Operations, Pairs

R = TypeVar("R")

Who = Annotated[
    str | None, typer.Option(help="Who decides it.", show_default="the user of this shell")
]
Why = Annotated[str | None, typer.Option(help="The reason.", show_default=False)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would come of it; write nothing.")
]
Key = Annotated[
    str | None,
    typer.Option(
        help="The same key within a day is answered as it was, and not done again.",
        show_default=False,
    ),
]


def decide(asked: Callable[[Policy], Asked], given: Mapping[str, Any]) -> None:
    """Do an operation, or only try it, and print what came of it.

    ``given`` has the command's options: who, why, dry_run, key, json and those that are settings.
    """
    with opened(given) as store, explained(store):
        decision = Operations(store).perform(
            asked(store.policy),
            who=given["who"] or _user(),
            why=given["why"],
            dry_run=given["dry_run"],
            key=given["key"],
        )
    if given["json"]:
        print_json(decided.decided(decision))
    else:
        _show(decision, Console(), is_tried=given["dry_run"])


def _user() -> str:
    """The user of this shell; in a container its number may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def identifier_of(policy: Policy, text: str) -> Identifier:
    """An e-mail or a phone as somebody wrote it; a contact will not do."""
    found = read(policy, text)
    if not isinstance(found, Identifier):
        raise typer.BadParameter(f"{text} is a contact; an e-mail or a phone number is wanted")
    return found


def everything(page: Callable[..., list[R]], number: Callable[[R], int]) -> list[R]:
    """All of a list that comes in pages, each after the number of the last one before."""
    found: list[R] = []
    after = 0
    while rows := page(after=after):
        found += rows
        after = number(rows[-1])
    return found


def show_constraints(constraints: Sequence[Constraint], console: Console) -> None:
    """Print constraints as a table."""
    table = Table("position", "keeps apart", "from")
    for one in constraints:
        table.add_row(str(one.position), plain(one.a.key), plain(one.b.key))
    console.print(table)


def _show(decision: Decision, console: Console, *, is_tried: bool) -> None:
    if is_tried:
        say(console, "Nothing was written. It would come to:")
    elif decision.position is None:
        say(console, "There was nothing to do.")
    else:
        say(
            console,
            f"Done at position {decision.position}; "
            f"`reunite undo {decision.position}` takes it back.",
        )
    for identity in decision.identities:
        show_person(identity, console)
    more = decision.identity_count - len(decision.identities)
    if more:
        say(console, f"… and {more:,} more people")
    for what, constraints in (
        ("Kept apart from now on:", decision.constraints),
        ("No longer kept apart:", decision.lifted),
    ):
        if constraints:
            say(console, what)
            show_constraints(constraints, console)
    _show_pairs("Still joined by other evidence", decision.still_joined, console)
    _show_pairs("Whether these came again since is not recorded", decision.unrecorded, console)


def _show_pairs(what: str, pairs: Pairs, console: Console) -> None:
    if not pairs.count:
        return
    say(console, f"{what} ({pairs.count:,}):")
    for a, b in pairs.first:
        say(console, f"  {a.key} and {b.key}")
    if pairs.count > len(pairs.first):
        say(console, f"  … and {pairs.count - len(pairs.first):,} more")
