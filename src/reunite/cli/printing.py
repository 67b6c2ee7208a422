"""How text of a store, or of a file, is printed: as it is, and never obeyed."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from reunite.http import wire


def printable(text: str) -> str:
    """The same on one line, with U+FFFD for what a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def plain(text: str) -> Text:
    """The same as `printable`, and no mark-up."""
    return Text(printable(text))


def lines(texts: Iterable[str]) -> Text:
    """Each text on a line of its own, as `plain` has it."""
    return Text("\n").join(map(plain, texts))


def say(console: Console, text: str) -> None:
    """Print one line as `plain` has it, however wide."""
    console.print(plain(text), soft_wrap=True, highlight=False)


def print_json(value: object) -> None:
    """Print a value as one line of JSON: in UTF-8, whatever the terminal's encoding is."""
    if sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout.buffer.write(wire.encode(value) + b"\n")
        sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Print to standard error what is beside the answer; where there is none, it is not told."""
    # Of no file `print` makes standard output, where others read the answer.
    if sys.stderr is not None:
        print(text, file=sys.stderr)
