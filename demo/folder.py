"""Where a demo works."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def work_folder(work: Path | None, name: str) -> Iterator[Path]:
    """A folder that is made and stays; None for a temporary one, with this in its name."""
    if work is None:
        with tempfile.TemporaryDirectory(prefix=f"reunite-{name}-") as made:
            yield Path(made)
    else:
        work.mkdir(parents=True)
        yield work
