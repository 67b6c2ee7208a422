"""A real browser without a window: what a page became after its scripts ran, and how it looks."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

Colour = tuple[int, ...]


class Seen(HTMLParser):
    """The elements of a document as the browser had it at the end."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.cells: list[str] = []
        self.title = ""
        self._inside = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        given = dict(attributes)
        if given.get("id"):
            self.attributes[str(given["id"])] = given
        self._inside = tag
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, text: str) -> None:
        if self._inside == "td":
            self.cells[-1] += text
        if self._inside == "title":
            self.title += text


def document_of(page: Path, profile: Path) -> Seen:
    """Open a page and read it once its scripts are done."""
    return Seen(_run(page, profile, "--dump-dom"))


def colours_of(page: Path, profile: Path) -> Counter[Colour]:
    """Open a page, look at it, and count its pixels by colour."""
    picture = profile / "picture.png"
    _run(page, profile, f"--screenshot={picture}")
    return _colours(picture.read_bytes())


def _run(page: Path, profile: Path, what: str) -> str:
    assert CHROMIUM is not None
    profile.mkdir(exist_ok=True)
    # Inside a container the browser's own walls cannot be built; the page is ours.
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    options += ["--window-size=1280,1000", "--virtual-time-budget=10000"]
    done = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={profile}", what, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def _colours(png: bytes) -> Counter[Colour]:
    """The pixels of an 8-bit PNG without interlacing."""
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", png[16:29])
    size = {2: 3, 6: 4}[kind]
    assert depth == 8
    data, place = b"", 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    counted: Counter[Colour] = Counter()
    raw = zlib.decompress(data)
    line = bytearray(width * size)
    for row in range(height):
        start = row * (width * size + 1)
        line = _unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], line, size)
        counted.update(tuple(line[i : i + 3]) for i in range(0, len(line), size))
    return counted


def _unfiltered(kind: int, line: bytes, above: bytearray, size: int) -> bytearray:
    plain = bytearray(line)
    for i in range(len(line)):
        left = plain[i - size] if i >= size else 0
        up, corner = above[i], above[i - size] if i >= size else 0
        if kind == 1:
            plain[i] = (line[i] + left) & 255
        elif kind == 2:
            plain[i] = (line[i] + up) & 255
        elif kind == 3:
            plain[i] = (line[i] + (left + up) // 2) & 255
        elif kind == 4:
            plain[i] = (line[i] + _nearest(left, up, corner)) & 255
    return plain


def _nearest(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))
