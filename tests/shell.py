"""The command `reunite`, run in this process, which is quicker than starting one for each."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from reunite.cli import main


class Result:
    """What a command left behind."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Reunite:
    """Runs commands and catches what they print."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        self._monkeypatch.setattr(sys, "argv", ["reunite", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        status = ended.value.code or 0
        return Result(int(status), *self._capsys.readouterr())
