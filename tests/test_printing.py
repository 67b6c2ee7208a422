"""What a store or a file holds is printed as it is: no mark-up, nothing that a terminal obeys."""

from __future__ import annotations

import getpass
import io
from pathlib import Path

import pytest
from rich.console import Console

import reunite
from reunite.bulk.progress import Progress
from reunite.cli.printing import lines, plain, printable, say
from shell import Reunite

ESCAPE = "\x1b[31mred\x07"


def printed(text: object) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=80).print(text)
    return out.getvalue()


def test_what_a_terminal_would_obey_is_replaced() -> None:
    assert printable(ESCAPE + "\n\u202e") == "\ufffd[31mred\ufffd\ufffd\ufffd"
    assert printable("née@dömäin 1") == "née@dömäin 1"


def test_nothing_is_markup() -> None:
    assert printed(plain("[bold]a[/bold] [/x]")) == "[bold]a[/bold] [/x]\n"
    assert printed(lines(["[/a]", "b\n"])) == "[/a]\nb\ufffd\n"
    out = io.StringIO()
    say(Console(file=out, width=10), "[/x] " + "wide " * 10)
    assert out.getvalue() == "[/x] " + "wide " * 10 + "\n"


def test_a_report_shows_names_and_values_as_they_are(command: Reunite, shell: Path) -> None:
    path = shell / "[a].csv"
    path.write_text(f"id,[/mail],phone\n1,a@x.co,\n2,[/b]{ESCAPE},\n")
    result = command("import", path.name, "--map", "email=[/mail]")
    assert (result.status, result.err) == (0, "")
    assert "[a].csv: " in result.out
    assert "email from [/mail]" in result.out
    assert "[/b]\ufffd[31mred\ufffd" in result.out.replace("\n", "")


def test_an_error_shows_what_it_quotes_as_it_is(command: Reunite, shell: Path) -> None:
    result = command("import", f"no{ESCAPE}.csv")
    assert result.status != 0
    assert "\x1b" not in result.err
    assert "no\ufffd[31mred\ufffd.csv" in result.err


def test_lists_show_what_they_list_as_it_is(command: Reunite) -> None:
    odd = "[/a]@x.co"
    assert command("identify", "--email", odd).status == 0
    assert command("constraint", "add", odd, "b@x.co").status == 0
    assert command("block", "add", odd).status == 0
    for listing in ("block", "constraint"):
        result = command(listing, "list")
        assert (result.status, odd in result.out) == (0, True), listing


def test_a_phase_is_named_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(
        "reunite.bulk.progress.Console", lambda **_: Console(file=out, force_terminal=True)
    )
    with Progress().phase("reading [/a].csv"):
        pass
    assert "reading [/a].csv" in out.getvalue()


def test_who_decides_is_the_user_even_where_that_one_has_no_name(
    command: Reunite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4242)
    with reunite.open("sqlite:///reunite.db") as store:
        store.identify_many([("a@x.co", "1"), ("b@x.co", "2")])
    assert command("merge", "1", "2").status == 0
    history = command("show", "1", "--json")
    assert history.data["history"]["events"][-1]["who"] == "uid 4242"
