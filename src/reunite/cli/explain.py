"""`reunite explain`: why two are one person, or why not."""

from __future__ import annotations

from rich.console import Console

from reunite.cli import options
from reunite.cli.opening import found
from reunite.cli.printing import print_json, say
from reunite.inquiry import Explanation, Inquiry


def explain(
    a: options.Named,
    b: options.Named,
    json: options.Json = False,
    database: options.Database = None,
    workspace: options.Workspace = None,
    phone_region: options.PhoneRegion = None,
) -> None:
    """Show what joins two: the shortest chain of evidence; or what each has, if nothing does."""
    with found(locals()) as store:
        explanation = Inquiry(store).explain(a, b)
    if json:
        print_json(explanation)
    else:
        _show(explanation, Console())


def _show(explanation: Explanation, console: Console) -> None:
    say(console, "One person:" if explanation.joined else "Not one person:")
    for number, sentence in enumerate(explanation.sentences, start=1):
        mark = f"{number}." if explanation.joined else "-"
        say(console, f"  {mark} {sentence}")
