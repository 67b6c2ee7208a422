"""The documents are true: their commands run as written, and nothing there is goes unmentioned."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from reunite.bulk.verifying.findings import Rule
from reunite.cli.main import app
from reunite.http.problem import KINDS
from reunite.repositories import queries
from reunite.settings import Settings, variable_of
from server import Server

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
README = (ROOT / "README.md").read_text()
PACKAGES = [
    file.parent for top in ("src", "bench", "demo") for file in ROOT.glob(f"{top}/**/__init__.py")
]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shell_sessions(text: str) -> Iterator[tuple[str, str]]:
    """The commands that begin with ``$``, each with what it is said to print."""
    for block in blocks(text, ""):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*", part)
            assert command is not None
            yield command[0], part[command.end() :].strip()


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """Where the README is followed: an empty folder, the commands on the path."""
    commands = Path(sys.executable).parent
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("REUNITE_")},
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
    }


def test_the_readme_s_requests_get_the_readme_s_answers(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    sessions = list(shell_sessions(README))
    assert len(sessions) >= 3
    database = f"sqlite:///{tmp_path / 'reunite.db'}"
    with Server(database, tmp_path / "log") as server:
        for command, expected in sessions:
            here = command.replace("http://127.0.0.1:8000", server.url)
            printed = subprocess.run(
                here,
                shell=True,
                cwd=tmp_path,
                env=shell,
                capture_output=True,
                check=True,
                text=True,
            )
            assert printed.stdout.strip() == expected, command


def run_python(text: str, tmp_path: Path, shell: dict[str, str]) -> str:
    """What a page's one example in Python prints."""
    (example,) = blocks(text, "python")
    printed = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=shell,
        capture_output=True,
        check=True,
        text=True,
    )
    return printed.stdout


def test_the_readme_s_python_runs(tmp_path: Path, shell: dict[str, str]) -> None:
    printed = run_python(README, tmp_path, shell)
    assert printed.startswith("1 ('foo@example.com',) ('1234567890',) created")


def test_the_python_of_explain_and_undo_runs(tmp_path: Path, shell: dict[str, str]) -> None:
    page = (ROOT / "docs/explain-and-undo.md").read_text()
    *sentences, unlinked, joined = run_python(page, tmp_path, shell).splitlines()
    assert [sentence.partition(" in contact")[0] for sentence in sentences] == [
        "ann@x.co and 15551234567 were presented together",
        "15551234567 and ben@x.co were presented together",
    ]
    assert unlinked == "3 [('ann@x.co',), ('ben@x.co',), ()]"
    assert joined == "True"


def test_the_story_of_explain_and_undo_happens_as_it_is_told(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    """Its commands run in order; what is printed is as told, but for the dates."""
    story = (ROOT / "docs/explain-and-undo.md").read_text().split("## The words")[0]

    def run(command: str) -> str:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=shell,
            capture_output=True,
            text=True,
            check=False,
        )
        # The request that is held, and its dismissal after which it cannot be allowed.
        assert done.returncode in (0, 5), done.stderr
        return re.sub(r"\d{4}-\d\d-\d\d", "DAY", done.stdout).strip()

    for email, phone in (("ann", "15551234567"), ("ben", "15551234567"), ("ben", "15557654321")):
        run(f"reunite identify --email {email}@x.co --phone {phone}")
    told: list[str] = []
    for block in blocks(story, ""):
        if block.startswith("$ "):
            ((command, expected),) = shell_sessions(f"```\n{block}```")
            told.append(re.sub(r"\d{4}-\d\d-\d\d", "DAY", expected))
            assert run(command) == told[-1]
        else:
            for command in block.splitlines():
                run(command)
    assert len(set(told)) == 2


def test_every_setting_is_documented_with_its_option_variable_and_default() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    defaults = Settings().variables()
    options = {param.name for param in get_command(app).commands["serve"].params}  # type: ignore[attr-defined]
    for variable, default in defaults.items():
        name = variable.removeprefix("REUNITE_").lower()
        rows = [line for line in text.splitlines() if f"`{variable_of(name)}`" in line]
        assert len(rows) == 1, variable
        assert name in options or name == "api_keys"
        if name in options:
            assert f"`--{name.replace('_', '-')}" in rows[0]
            assert f"`{default}`" in rows[0]


def test_every_command_is_documented() -> None:
    """As it is typed, so that it is found; the changes of a version are no documentation."""
    texts = "\n".join(text.read_text() for text in DOCUMENTS if text.name != "CHANGELOG.md")
    every = list(commands(get_command(app), "reunite"))
    assert "reunite held dismiss" in every
    for command in every:
        assert re.search(rf"{command}(?![\w-])", texts), command


def commands(group: Any, name: str) -> Iterator[str]:
    for word, command in group.commands.items():
        yield f"{name} {word}"
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {word}")


def test_every_problem_is_documented_under_its_status() -> None:
    told = [
        (int(status), slug)
        for status, slugs, *_ in table("docs/http.md", "status")
        for slug in re.findall(r"`(.*?)`", slugs)
    ]
    assert Counter(told) == Counter((kind.status, kind.slug) for kind in KINDS.values())


def test_every_rule_of_verify_is_documented_in_the_words_that_it_prints() -> None:
    told = [
        words.replace(" ", "_")
        for names, *_ in table("docs/existing-data.md", "rules")
        for words in re.findall(r"`(.*?)`", names)
    ]
    assert Counter(told) == Counter(rules_of_verify())


def rules_of_verify() -> Iterator[str]:
    """Those that Python checks, and the queries that find what does not hold."""
    package = ROOT / "src/reunite/bulk/verifying"
    code = "".join(file.read_text() for file in package.glob("*.py") if file.stem != "findings")
    # What nothing finds is no rule.
    yield from (rule for rule in get_args(Rule) if f'"{rule}"' in code)
    for file in package.glob("*.sql"):
        for query in queries.load("reunite.bulk.verifying", file.name):
            if not query.startswith("make_"):
                yield query


def table(document: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading."""
    found = re.search(
        rf"^\| {heading} \|.*\n\| --- .*\n((?:\|.*\n)+)", (ROOT / document).read_text(), re.M
    )
    assert found is not None
    return [line.split("|")[1:] for line in found[1].splitlines()]


def test_every_target_that_the_documents_name_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in DOCUMENTS:
        for target in re.findall(r"^make (\w+)|`make (\w+)", document.read_text(), re.M):
            assert f"\n{''.join(target)}:" in makefile, (document, target)


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), (document, target)


def test_a_package_that_lists_its_modules_lists_them_all() -> None:
    """In a list a line begins with a module's name, or several, and two blanks."""
    lists = 0
    for package in PACKAGES:
        text = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
        lines = re.findall(r"^(\w+(?:, \w+)*) {2,}\S", text, re.M)
        if lines:
            lists += 1
            assert sorted(", ".join(lines).split(", ")) == sorted(modules(package)), package
    assert lists >= 11


def modules(package: Path) -> Iterator[str]:
    for file in package.glob("[!_]*"):
        if file.suffix == ".py" or (file / "__init__.py").exists():
            yield file.stem
