"""A full export of another format says which version reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import reunite
from grown import MEMORY
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.exporting.full import FORMAT, MANIFEST, export_full, read_manifest
from reunite.bulk.progress import Progress
from reunite.errors import ImportStopped


@pytest.mark.parametrize(
    ("format_", "said"),
    [
        (FORMAT - 1, "use that version"),
        (FORMAT, "use that version"),
        (FORMAT + 1, "use that version, or a newer one"),
    ],
)
def test_only_of_a_newer_format_a_newer_version_is_named(
    tmp_path: Path, format_: int, said: str
) -> None:
    url, folder = f"sqlite:///{tmp_path / 'reunite.db'}", tmp_path / "full"
    reunite.open(url).close()
    with Engine(MEMORY) as engine, repositories.snapshot(url) as snapshot:
        export_full(engine, snapshot, folder, Progress())
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest |= {"format": format_, "reunite": "9.8.7", "files": {}}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ImportStopped) as stopped:
        read_manifest(folder)
    assert str(stopped.value).endswith(
        f"is of format {format_}, made by reunite 9.8.7; this one reads format {FORMAT}: {said}"
    )
