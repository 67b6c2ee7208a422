"""Files and folders that appear whole or not at all, and what is written into as it is."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from reunite.errors import ExportStopped, ImportStopped

Stopped: TypeAlias = type[ExportStopped] | type[ImportStopped]
"""The error of the work that writes."""


@contextmanager
def written_file(path: Path, spool: Path, stopped: Stopped = ExportStopped) -> Iterator[Path]:
    """Give a path to write to, and bring what was written there to ``path`` at the end.

    A file appears whole or not at all. What is no file, such as a pipe or a device, stays what it
    is: all of it is written into that, from ``spool``.

    Raises ``stopped`` where that cannot be.
    """
    place, is_poured = place_of(path, stopped), is_stream(path)
    beside = spool if is_poured else _beside(place)
    try:
        yield beside
        if is_poured:
            _pour(beside, path)
        else:
            _flush(beside)
            beside.replace(place)
    except OSError as error:
        raise stopped(f"{path} could not be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder beside, and put it in place of ``path`` at the end.

    Raises `ExportStopped` where there is something at ``path`` that is no empty folder.
    """
    place = _followed(path)
    beside = _beside(place)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ExportStopped(f"{path} is there already: give a folder that is new or empty")
    try:
        beside.mkdir(parents=True)
        yield beside
        for file in sorted(beside.iterdir()):
            _flush(file)
        _flush(beside)
        # In place of an empty folder a rename is one step, too.
        beside.replace(place)
        _flush(place.parent)
    except OSError as error:
        raise ExportStopped(f"{path} could not be written: {error.strerror}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def place_of(path: Path, stopped: Stopped) -> Path:
    """Where a file of this name comes to be: links are followed, so that they stay.

    Raises ``stopped`` where none can be written.
    """
    place = _followed(path)
    if is_stream(path):
        if not os.access(path, os.W_OK):
            raise stopped(f"{path}: cannot be written by this user: name another file")
        return path
    folder = place.parent
    can_be = stat.S_ISDIR(_mode(folder)) and os.access(folder, os.W_OK | os.X_OK)
    # What is a link though it was followed leads back to itself.
    if not can_be or stat.S_ISDIR(_mode(path)) or place.is_symlink():
        raise stopped(
            f"{path}: cannot be written: name a file in a folder that exists and may be written"
        )
    return place


def require_apart(path: Path, others: Iterable[tuple[str, Path | None]], stopped: Stopped) -> None:
    """Raises ``stopped`` where a file to be written is one of others, named by what they are."""
    for what, other in others:
        # Whatever is written into a pipe or a terminal, it may be read from, too.
        if other is not None and not is_stream(path) and _is_same(path, other):
            raise stopped(
                f"{path}: is {what} as well, which would be written over: name another file"
            )


def is_stream(path: Path) -> bool:
    """Whether it is there and no file: a pipe or a device, or where standard output goes."""
    mode = _mode(path)
    if stat.S_ISREG(mode):
        # By a name such as /dev/stdout; the shell may have opened it to append to it.
        return _is_standard_output(path)
    return mode != 0 and not stat.S_ISDIR(mode)


def _pour(spooled: Path, path: Path) -> None:
    into = os.dup(1) if _is_standard_output(path) else os.open(path, os.O_WRONLY)
    with spooled.open("rb") as all_of_it, os.fdopen(into, "wb") as stream:
        shutil.copyfileobj(all_of_it, stream, 1 << 20)


def _is_standard_output(path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, be it there or not."""
    try:
        return one.samefile(other)
    except OSError:
        return _followed(one) == _followed(other)


def _mode(path: Path) -> int:
    """Its kind; 0 for what is not there, or cannot be seen."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _followed(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.part")


def _flush(path: Path) -> None:
    """To the disk, so that a name never stands for what is not there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
