"""A store in a process of its own leaves none behind, whatever goes wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bench import worker as bench_worker
from bench.worker import Worker
from bench.wrk import Unable

PACKAGE = """
import os, signal
from contextlib import contextmanager
from pathlib import Path

@contextmanager
def open(url):
    Path(url).write_text(str(os.getpid()))
    yield
    signal.pause()
"""
"""A package whose store never closes, and says in the file that is its URL which process it is."""


class Stuck:
    """Makes workers whose stores never close."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = folder / "process"
        (folder / "reunite").mkdir()

    def worker(self, package: str = PACKAGE) -> Worker:
        (self._folder / "reunite" / "__init__.py").write_text(package)
        return Worker(self._folder, str(self._told), self._folder / "worker.log")

    def is_gone(self) -> bool:
        """Whether its process was ended and waited for."""
        try:
            os.kill(int(self._told.read_text()), 0)
        except ProcessLookupError:
            return True
        return False


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stuck:
    monkeypatch.setattr(bench_worker, "ENDS_WITHIN", 0.1)
    return Stuck(tmp_path)


def test_a_store_that_does_not_close_is_killed_and_told(stuck: Stuck) -> None:
    with pytest.raises(Unable, match=r"did not close within 0\.1 seconds"), stuck.worker():
        pass
    assert stuck.is_gone()


def test_an_error_under_way_is_not_hidden_by_a_store_that_does_not_close(stuck: Stuck) -> None:
    with pytest.raises(ZeroDivisionError), stuck.worker():
        raise ZeroDivisionError
    assert stuck.is_gone()


def test_a_process_that_found_another_package_is_gone_when_that_is_told(stuck: Stuck) -> None:
    elsewhere = PACKAGE + "__file__ = '/elsewhere/reunite/__init__.py'\n"
    with pytest.raises(Unable, match=r"/elsewhere/reunite/__init__\.py was found"):
        stuck.worker(elsewhere).__enter__()
    assert stuck.is_gone()
