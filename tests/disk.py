"""A disk that fills up and fails on demand, under an otherwise untouched SQLite."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from ctypes import c_int, c_int64, c_size_t, c_ssize_t, c_void_p
from types import TracebackType
from typing import Any, Literal, Self

import apsw

Kind = Literal["read", "write", "truncate", "flush"]

_SYSTEM_CALLS: dict[str, tuple[Kind, list[Any]]] = {
    "read": ("read", [c_ssize_t, c_int, c_void_p, c_size_t]),
    "pread": ("read", [c_ssize_t, c_int, c_void_p, c_size_t, c_int64]),
    "pread64": ("read", [c_ssize_t, c_int, c_void_p, c_size_t, c_int64]),
    "write": ("write", [c_ssize_t, c_int, c_void_p, c_size_t]),
    "pwrite": ("write", [c_ssize_t, c_int, c_void_p, c_size_t, c_int64]),
    "pwrite64": ("write", [c_ssize_t, c_int, c_void_p, c_size_t, c_int64]),
    "ftruncate": ("truncate", [c_int, c_int, c_int64]),
}
"""Those that SQLite lets one replace: what each does, and the C types of result and arguments."""


class Disk(apsw.VFS):
    """Under every SQLite file that is opened while its context lasts.

    Reads, writes and truncations fail in the system call, so that SQLite meets what a real disk
    would give it, and may ignore it (as it does when a checkpoint after a commit fails). SQLite
    does not let one replace the call that flushes: a disk that fails those is the default VFS, and
    through it apsw raises even what SQLite ignores.

    Args:
        kinds: which operations `fail` counts and fails; "flush" not together with others.
    """

    def __init__(self, *kinds: Kind) -> None:
        super().__init__("disk", "unix", makedefault=kinds == ("flush",))
        self._kinds = kinds
        self._replaced: dict[str, Any] = {}
        self.broke = False
        """Whether an operation failed since `fail` or `fill`."""
        self.repair()

    def repair(self) -> None:
        """Let everything work again."""
        self._until = 0
        self._lasts = False
        self._free: int | None = None

    def fail(self, nth: int, *, lasting: bool = False) -> None:
        """Let the nth operation from now on fail and, if lasting, all after it."""
        self.repair()
        self.broke, self._until, self._lasts = False, nth, lasting

    def fill(self, free: int) -> None:
        """Leave room for so many bytes; what a file has already can be written over."""
        self.repair()
        self.broke, self._free = False, free

    def fails(self, kind: Kind) -> bool:
        """Count one operation, and tell whether it is one that fails."""
        if not self._until or kind not in self._kinds:
            return False
        if self._until > 1:
            self._until -= 1
            return False
        self._until = 1 if self._lasts else 0
        self.broke = True
        return True

    def room(self, file: int, amount: int, offset: int) -> int:
        """Take room for a write; the number of bytes that fit."""
        if self._free is None:
            return amount
        growth = max(0, offset + amount - os.fstat(file).st_size)
        missing = max(0, growth - self._free)
        self._free -= growth - missing
        self.broke = self.broke or missing > 0
        return amount - missing

    def xOpen(self, name: Any, flags: list[int]) -> DiskFile:  # noqa: N802  apsw's name
        return DiskFile(self, name, flags)

    def __enter__(self) -> Self:
        for name, (kind, types) in _SYSTEM_CALLS.items():
            if pointer := self.xGetSystemCall(name):
                function = ctypes.CFUNCTYPE(*types, use_errno=True)
                replacement = function(_failing(self, kind, function(pointer)))
                self._replaced[name] = replacement
                self.xSetSystemCall(name, ctypes.cast(replacement, c_void_p).value or 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in self._replaced:
            self.xSetSystemCall(name, 0)
        self.unregister()


def _failing(disk: Disk, kind: Kind, call: Callable[..., int]) -> Callable[..., int]:
    """A system call that asks the disk first; like every one it returns -1 and sets errno."""

    def write(file: int, data: int, amount: int, *at: int) -> int:
        offset = at[0] if at else os.lseek(file, 0, os.SEEK_CUR)
        fits = disk.room(file, amount, offset)
        if amount and not fits:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return call(file, data, fits, *at)

    def any_call(*arguments: int) -> int:
        if disk.fails(kind):
            ctypes.set_errno(errno.EIO)
            return -1
        return write(*arguments) if kind == "write" else call(*arguments)

    return any_call


class DiskFile(apsw.VFSFile):
    """A file of a `Disk` that fails to flush."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk

    def xSync(self, flags: int) -> None:  # noqa: N802  apsw's name
        if self._disk.fails("flush"):
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)
