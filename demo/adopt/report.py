"""What was found of the tables, for a terminal, a pipe or a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from demo.adopt.adoption import Adoption
from demo.adopt.tabular import (
    checks_table,
    fit,
    print_differences,
    print_tables,
    print_verdict,
    table_of,
)


def to_json(adoptions: Sequence[Adoption]) -> str:
    """Write it as one JSON object."""
    tables = [
        {
            "table": each.table,
            "ok": each.is_ok,
            "seconds": each.seconds,
            "imported": {
                store: {
                    "rows": said["reading"]["rows"],
                    "taken": said["reading"]["taken"],
                    "deleted": said["reading"]["deleted"],
                    "refused": said["reading"]["refused"],
                    "faults": said["reading"]["faults"],
                    "refusedAsBlocked": said["effect"]["refusedAsBlocked"],
                    "seconds": said["seconds"],
                    "lockedSeconds": said["lockedSeconds"],
                    "rowsPerSecond": said["reading"]["rows"] / each.seconds[f"import into {store}"],
                }
                for store, said in each.imported.items()
            },
            "verified": each.verified,
            "verifiedAgain": each.verified_again,
            "outcomes": each.outcomes,
            "checks": [asdict(check) | {"ok": check.is_ok} for check in each.checks],
        }
        for each in adoptions
    ]
    whole: dict[str, Any] = {"ok": all(each.is_ok for each in adoptions), "tables": tables}
    return json.dumps(whole, indent=2)


def show(adoptions: Sequence[Adoption], console: Console) -> None:
    """Print it: tables in a terminal, plain columns in a pipe."""
    fit(console)
    for each in adoptions:
        said = next(iter(each.imported.values()))["reading"]
        console.print(f"The {each.table} table, {said['rows']:,} rows.", highlight=False)
        tables = [_rows(each), _stores(each), _posts(each), checks_table(each.checks)]
        print_tables(tables, console)
        print_differences(each.checks, console)
        console.print()
    print_verdict(is_ok=all(each.is_ok for each in adoptions), console=console)


def _rows(adoption: Adoption) -> Table:
    said = next(iter(adoption.imported.values()))
    reading, effect = said["reading"], said["effect"]
    table = table_of("of the rows", "#")
    table.add_row("taken", f"{reading['taken']:,}")
    table.add_row("soft-deleted", f"{reading['deleted']:,}")
    blocked = effect["refusedAsBlocked"]
    table.add_row("refused, nothing usable", f"{reading['refused'] - blocked:,}")
    table.add_row("refused, all blocked", f"{blocked:,}")
    for fault in reading["faults"]:
        column = fault["column"] or "row"
        table.add_row(f"{column}: {fault['reason']}", f"{fault['count']:,}")
    return table


def _stores(adoption: Adoption) -> Table:
    table = table_of(
        *("store", "import s#", "rows/s#", "locked s#", "verify s#"),
        *("contacts#", "identities#", "digests: partition", "contacts"),
    )
    for when, verified in (("", adoption.verified), (" again", adoption.verified_again)):
        for store, said in verified.items():
            imported, seconds = adoption.imported[store], adoption.seconds[f"import into {store}"]
            table.add_row(
                f"{store}{', after the posts' if when else ''}",
                *(
                    ("", "", "")
                    if when
                    else (
                        f"{seconds:.1f}",
                        f"{imported['reading']['rows'] / seconds:,.0f}",
                        f"{imported['lockedSeconds']:.1f}",
                    )
                ),
                f"{adoption.seconds[f'verify {store}{when}']:.1f}",
                f"{said['counts']['contacts']:,}",
                f"{said['counts']['identities']:,}",
                said["digests"]["partition"][:12],
                said["digests"]["contacts"][:12],
            )
    return table


def _posts(adoption: Adoption) -> Table:
    outcomes = sorted({outcome for found in adoption.outcomes.values() for outcome in found})
    table = table_of("posted on top", *(f"{outcome}#" for outcome in outcomes))
    for kind, found in sorted(adoption.outcomes.items()):
        table.add_row(kind, *(f"{found.get(outcome, 0):,}" for outcome in outcomes))
    return table
