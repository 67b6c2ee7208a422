"""The page of `reunite graph`, in a real browser: it draws, and no value of a customer's runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import decided
import reunite
from browser import CHROMIUM, Colour, colours_of, document_of
from reunite.cli.page import page
from reunite.inquiry import Graph, Inquiry
from shell import Reunite

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: no page was looked at in a browser"
)

HOSTILE = [
    "</script><script>document.title=1</script>@x.co",
    '"><img/src=x/onerror=document.title=1>@x.co',
    "<!--<script>@x.co",
    "'\"`${document.title=1}@x.co",
    "{{graph}}{{script}}@x.co",
]
WHY = "</td><img src=x onerror='document.title=1'>\u2028<script>document.title=1</script>"
EMAIL, PHONE = (0xD6, 0xE6, 0xFB), (0xD8, 0xF0, 0xDD)
PRIMARY = (0xFB, 0xE7, 0xB2)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'reunite.db'}"


@pytest.fixture
def graph(database: str) -> Graph:
    """Ada without a phone that was taken from her, which leads to Bob."""
    with reunite.open(database) as store:
        store.identify("ada@x.co", "+1555")
        store.identify("ada@x.co", "777")
        store.identify("bob@x.co", "777")
        decided.unlink(store, 2, gone_with=(3,))
        return Inquiry(store).graph(1)


@pytest.fixture
def hostile(database: str, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """One person of nothing but values that would like to run, and a reason that would, too."""
    monkeypatch.setattr(decided, "WHY", WHY)
    with reunite.open(database) as store:
        for email in HOSTILE:
            store.identify(email, "999")
        decided.unlink(store, 2)
        return Inquiry(store).graph(1)


def written(graph: Graph, folder: Path, *, policy: bool = True) -> Path:
    """The page in a file; perhaps without the policy that is the second wall."""
    text = page(graph)
    if not policy:
        text, times = re.subn(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", text)
        assert times == 1
    path = folder / "graph.html"
    path.write_text(text, encoding="utf-8")
    return path


@in_a_browser
def test_every_node_and_every_edge_is_drawn(graph: Graph, tmp_path: Path) -> None:
    seen = document_of(written(graph, tmp_path), tmp_path / "profile")
    picture = seen.attributes["picture"]
    assert picture["data-nodes"] == str(len(graph.nodes)) == "5"
    assert picture["data-edges"] == str(len(graph.edges)) == "4"
    assert picture["data-voided"] == "1"
    assert seen.elements["canvas"] > 0


@in_a_browser
def test_what_is_drawn_can_be_seen(graph: Graph, tmp_path: Path) -> None:
    colours = colours_of(written(graph, tmp_path), tmp_path / "profile")
    # The legend has each colour as well, but on few pixels.
    assert colours[EMAIL] > 1500
    assert colours[PHONE] > 1000
    assert colours[PRIMARY] > 500
    assert red(colours) > 50


def red(colours: dict[Colour, int]) -> int:
    """Pixels of what is taken back or blocked."""
    return sum(count for (r, g, b), count in colours.items() if r > 180 and g < 90 and b < 90)


@in_a_browser
@pytest.mark.parametrize("policy", [True, False], ids=["with policy", "without policy"])
def test_what_a_customer_calls_himself_is_shown_and_does_not_run(
    hostile: Graph, tmp_path: Path, policy: bool
) -> None:
    seen = document_of(written(hostile, tmp_path, policy=policy), tmp_path / "profile")
    assert seen.title == "The identity of contact 1"
    assert (seen.elements["script"], seen.elements["img"]) == (3, 0)
    assert seen.attributes["picture"]["data-nodes"] == str(len(hostile.nodes))
    for email in HOSTILE:
        assert email in seen.cells
    assert any(WHY in cell for cell in seen.cells)


@in_a_browser
def test_a_page_that_does_not_escape_would_be_noticed(hostile: Graph, tmp_path: Path) -> None:
    path = written(hostile, tmp_path, policy=False)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("&lt;", "<").replace("&gt;", ">"), encoding="utf-8")
    seen = document_of(path, tmp_path / "profile")
    assert seen.title == "1"


def test_a_page_needs_nothing_but_itself(graph: Graph) -> None:
    text = page(graph)
    assert re.findall(r"<(?:link|img|iframe|object)\b|<[a-z]+ [^>]*(?:src|href)=", text) == []
    assert "default-src 'none'" in text


def test_a_page_has_the_graph_as_data(graph: Graph) -> None:
    (data,) = re.findall(r'<script type="application/json" id="graph">(.*?)</script>', page(graph))
    drawn = json.loads(data)
    assert [node["id"] for node in drawn["nodes"]] == [node.id for node in graph.nodes]
    assert [edge["isStanding"] for edge in drawn["edges"]].count(False) == 1


def test_a_graph_that_was_cut_says_so_on_its_page(database: str, graph: Graph) -> None:
    with reunite.open(database) as store:
        cut = Inquiry(store).graph(1, limit=2)
    assert "Cut: the 2 oldest are shown." in page(cut)
    assert "Cut:" not in page(graph)


def test_what_is_vendored_comes_with_its_licence() -> None:
    folder = Path(reunite.__file__).parent / "cli/page/vendor/cytoscape"
    script = (folder / "cytoscape.min.js").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in (folder / "LICENSE").read_text(encoding="utf-8")
    # Both are written into HTML as they are.
    assert "</script" not in script.lower()
    assert "<!--" not in script


def test_the_command_writes_the_page(command: Reunite, shell: Path) -> None:
    command("identify", "--email", "ada@x.co", "--phone", "1")
    done = command("graph", "1", "--html", "graph.html")
    assert done.status == 0
    assert done.out == ("graph.html: 2 identifiers, 1 contact, 2 lines between them.\n")
    assert (shell / "graph.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    data = command("graph", "1", "--json").data
    assert data["counts"] == {"identifiers": 2, "contacts": 1, "rows": 0, "edges": 2}


def test_the_command_says_what_it_lacks(command: Reunite) -> None:
    command("identify", "--email", "ada@x.co")
    assert (command("graph", "1").status, command("graph", "2", "--json").status) == (2, 5)
    nowhere = command("graph", "1", "--html", "/nowhere/graph.html")
    assert nowhere.status == 6
    assert "/nowhere/graph.html cannot be written" in nowhere.err
