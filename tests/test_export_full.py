"""A full export carries everything: what is made of it goes on as the first store would have."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import reunite
from filled import everything
from grown import MEMORY, ask, decide, export_all, grow, import_all, verified
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.evidence.tables import load_csv
from reunite.bulk.exporting.full import export_full
from reunite.bulk.progress import Progress
from reunite.errors import ExportStopped, ImportStopped, StoreError
from reunite.operations import Operations
from reunite.repositories.bulk import TABLES
from sabotage import sabotage
from shell import Reunite


def exported(url: str, workspace: str, folder: Path) -> Path:
    export_all(url, workspace, folder)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of either kind, beside the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other.db'}"
    return str(request.getfixturevalue("shared_postgres_url"))


@pytest.mark.parametrize("seed", [11, 12])
def test_it_goes_on_as_the_first_would_have(
    store_url: str, other_url: str, fresh_workspace: str, tmp_path: Path, seed: int
) -> None:
    grow(store_url, fresh_workspace, seed, tmp_path)
    decide(store_url, fresh_workspace, tmp_path)
    with reunite.open(store_url, workspace=fresh_workspace) as store:
        store.set_identity_limit(75)
    folder = exported(store_url, fresh_workspace, tmp_path / "full")
    other = f"{fresh_workspace}-copy"
    import_all(other_url, other, folder)
    assert everything(other_url, other) == everything(store_url, fresh_workspace)
    assert verified(other_url, other) == verified(store_url, fresh_workspace)
    answers = [
        [*ask(url, workspace, random.Random(seed), 60, 70), *taken_back(url, workspace, seed)]
        for url, workspace in ((store_url, fresh_workspace), (other_url, other))
    ]
    assert answers[0] == answers[1]
    one, two = verified(store_url, fresh_workspace), verified(other_url, other)
    assert one == two
    assert two.is_sound


def taken_back(url: str, workspace: str, seed: int) -> list[object]:
    """What would come of undoing each position, and what comes of undoing some."""
    rng = random.Random(seed)
    with reunite.open(url, workspace=workspace) as store:
        by_hand = Operations(store)
        with store.sight() as sight:
            positions = range(1, sight.head.position + 1)
        told = [undone(by_hand, position, dry_run=True) for position in positions]
        told += [undone(by_hand, position) for position in rng.sample(positions, 20)]
        return [
            *told,
            [held.id for held in by_hand.held()],
            by_hand.constraints(),
            by_hand.blocks(),
        ]


def undone(by_hand: Operations, position: int, *, dry_run: bool = False) -> object:
    try:
        return by_hand.undo(position, dry_run=dry_run)
    except reunite.ReuniteError as refusal:
        return str(refusal)


@pytest.mark.parametrize(
    "line", ["7,linked,1,,,,,1,1,1,,\n", '","\r\n', "\r"], ids=["a row", "other ends", "no end"]
)
def test_free_text_is_read_as_it_was_however_much_of_it_looks_like_rows(
    tmp_path: Path, line: str
) -> None:
    rng, path = random.Random(1), tmp_path / "journal.csv"
    whys = ["x\n" + line * rng.randrange(1800 // len(line)) for _ in range(40_000)]
    with path.open("w", encoding="utf-8", newline="") as file:
        for position, why in enumerate(whys, 1):
            quoted = why.replace('"', '""')
            file.write(f'{position},undone,{position},1,,,,1,1,1,,"{quoted}"\n')
    with Engine(MEMORY) as engine:
        load_csv(engine, "journal", TABLES["journal"], str(path))
        found = engine.connection.execute("select position, why from journal").fetchall()
    assert found == list(enumerate(whys, 1))


def test_an_empty_workspace_can_be_carried_too(
    store_url: str, other_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    reunite.open(store_url, workspace=fresh_workspace).close()
    folder = exported(store_url, fresh_workspace, tmp_path / "full")
    import_all(other_url, f"{fresh_workspace}-copy", folder)
    assert verified(other_url, f"{fresh_workspace}-copy").is_sound


def _cut(folder: Path) -> None:
    path = folder / "contact.csv"
    path.write_bytes(path.read_bytes()[:-10])


def _change(folder: Path) -> None:
    path = folder / "identifier.csv"
    path.write_bytes(path.read_bytes().replace(b"email", b"phone", 1))


def _take(folder: Path) -> None:
    (folder / "link.csv").unlink()


def _take_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _rewrite(**members: object) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | members))

    return rewrite


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file cut short": (_cut, "contact.csv is not as it was exported"),
    "a file changed": (_change, "identifier.csv is not as it was exported"),
    "a file missing": (_take, "link.csv is missing"),
    "no manifest": (_take_manifest, "has no manifest.json"),
    "another file in its place": (
        lambda folder: (folder / "manifest.json").write_text("[]"),
        "is no manifest of an export",
    ),
    "another format": (_rewrite(format=99), "is of format 99"),
    "another region": (_rewrite(phoneRegion="IN"), "give --phone-region IN"),
    "other digests": (
        _rewrite(digests={"partition": "0", "contacts": "0"}),
        "their digests differ",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_damaged_is_refused_and_nothing_is_written(
    store_url: str, fresh_workspace: str, tmp_path: Path, what: str
) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    ask(source, "default", random.Random(3), 30, 20)
    folder = exported(source, "default", tmp_path / "full")
    damage, says = DAMAGE[what]
    damage(folder)
    with pytest.raises(ImportStopped, match=says):
        import_all(store_url, fresh_workspace, folder)
    assert everything(store_url, fresh_workspace)["journal"] == []


def test_a_workspace_that_has_something_is_not_written_over(
    store_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    ask(store_url, fresh_workspace, random.Random(3), 30, 20)
    before = everything(store_url, fresh_workspace)
    folder = exported(store_url, fresh_workspace, tmp_path / "full")
    with pytest.raises(ImportStopped, match="empty workspace"):
        import_all(store_url, fresh_workspace, folder)
    assert everything(store_url, fresh_workspace) == before


def test_a_phone_region_is_carried_where_the_same_is_given(
    store_url: str, other_url: str, fresh_workspace: str, tmp_path: Path
) -> None:
    with reunite.open(store_url, workspace=fresh_workspace, phone_region="IN") as store:
        store.identify(phone_number="98765 43210")
    with (
        Engine(MEMORY) as engine,
        repositories.snapshot(store_url, workspace=fresh_workspace, phone_region="IN") as snapshot,
    ):
        export_full(engine, snapshot, tmp_path / "full", Progress())
    other = f"{fresh_workspace}-copy"
    import_all(other_url, other, tmp_path / "full", phone_region="IN")
    with reunite.open(other_url, workspace=other, phone_region="IN") as store:
        assert store.identify(phone_number="+91 98765-43210").outcome == "known"


def test_a_folder_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    ask(url, "default", random.Random(3), 30, 20)
    sabotage(url, "default", "drop table demotion")
    with pytest.raises(StoreError):
        exported(url, "default", tmp_path / "full")
    assert [each.name for each in tmp_path.iterdir() if "full" in each.name] == []


def test_a_folder_that_has_something_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    folder = tmp_path / "full"
    folder.mkdir()
    reunite.open(url).close()
    exported(url, "default", folder)
    with pytest.raises(ExportStopped, match="new or empty"):
        exported(url, "default", folder)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportStopped, match="new or empty"):
        exported(url, "default", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "beside", [("--output", "a.csv"), ("--format", "csv"), ("--what", "identities")]
)
def test_nothing_is_said_beside_it_that_would_be_passed_over(
    command: Reunite, shell: Path, beside: tuple[str, str]
) -> None:
    assert command("identify", "--email", "ada@x.co").status == 0
    refused = command("export", *beside, "--full", "all")
    assert refused.status == 2
    assert "--full DIR carries everything" in refused.err
    assert [path.name for path in shell.iterdir() if "db" not in path.name] == []
