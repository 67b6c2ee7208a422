"""The picture of an identity as one page, which needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from reunite.inquiry.graph import Edge, Graph, Node

_FOLDER = Path(__file__).parent
_CYTOSCAPE = "vendor/cytoscape/cytoscape.min.js"


def page(graph: Graph) -> str:
    """Write the page of a graph; whatever its values are, none of them runs as script."""
    labels = {node.id: label_of(node) for node in graph.nodes}
    title = f"The identity of contact {graph.primary_contact_id}"
    script, cytoscape = _text("page.js"), _text(_CYTOSCAPE)
    parts = {
        "title": html.escape(title),
        "policy": _policy(script, cytoscape),
        "summary": html.escape(summary(graph)),
        "style": _text("page.css"),
        "tables": _tables(graph, labels),
        "graph": _json(graph, labels),
        "cytoscape": cytoscape,
        "script": script,
    }
    # In one pass, so that no value is looked through for the names of parts.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _text("page.html"))


def summary(graph: Graph) -> str:
    """How much there is, and how much of it is shown."""
    counts = graph.counts
    said = f"{_many(counts.identifiers, 'identifier')}, {_many(counts.contacts, 'contact')}"
    if counts.rows:
        said += f", {_many(counts.rows, 'row')} of imports"
    said += f", {_many(counts.edges, 'line')} between them."
    if graph.is_cut:
        said += f" Cut: the {len(graph.nodes):,} oldest are shown."
    return said


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def label_of(node: Node) -> str:
    """What stands on a node."""
    if node.kind == "contact":
        return str(node.contact_id)
    if node.kind == "row":
        return f"row {(node.value or '').partition(':')[2]}"
    return f"{node.value} (blocked)" if node.is_blocked else node.value or ""


def _policy(*scripts: str) -> str:
    """Nothing runs but these scripts, and nothing is loaded."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json(graph: Graph, labels: dict[str, str]) -> str:
    nodes = [
        msgspec.to_builtins(node) | {"label": labels[node.id], "detail": _detail_of_node(node)}
        for node in graph.nodes
    ]
    edges = [
        msgspec.to_builtins(edge) | {"detail": _detail_of_edge(edge, labels)}
        for edge in graph.edges
    ]
    written = msgspec.json.encode({"nodes": nodes, "edges": edges}).decode()
    # Within a script element HTML would see its end, or the beginning of a comment.
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written


def _detail_of_node(node: Node) -> str:
    if node.kind == "contact":
        kind = "primary contact" if node.is_primary else "contact"
        since = (
            "" if node.created_at is None else f"\nsince {node.created_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        outside = "\nof another identity" if node.is_outside else ""
        return f"{kind} {node.contact_id}{since}{outside}"
    if node.kind == "row":
        position, _, row = (node.value or "").partition(":")
        return f"row {row} of the import at position {position}, which was not taken"
    states = [
        "\nblocked: it links no one" if node.is_blocked else "",
        "\nof another identity" if node.is_outside else "",
    ]
    return f"{node.type}: {node.value}{''.join(states)}"


def _detail_of_edge(edge: Edge, labels: dict[str, str]) -> str:
    what, position, when, taken_back = _said_of_edge(edge, labels)
    return f"{what}\nposition {position}, {when}\n{taken_back}"


def _said_of_edge(edge: Edge, labels: dict[str, str]) -> tuple[str, str, str, str]:
    start, end = (_named(one, labels) for one in (edge.start, edge.end))
    if edge.kind == "link":
        what = f"{start} — {end}: link, {edge.source}"
    else:
        anchor = ", its anchor" if edge.is_anchor else ""
        what = f"{start} presented {end}{anchor}"
        what += "" if edge.source == "presented" else f" ({edge.source})"
    if edge.voided is None:
        taken_back = ""
    else:
        voided = edge.voided
        by = "" if voided.who is None else f" by {voided.who}"
        why = "" if voided.why is None else f": {voided.why}"
        taken_back = f"{voided.type} at position {voided.position}{by}{why}"
    return what, str(edge.position), f"{edge.at:%Y-%m-%d %H:%M:%S} UTC", taken_back


def _named(node_id: str, labels: dict[str, str]) -> str:
    label = labels[node_id]
    return f"contact {label}" if node_id.startswith("contact:") else label


def _tables(graph: Graph, labels: dict[str, str]) -> str:
    identifiers = [
        (node.value or "", node.type or "row", _state(node))
        for node in graph.nodes
        if node.kind != "contact"
    ]
    evidence = [_said_of_edge(edge, labels) for edge in graph.edges]
    return _table("Identifiers", ("identifier", "type", ""), identifiers) + _table(
        "Evidence", ("what", "position", "when", "taken back"), evidence
    )


def _state(node: Node) -> str:
    states = {"blocked": node.is_blocked, "of another identity": node.is_outside}
    return ", ".join(state for state, holds in states.items() if holds)


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    return f"<table><caption>{caption}</caption>\n<tr>{head}</tr>\n{body}</table>\n"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
