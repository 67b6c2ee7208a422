"""The throughput as a picture: bars per workload, each as a part of the stack without a store."""

from __future__ import annotations

from html import escape

from bench.lab import NO_STORE
from bench.measure import Row, ratio
from bench.results import Results, find
from bench.workloads import WORKLOADS

_COLOURS = ("#9aa0a6", "#2563eb", "#93b4f5", "#0f766e", "#7cc4bd")
_LEFT, _WIDTH, _BAR, _GAP, _TOP = 230, 560, 16, 22, 56


def draw(results: Results) -> str:
    """An SVG of the throughput at the most connections; empty if it was not measured."""
    connections = results.plan.connections[-1]
    rows = [row for row in results.throughput if row.connections == connections]
    servers = list(dict.fromkeys(row.server for row in rows))
    shapes: list[str] = []
    top = _TOP
    for workload in dict.fromkeys(row.workload for row in rows):
        bare = find(rows, NO_STORE, workload)
        for server, colour in zip(servers, _COLOURS, strict=False):
            row = find(rows, server, workload)
            if row and bare:
                shapes += _bar(row, bare, top, colour)
            top += _BAR + 2
        middle = top - len(servers) * (_BAR + 2) // 2
        shapes.append(_text(8, middle, WORKLOADS[workload].says))
        top += _GAP
    if not shapes:
        return ""
    title = (
        f"Requests/s over {connections} connections; bars: part of the same stack without a store"
    )
    facts = f"{results.machine.cores} cores, fsync {results.machine.fsync_ms:.2f} ms, {results.at}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 200}"'
            f' height="{top}" font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            _text(8, 20, title),
            _text(8, 38, facts),
            *shapes,
            "</svg>\n",
        ]
    )


def _bar(row: Row, bare: Row, top: int, colour: str) -> list[str]:
    part = ratio(row, bare)
    width = max(1, round(_WIDTH * min(part, 1.2) / 1.2))
    label = f"{row.server}: {row.rate:,.0f}/s, {part:.2f}"
    return [
        f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" fill="{colour}"/>',
        _text(_LEFT + width + 6, top + _BAR - 4, label),
    ]


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(text)}</text>'
