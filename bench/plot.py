"""The throughput as a picture: bars per workload, each as a part of the stack without a store."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from bench.lab import NO_STORE
from bench.machine import Machine
from bench.measure import Row, ratio
from bench.results import Results, find
from bench.workloads import WORKLOADS

COLOURS = ("#9aa0a6", "#2563eb", "#93b4f5", "#0f766e", "#7cc4bd")
LEFT, WIDTH, BAR, GAP, TOP = 230, 560, 16, 22, 56


def draw(results: Results) -> str:
    """An SVG of the throughput at the most connections; empty if it was not measured."""
    connections = results.plan.connections[-1]
    rows = [row for row in results.throughput if row.connections == connections]
    servers = list(dict.fromkeys(row.server for row in rows))
    shapes: list[str] = []
    top = TOP
    for workload in dict.fromkeys(row.workload for row in rows):
        bare = find(rows, NO_STORE, workload)
        for server, colour in zip(servers, COLOURS, strict=False):
            row = find(rows, server, workload)
            if row and bare:
                shapes += _bar_of(row, bare, top, colour)
            top += BAR + 2
        middle = top - len(servers) * (BAR + 2) // 2
        shapes.append(text(8, middle, WORKLOADS[workload].says))
        top += GAP
    if not shapes:
        return ""
    title = (
        f"Requests/s over {connections} connections; bars: part of the same stack without a store"
    )
    return picture(title, facts(results.machine, results.at), top, shapes)


def picture(title: str, told: str, height: int, shapes: Iterable[str]) -> str:
    """An SVG with two lines of text on top of the shapes."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 200}"'
            f' height="{height}" font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            text(8, 20, title),
            text(8, 38, told),
            *shapes,
            "</svg>\n",
        ]
    )


def facts(machine: Machine, at: str) -> str:
    """The line that says where and when."""
    return f"{machine.cores} cores, fsync {machine.fsync_ms:.2f} ms, {at}"


def _bar_of(row: Row, bare: Row, top: int, colour: str) -> list[str]:
    part = ratio(row, bare)
    width = round(WIDTH * min(part, 1.2) / 1.2)
    return bar(LEFT, top, width, colour, f"{row.server}: {row.rate:,.0f}/s, {part:.2f}")


def bar(x: int, y: int, width: int, colour: str, label: str) -> list[str]:
    """A bar that reaches to the right from there, and beside it what it is."""
    width = max(1, width)
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{BAR}" fill="{colour}"/>',
        text(x + width + 6, y + BAR - 4, label),
    ]


def text(x: int, y: int, words: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(words)}</text>'
