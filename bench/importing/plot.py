"""Seconds as bars, part by part."""

from __future__ import annotations

from bench import plot
from bench.importing.results import FLOOR, Results, Row
from bench.plot import BAR, COLOURS, GAP, TOP

_PARTS = {
    "empty": "into an empty store",
    "identify": "by two ways",
    "large": "ten times the rows",
    "size": "into few and many",
    "whole": "all of a store",
}

_LEFT, _WIDTH = 150, 440
"""Where bars begin, and the longest one's, so that what is said beside it has room."""


def draw(results: Results) -> str:
    """An SVG of what was measured; empty if nothing was. Bars compare within a part."""
    shapes: list[str] = []
    top = TOP
    for name, says in _PARTS.items():
        rows: list[Row] = getattr(results, name)
        shapes += [plot.text(8, top + BAR - 4, says)] if rows else []
        longest = max((row.seconds for row in rows), default=0)
        for row in rows:
            width = round(_WIDTH * row.seconds / longest)
            shapes += plot.bar(_LEFT, top, width, _colour(row), _label(row))
            top += BAR + 2
        top += GAP if rows else 0
    told = plot.facts(results.machine, results.at) + f", load before {results.machine.load:.1f}"
    return plot.picture("Import: seconds", told, top, shapes) if shapes else ""


def _colour(row: Row) -> str:
    if row.what == FLOOR:
        return COLOURS[0]
    return COLOURS[(1 if row.what == "SQLite" else 3) + (row.by != "import")]


def _label(row: Row) -> str:
    held = f" into {row.before:,}" if row.before else ""
    by = "" if row.what == FLOOR or row.by == "import" else f" by {row.by}"
    return f"{row.what}{by}, {row.rows:,}{held}: {row.seconds:.2f} s, {row.peak_mb:,.0f} MB"
