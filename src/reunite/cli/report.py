"""An import's report for people; `--json` has the same as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from reunite.cli.printing import plain, say

if TYPE_CHECKING:
    from reunite.bulk.importing import Outcome
    from reunite.bulk.importing.report import Effect, LinkedIds
    from reunite.bulk.reading import Reading

_LONGEST = 60


def show(outcome: Outcome, console: Console, *, is_dry: bool) -> None:
    """Print what an import did, or would do."""
    _show_reading(outcome.reading, console)
    _show_effect(outcome.effect, console)
    if is_dry:
        console.print(f"\nNothing was written. This took {outcome.seconds:.1f} s.")
    else:
        console.print(
            f"\nDone in {outcome.seconds:.1f} s; meanwhile requests waited for "
            f"{outcome.locked_seconds:.1f} s at most."
        )


def _show_reading(reading: Reading, console: Console) -> None:
    for source in reading.sources:
        columns = ", ".join(f"{ours} from {theirs}" for ours, theirs in source.mapping.items())
        say(console, f"{source.name}: {columns}")
    console.print(
        f"{reading.rows:,} rows read: {reading.taken:,} taken, {reading.deleted:,} soft-deleted, "
        f"{reading.refused:,} refused"
    )
    if reading.faults:
        _print(
            console,
            "Values that were not taken",
            ("column", "reason", "values"),
            [(fault.column, fault.reason, f"{fault.count:,}") for fault in reading.faults],
        )
        _print(
            console,
            f"The first {len(reading.examples)} of them",
            ("source", "line", "column", "value", "reason"),
            [
                (fault.source, str(fault.line), fault.column, fault.value or "", fault.reason)
                for fault in reading.examples
            ],
        )


def _show_effect(effect: Effect, console: Console) -> None:
    console.print(
        f"\ncontacts    {effect.contacts.before:,} → {effect.contacts.after:,}\n"
        f"identities  {effect.identities.before:,} → {effect.identities.after:,}: "
        f"{effect.new_identities:,} new, {effect.extended_identities:,} that grow or merge"
    )
    if effect.refused_as_blocked:
        console.print(
            f"{effect.refused_as_blocked:,} of the rows refused have only blocked identifiers"
        )
    if effect.blocked:
        console.print(f"{effect.blocked:,} identifiers are blocked from now on")
    _print(
        console,
        f"{effect.number_of_merges:,} times identities of the store become one",
        ("primary contacts", "contacts", "identifiers"),
        [
            (
                _cut(" + ".join(map(str, merge.primary_contact_ids))),
                f"{merge.contacts:,}",
                f"{merge.identifiers:,}",
            )
            for merge in effect.merges
        ],
    )
    _print(
        console,
        "The largest new identities, and what joins most of each",
        ("primary contact", "contacts", "identifiers", "joined by", "on rows", "left without it"),
        [
            (
                str(large.primary_contact_id),
                f"{large.contacts:,}",
                f"{large.identifiers:,}",
                f"{large.glue.type} {_cut(large.glue.value)}" if large.glue else "linkedIds",
                f"{large.glue.rows:,}" if large.glue else "",
                f"{large.glue.largest_piece_without:,}" if large.glue else "",
            )
            for large in effect.largest
        ],
    )
    _print(
        console,
        "Identifiers that look like nobody's own (--block FILE keeps them from joining people)",
        ("identifier", "on rows", "with others", "because"),
        [
            (f"{each.type} {_cut(each.value)}", f"{each.rows:,}", f"{each.others:,}", each.reason)
            for each in effect.suspects
        ],
    )
    _show_linked_ids(effect.linked_ids, console)


def _show_linked_ids(linked: LinkedIds, console: Console) -> None:
    if not linked.said:
        return
    console.print(
        f"\n{linked.said:,} rows have a linkedId: {linked.missing:,} name a row that was not "
        f"taken; {linked.counted:,} count as evidence, the others say what shared identifiers "
        "say already"
    )
    _print(
        console,
        "LinkedIds that join what no identifier joins",
        ("contact", "its linkedId", "names"),
        [
            (
                str(each.contact_id),
                each.linked_id,
                "no row" if each.named_contact_id is None else f"contact {each.named_contact_id}",
            )
            for each in linked.unsupported
        ],
    )
    _print(
        console,
        f"{linked.number_of_divided:,} identities that the linkedIds take for several people",
        ("primary contact", "people by linkedId", "rows"),
        [
            (str(each.primary_contact_id), f"{each.people:,}", f"{each.rows:,}")
            for each in linked.divided
        ],
    )


def _print(
    console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """A titled table, if it has rows; numbers to the right."""
    rows = list(rows)
    if not rows:
        return
    table = Table()
    for place, name in enumerate(columns):
        is_number = all(row[place].replace(",", "").isdigit() for row in rows)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row))
    console.print(f"\n[bold]{title}[/bold]", highlight=False)
    console.print(table)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
