"""A store in a process of its own, by whichever version of the package, run when it is told to.

Both sides talk over pipes, one JSON a line: batches one way, seconds the other. What runs in the
process has to run by all versions that are compared, so it uses little of the package.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, cast

import msgspec

import reunite
from bench.workloads import Pair
from bench.wrk import Unable

ROOT = Path(__file__).parent.parent
ENDS_WITHIN = 30
"""Seconds that a store may take to close."""


class Batch(msgspec.Struct, frozen=True):
    """Requests to ask together.

    Attributes:
        ask: the store's method.
        outcome: what every request has to be answered with.
        pairs: e-mails and phones in normal form.
    """

    ask: Literal["identify_many", "recognise_many"]
    outcome: str
    pairs: list[Pair]


_batch = msgspec.json.Decoder(Batch).decode


class Worker:
    """The process, from entering the context to leaving it.

    Attributes:
        source: the folder in which it finds the package.
        database: the URL of its store.
    """

    def __init__(self, source: Path, database: str, log: Path) -> None:
        self.source = source
        self.database = database
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.worker", self.database],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(self.source)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            self._require_source()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._process.communicate(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._kill()
            # An error under way says more.
            if error is None:
                raise Unable(
                    f"the store of {self.source} did not close within {ENDS_WITHIN} seconds"
                ) from None

    def run(self, batch: Batch) -> float:
        """Let it ask; returns the seconds it took. Raises `Unable` for another outcome."""
        told = cast(IO[bytes], self._process.stdin)
        # Of a process that is gone its silence tells.
        with suppress(BrokenPipeError):
            told.write(msgspec.json.encode(batch) + b"\n")
            told.flush()
        return float(self._hear())

    def _require_source(self) -> None:
        package = Path(self._hear())
        if not package.is_relative_to(self.source):
            raise Unable(f"{package} was found, where {self.source} was to be measured")

    def _kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _hear(self) -> str:
        line = cast(IO[bytes], self._process.stdout).readline().decode().strip()
        if not line:
            raise Unable(f"the package of {self.source} failed:\n{self._log.read_text()}")
        return line


def main() -> None:
    """Open the store on the command line, and ask it what comes in until that ends."""
    with reunite.open(sys.argv[1]) as store:
        print(reunite.__file__, flush=True)
        for line in sys.stdin.buffer:
            print(_ask(store, _batch(line)), flush=True)


def _ask(store: reunite.Repository, batch: Batch) -> float:
    ask = store.identify_many if batch.ask == "identify_many" else store.recognise_many
    requests = [reunite.Presented(*pair) for pair in batch.pairs]
    began = time.perf_counter()
    answers = ask(requests)
    took = time.perf_counter() - began
    for answer in answers:
        if not isinstance(answer, reunite.Identified) or answer.outcome != batch.outcome:
            sys.exit(f"a request that was to be {batch.outcome} was answered with {answer!r}")
    return took


if __name__ == "__main__":
    main()
