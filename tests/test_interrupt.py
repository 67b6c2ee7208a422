"""Ctrl-C while DuckDB works, which makes an error of its own of it, ends a command as elsewhere."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import reunite
from audit import Tables
from grown import MEMORY
from reunite.bulk.engine import Engine
from shell import Reunite

LONG = "create table long as select hash(a) from range(30_000_000) t(a) order by all"


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """As in a terminal: what a shell began in the background ignores the signal, and so do we."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def interrupted() -> Iterator[None]:
    """Send a SIGINT once what is in it computes: a tenth of a second is used by then."""
    began = time.process_time()

    def interrupt() -> None:
        while time.process_time() < began + 0.1:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=interrupt)
    sender.start()
    try:
        yield
    finally:
        sender.join()


def long_work(engine: Engine) -> None:
    with interrupted():
        engine.connection.execute(LONG)


def test_an_interrupted_query_is_an_interrupt_and_keeps_its_notes() -> None:
    def noting(engine: Engine) -> None:
        try:
            long_work(engine)
        except BaseException as error:
            error.add_note("there is more to say")
            raise

    with pytest.raises(KeyboardInterrupt) as raised, Engine(MEMORY) as engine:
        noting(engine)
    assert raised.value.__notes__ == ["there is more to say"]
    assert not engine.folder.exists()


def test_an_interrupted_import_leaves_the_store_as_it_was(
    command: Reunite,
    shell: Path,
    store_url: str,
    fresh_workspace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.identify("ada@x.co")
    before = Tables.read(store_url, fresh_workspace)
    Path("rows.csv").write_text("id,email\n7,b@x.co\n")
    monkeypatch.setattr(
        "reunite.bulk.importing.importing.write", lambda plan, *_: long_work(plan.engine)
    )
    where = ("--database", store_url, "--workspace", fresh_workspace)
    ended = command("import", "rows.csv", *where)
    assert ended.status == 130
    assert "Traceback" not in ended.err
    assert Tables.read(store_url, fresh_workspace) == before


def test_an_interrupted_export_leaves_the_file_as_it_was(
    command: Reunite, shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("identify", "--email", "ada@x.co")
    Path("out.csv").write_text("as it was")
    monkeypatch.setattr(
        "reunite.bulk.exporting.exporting.bring_tree", lambda engine, *_: long_work(engine)
    )
    assert command("export", "--output", "out.csv").status == 130
    assert Path("out.csv").read_text() == "as it was"
    assert sorted(path.name for path in shell.iterdir() if "out" in path.name) == ["out.csv"]
