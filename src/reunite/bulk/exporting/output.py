"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reunite.errors import ExportStopped


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside, and put what was written there in place of ``path`` at the end.

    Raises `ExportStopped` where there can be no such file.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    if path.is_dir() or not path.parent.is_dir():
        raise ExportStopped(f"{path} cannot be written: give a file in a folder that there is")
    try:
        yield beside
        _flush(beside)
        beside.replace(path)
    except OSError as error:
        raise ExportStopped(f"{path} could not be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder beside, and put it in place of ``path`` at the end.

    Raises `ExportStopped` where there is something at ``path`` that is no empty folder.
    """
    beside = path.absolute().with_name(f".{path.absolute().name}.{os.getpid()}.part")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ExportStopped(f"{path} is there already: give a folder that is new or empty")
    try:
        beside.mkdir(parents=True)
        yield beside
        for file in sorted(beside.iterdir()):
            _flush(file)
        _flush(beside)
        # In place of an empty folder a rename is one step, too.
        beside.replace(path)
        _flush(path.absolute().parent)
    except OSError as error:
        raise ExportStopped(f"{path} could not be written: {error.strerror}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _flush(path: Path) -> None:
    """To the disk, so that a name never stands for what is not there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
