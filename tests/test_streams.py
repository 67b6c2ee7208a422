"""What a command prints where its streams are closed, or in an encoding that lacks its letters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reunite
from shell import Reunite

NAME = "née@x.co"


@pytest.fixture
def somebody(shell: Path) -> Path:
    """A folder with a store in which somebody is."""
    with reunite.open("sqlite:///reunite.db") as store:
        store.identify(NAME)
    return shell


def run(redirected: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command in a shell that redirects its streams."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "reunite", *arguments],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.usefixtures("somebody")
def test_json_is_utf_8_and_text_is_told_in_whatever_encoding() -> None:
    for encoding in ("ascii", "latin-1", "utf-8"):
        done = run("", "lookup", "--email", NAME, "--json", PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, b"")
        assert NAME in json.dumps(json.loads(done.stdout.decode()), ensure_ascii=False)
    done = run("", "lookup", "--email", NAME, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"n\xe9e@" in done.stdout
    assert NAME.encode() in run("", "lookup", "--email", NAME, PYTHONIOENCODING="utf-8").stdout


@pytest.mark.usefixtures("somebody")
def test_notes_never_go_where_the_answer_goes() -> None:
    told, untold = run("", "export"), run("2>&-", "export")
    assert b"--full DIR" in told.stderr
    assert (untold.returncode, untold.stdout) == (0, told.stdout)
    refused = run("2>&-", "export", "--database", "sqlite:///typo.db")
    assert (refused.returncode, refused.stdout) == (4, b"")


@pytest.mark.usefixtures("somebody")
def test_an_export_needs_somewhere_to_go() -> None:
    closed = run(">&-", "export")
    assert closed.returncode == 6
    assert closed.stderr == b"reunite: standard output is closed: give --output FILE\n"
    assert run(">&-", "export", "--output", "out.csv").returncode == 0
    assert run(">&-", "lookup", "--email", NAME, "--json").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stats", "--memory", "99999999999999999G"), "--memory is a size"),
        (("stats", "--memory", "9" * 5000), "--memory is a size"),
        (
            ("lookup", "--email", "a@x.co", "--database", "sqlite:////tmp/\udcff.db"),
            "a URL in UTF-8",
        ),
    ],
)
def test_what_no_machine_takes_means_nothing(
    command: Reunite, arguments: tuple[str, ...], says: str
) -> None:
    refused = command(*arguments)
    assert refused.status == 2
    assert says in refused.err
    assert len(refused.err) < 200
