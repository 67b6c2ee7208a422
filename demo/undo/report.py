"""What was found and undone, for a terminal, a pipe or a program."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.adopt.tabular import (
    checks_table,
    fit,
    print_differences,
    print_tables,
    print_verdict,
    table_of,
)
from demo.undo.repair import Repair
from demo.undo.support import Case


def to_json(repair: Repair) -> str:
    """Write it as one JSON object."""
    whole: dict[str, Any] = {
        "ok": repair.is_ok,
        "seconds": repair.seconds,
        "imported": {
            store: {"rows": said["reading"]["rows"], **said["effect"]["identities"]}
            for store, said in repair.imported.items()
        },
        "doubtful": repair.doubtful,
        "decided": decided(repair),
        "planted": len(repair.planted),
        "found": len(repair.planted & repair.parted),
        "missed": sorted(repair.planted - repair.parted),
        "falseAlarms": sorted(repair.parted - repair.planted),
        "cases": [asdict(case) for case in repair.cases],
        "verified": repair.verified,
        "pictures": [str(path) for path in repair.pictures],
        "checks": [asdict(check) | {"ok": check.is_ok} for check in repair.checks],
    }
    return json.dumps(whole, indent=2)


def show(repair: Repair, console: Console) -> None:
    """Print it: tables in a terminal, plain columns in a pipe."""
    fit(console)
    said = next(iter(repair.imported.values()))
    _say(
        console,
        f"A messy table of {said['reading']['rows']:,} rows is"
        f" {said['effect']['identities']['after']:,} identities, of which stats calls"
        f" {repair.doubtful[0]:,} doubtful; after the agent was at work, {repair.doubtful[-1]:,}.",
    )
    print_tables([_decisions(repair), _found(repair), _stores(repair)], console)
    for case in _examples(repair):
        for line in _story(case):
            _say(console, line)
    print_tables([checks_table(repair.checks)], console)
    print_differences(repair.checks, console)
    if repair.pictures:
        _say(console, f"Pictures, while the folder lasts: {repair.pictures[0].parent}")
    print_verdict(is_ok=repair.is_ok, console=console)


def decided(repair: Repair) -> dict[str, int]:
    """How often the agent decided what."""
    return dict(Counter(_name(case) for case in repair.cases).most_common())


def _name(case: Case) -> str:
    if case.decision is None:
        return "left to somebody who knows more"
    types = " and ".join(each.type for each in case.decision.identifiers)
    return f"{case.decision.what} {types}"


def _decisions(repair: Repair) -> Table:
    table = table_of("decided", "times#")
    for name, times in decided(repair).items():
        table.add_row(name, f"{times:,}")
    return table


def _found(repair: Repair) -> Table:
    table = table_of("wrong merges", "#")
    table.add_row("planted", f"{len(repair.planted):,}")
    table.add_row("found and undone", f"{len(repair.planted & repair.parted):,}")
    table.add_row("missed", f"{len(repair.planted - repair.parted):,}")
    table.add_row("false alarms", f"{len(repair.parted - repair.planted):,}")
    return table


def _stores(repair: Repair) -> Table:
    table = table_of(
        *("store", "import s#", "stats s#", "verify s#"),
        *("contacts#", "identities#", "digests: partition", "contacts"),
    )
    for store, said in repair.verified.items():
        steps = f"import into {store}", f"stats {store}, 1", f"verify {store}"
        table.add_row(
            store,
            *(f"{repair.seconds[step]:.1f}" for step in steps),
            f"{said['counts']['contacts']:,}",
            f"{said['counts']['identities']:,}",
            said["digests"]["partition"][:12],
            said["digests"]["contacts"][:12],
        )
    return table


def _examples(repair: Repair) -> Iterator[Case]:
    """The first case of each kind."""
    first: dict[str, Case] = {}
    for case in repair.cases:
        first.setdefault(_name(case), case)
    yield from first.values()


def _story(case: Case) -> Iterator[str]:
    yield f"{case.one.key} and {case.other.key} were one person:"
    yield from (f"  {number}. {told}" for number, told in enumerate(case.told, start=1))
    if case.decision is None:
        yield "  left to somebody who knows more"
        return
    what = " and ".join(each.key for each in case.decision.identifiers)
    yield f"  {case.decision.what} {what}: {case.decision.why}"
    yield from (f"  - {told}" for told in case.told_after or ())


def _say(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)
