"""The bench measures what it says: its traffic, its clock, its tables."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from bench import (
    before,
    goals,
    inquiry,
    lab,
    large,
    parts,
    plan,
    plot,
    postgres,
    revision,
    tables,
    workloads,
)
from bench import results as bench_results
from bench.machine import describe
from bench.worker import Batch, Worker
from bench.wrk import Unable

import reunite
from reunite.identity import Identified
from reunite.repositories import Repository

ROOT = Path(__file__).parent.parent
FILLED = 500


@pytest.fixture
def filled_store(tmp_path: Path) -> Iterator[Repository]:
    """A store, filled as the bench fills them."""
    with reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}") as store:
        store.identify_many(list(workloads.pairs(range(FILLED))))
        yield store


def ask(store: Repository, workload: str, requests: int) -> list[Identified]:
    """Send a workload's first requests; none is refused."""
    run = workloads.Run(3, FILLED)
    answers = store.identify_many(
        list(islice(workloads.WORKLOADS[workload].requests(run), requests))
    )
    assert all(isinstance(answer, Identified) for answer in answers)
    return [answer for answer in answers if isinstance(answer, Identified)]


def outcomes(answers: Iterable[Identified]) -> Counter[str]:
    return Counter(answer.outcome for answer in answers)


@pytest.mark.parametrize(
    ("workload", "outcome"), [("new", "created"), ("known", "known"), ("extend", "extended")]
)
def test_a_plain_workload_has_one_outcome_alone(
    filled_store: Repository, workload: str, outcome: str
) -> None:
    assert outcomes(ask(filled_store, workload, 1000)) == {outcome: 1000}


def test_nearly_half_of_the_merge_workload_merges(filled_store: Repository) -> None:
    answers = ask(filled_store, "merge", 4500)
    # The first hundred groups are merged before they are there.
    assert outcomes(answers)["merged"] == 7 * (4500 // 15 - 100)


def test_the_mix_has_every_outcome_and_no_giant_identity(filled_store: Repository) -> None:
    answers = ask(filled_store, "mix", 6000)
    seen = outcomes(answers)
    assert min(seen[outcome] for outcome in ("created", "extended", "merged", "known")) > 20
    assert max(answer.size for answer in answers) <= 8


class OneConnectionServer:
    """Answers one connection's requests at once, but stalls before one of them."""

    def __init__(self, stalled: int, seconds: float) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(stalled, seconds), daemon=True)
        self._thread.start()

    def _serve(self, stalled: int, seconds: float) -> None:
        connection, _ = self._listener.accept()
        with self._listener, connection:
            number = 0
            while connection.recv(65536):
                number += 1
                if number == stalled:
                    time.sleep(seconds)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


def test_a_latency_counts_from_when_its_request_was_due(tmp_path: Path) -> None:
    bodies = tmp_path / "bodies.txt"
    workloads.write(bodies, workloads.new(workloads.Run(0, 1)), 1000)
    server = OneConnectionServer(stalled=100, seconds=0.5)
    command = [sys.executable, "-m", "bench.open_loop", str(server.port), str(bodies)]
    options = ["--rate", "400", "--seconds", "1", "--connections", "1"]
    printed = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, check=True)
    seen = json.loads(printed.stdout)
    assert seen["refused"] == seen["lost"] == 0
    # One request of 400 was slow to be answered, but 200 were due meanwhile.
    assert seen["p90_ms"] > 200


def test_without_wrk_it_says_how_to_get_it() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench"],
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "apt install wrk" in run.stderr


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_the_smallest_bench_measures_judges_and_tells(
    tmp_path: Path, shared_postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    smallest = plan.Plan(1, 1, (4,), ("new",), filled=100, identifiers=64)
    server = postgres.Postgres(shared_postgres_url)
    told: list[str] = []
    surroundings = lab.Lab(tmp_path, server, smallest, told.append)
    results = bench_results.Results("now", describe(tmp_path, server), smallest)
    results.throughput = parts.throughput(surroundings)
    results.large = large.large(surroundings)
    results.inquiry = inquiry.inquiry(surroundings)
    server.close()

    assert [row.server for row in results.throughput] == [
        *("no store", "SQLite", "SQLite, one a commit"),
        *("PostgreSQL", "PostgreSQL, one a commit"),
    ]
    assert all(row.rate > 0 and row.failed == 0 for row in results.throughput)
    assert all(row.answer_ms > 0 for row in results.large)
    assert all(row.explain_ms > 0 and row.steps > 1 for row in results.inquiry)
    assert [goal.what for goal in goals.judge(results)] == [
        "SQLite, new: throughput against no store",
        "PostgreSQL, new: throughput against no store",
        "SQLite, new: group commit against one a commit",
        "PostgreSQL, new: group commit against one a commit",
        "SQLite: explaining within 64 identifiers against reading them",
        "PostgreSQL: explaining within 64 identifiers against reading them",
    ]
    assert "no store: " in plot.draw(results)
    tables.show(results)
    assert "one a commit" in capsys.readouterr().out


SLOWED_MS = 15
SLOWED = f"""
import time

_identify_many = Repository.identify_many


def _identify_slowly(self, requests):
    time.sleep({SLOWED_MS / 1000})
    return _identify_many(self, requests)


Repository.identify_many = _identify_slowly
"""


@pytest.fixture
def slower_before(tmp_path: Path) -> Path:
    """A repository at whose only commit the package identifies more slowly than it does now."""
    repository = tmp_path / "repository"
    shutil.copytree(ROOT / "src", repository / "src", ignore=shutil.ignore_patterns("__pycache__"))
    with (repository / "src" / "reunite" / "__init__.py").open("a") as package:
        package.write(SLOWED)
    author = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    for command in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "-m", "it")):
        subprocess.run(["git", "-C", repository, *command], check=True)
    return repository


def test_what_was_slower_before_is_told_as_faster_now(
    tmp_path: Path,
    slower_before: Path,
    shared_postgres_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    smallest = plan.Plan(filled=100, before="HEAD", stretches=1)
    server = postgres.Postgres(shared_postgres_url)
    results = bench_results.Results("now", describe(tmp_path, server), smallest)
    results.before = before.before(lab.Lab(tmp_path, server, smallest, print), slower_before)
    server.close()

    identified = [row for row in results.before if row.ask == "identify_many"]
    recognised = [row for row in results.before if row.ask == "recognise_many"]
    assert len(identified) == 6
    assert all(min(row.before_ms) > SLOWED_MS and row.ratio > 1 for row in identified)
    assert [(row.server, row.workload) for row in recognised] == [
        ("SQLite", "known"),
        ("PostgreSQL", "known"),
    ]
    assert [goal.value for goal in goals.judge(results)] == [row.ratio for row in results.before]
    tables.show(results)
    assert f"by the package of {results.before[0].commit[:7]}" in capsys.readouterr().out


def test_a_commit_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unable, match=r"no commit 'of-nobody'.*--before names one"):
        revision.commit_of("of-nobody", ROOT)


def test_a_commit_without_the_package_is_told(tmp_path: Path, slower_before: Path) -> None:
    tree = subprocess.run(
        ["git", "-C", slower_before, "rev-parse", "HEAD:src/reunite/http"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with pytest.raises(Unable, match=f"{tree} has no package"):
        revision.bring(tree, slower_before, tmp_path)


def test_a_comparison_stops_where_an_answer_is_another_than_meant(tmp_path: Path) -> None:
    batch = Batch("identify_many", "known", [("nobody@example.com", "123456")])
    database = f"sqlite:///{tmp_path / 'reunite.db'}"
    with (
        Worker(ROOT / "src", database, tmp_path / "worker.log") as worker,
        pytest.raises(Unable, match=r"was to be known was answered with .*created"),
    ):
        worker.run(batch)
