"""The bench of imports measures what it says: its table, its processes, its goals."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from bench.importing import __main__ as command
from bench.importing import parts, plot, tables
from bench.importing.goals import judge
from bench.importing.grown import grow
from bench.importing.lab import Lab
from bench.importing.results import FLOOR, Plan, Results, Row, times
from bench.importing.table import Table
from bench.importing.worker import Job, Took, measure
from bench.machine import describe
from bench.postgres import Postgres
from bench.wrk import Unable

import reunite
from oracle import Node, components, nodes_of
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.evidence.digest import Digests
from reunite.errors import InvalidIdentifier
from reunite.identity import Identified
from sabotage import sabotage
from tables import Tables
from workspace_rows import rows as workspace_rows

ROOT = Path(__file__).parent.parent
ROWS = 20_000
MEMORY = 256 << 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "rows.csv"
    Table(ROWS).write(path)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def usable(row: dict[str, str]) -> list[Node]:
    """The identifiers of a row; one that is no good is none."""
    nodes: list[Node] = []
    for pair in ((row["email"], None), (None, row["phoneNumber"])):
        try:
            found = reunite.present(reunite.Policy(), *pair)
        except InvalidIdentifier:
            continue
        nodes += nodes_of(found.email, found.phone)
    return nodes


def test_the_table_has_a_chain_large_clusters_small_ones_pairs_and_singles(path: Path) -> None:
    said = [nodes for row in rows_of(path) if (nodes := usable(row))]
    joined = components(said)
    sizes = Counter(Counter(joined[nodes[0]] for nodes in said).values())
    longest = max(joined.values(), key=len)
    # The chain has one identifier more than rows; nothing is wrong in it.
    assert (len(longest), max(sizes)) == (ROWS // 100 + 1, ROWS // 100)
    assert all(sizes[size] for size in range(1, 19))
    assert sizes[1] > ROWS // 4
    assert sum(ROWS // 150 < size < ROWS // 100 for size in sizes) == 1, "the large cluster"


def test_the_table_is_spelt_in_several_ways_and_a_part_of_it_is_faulty(path: Path) -> None:
    rows = rows_of(path)
    assert len({row["id"] for row in rows}) == len(rows) == ROWS
    seen = {
        "upper case": sum(row["email"].isupper() for row in rows),
        "blanks": sum(row["email"].startswith(" ") for row in rows),
        "brackets": sum("(" in row["phoneNumber"] for row in rows),
        "dots": sum("." in row["phoneNumber"] for row in rows),
        "linked": sum(bool(row["linkedId"]) for row in rows),
    }
    assert min(seen.values()) > ROWS // 20, seen
    faulty = sum(len(usable(row)) < bool(row["email"]) + bool(row["phoneNumber"]) for row in rows)
    deleted = sum(bool(row["deletedAt"]) for row in rows)
    assert 0.02 < faulty / ROWS < 0.04
    assert 0.005 < deleted / ROWS < 0.015


def test_the_same_seed_makes_the_same_table_and_another_one_another(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        Table(1000, seed).write(tmp_path / name)
    one, same, other = ((tmp_path / name).read_bytes() for name in ("one", "same", "other"))
    assert one == same != other


def test_import_and_identify_make_the_same_of_the_same_people(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    Table(2000, is_single=True).write(path)
    for what in ("import", "identify"):
        url = f"sqlite:///{tmp_path / what}.db"
        took = measure(Job(what, str(path), url=url), tmp_path)
        assert (took.contacts, took.identities) == ((0, 2000), (0, 2000))
        assert 0 < took.locked_seconds < took.seconds or what == "identify"
        assert 30 < took.peak_mb < 1000


def test_what_is_added_meets_people_from_all_over_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    held, added = tmp_path / "held.csv", tmp_path / "added.csv"
    Table(1000, is_single=True).write(held)
    Table(5000, first=1000, known=1000).write(added)
    for path in (held, added):
        measure(Job("import", str(path), url=url), tmp_path)
    emails = [row["email"] for row in rows_of(held)]
    with reunite.open(url) as store:
        found = store.recognise_many([reunite.Presented(email, None) for email in emails])
    met = [
        place
        for place, one in enumerate(found)
        if isinstance(one, Identified) and one.secondary_contact_ids
    ]
    assert 40 <= len(met) <= 50
    assert min(met) < 100
    assert max(met) > 900


def grown(path: Path, contacts: int) -> str:
    """The URL of a new store of so many contacts, written at once."""
    url = f"sqlite:///{path}"
    with Engine(MEMORY) as engine, repositories.loading(url) as loading:
        grow(engine, loading, contacts)
        loading.commit()
    return url


def test_a_grown_store_is_as_its_requests_would_leave_it(tmp_path: Path) -> None:
    url, asked = grown(tmp_path / "grown.db", 1000), f"sqlite:///{tmp_path / 'asked.db'}"
    requests = [(contact["email"], contact["phone"]) for contact in Tables.read(url).contacts]
    with reunite.open(asked) as store:
        answers = store.identify_many(requests)
    assert workspace_rows(asked, "default") == workspace_rows(url, "default")
    did = Counter(answer.outcome for answer in answers if isinstance(answer, Identified))
    assert did == {"created": 700, "extended": 300}
    assert sum(phone is None for _, phone in requests) == 100


def test_a_store_that_is_not_sound_is_not_measured(tmp_path: Path) -> None:
    url = grown(tmp_path / "grown.db", 1000)
    sabotage(url, "default", "update contact set identity_id = 1 where id = 2")
    with pytest.raises(Unable, match=r"not sound: contact_in_a_wrong_identity \(1\)"):
        measure(Job("verify", url=url), tmp_path)


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unable, match=r"import failed: .*nowhere\.csv: there is no such file"):
        measure(Job("import", "nowhere.csv", url="sqlite:///never.db"), tmp_path)


def test_a_ratio_compares_neighbours_in_time() -> None:
    def row(*seconds: float) -> Row:
        return Row("SQLite", 1000, [Took(each, 0, 0) for each in seconds])

    # A machine that is ten times slower for a round changes nothing.
    assert times(row(2, 20, 2), row(1, 10, 1)) == 2


def test_the_smallest_run_measures_judges_tells_and_leaves_nothing(
    tmp_path: Path, shared_postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Postgres(shared_postgres_url)
    smallest = Plan(1, 1000, 1000, 10_000, added=1000, few=1000, many=2000)
    results = Results("now", describe(tmp_path, server), smallest)
    lab = Lab(tmp_path, server, smallest, lambda _doing: None)
    for name in command.PARTS:
        setattr(results, name, command.PARTS[name](lab))

    assert [row.what for row in results.empty] == [FLOOR, "SQLite", "PostgreSQL"]
    assert [goal.what.partition(":")[0] for goal in judge(results)] == [
        *("SQLite, 1,000 rows", "PostgreSQL, 1,000 rows"),  # against the floor
        *("SQLite, 1,000 rows", "PostgreSQL, 1,000 rows"),  # memory
        *("SQLite, 1,000 rows", "SQLite, 10,000 rows"),
        *("PostgreSQL, 1,000 rows", "PostgreSQL, 10,000 rows"),
        *("SQLite, 1,000 rows", "PostgreSQL, 1,000 rows"),  # against identify_many
        *("SQLite", "PostgreSQL"),  # ten times the rows
        *("SQLite, 1,000 rows", "PostgreSQL, 1,000 rows"),  # into many contacts
        *(f"{name}, 1,000 contacts of live requests" for name in ("SQLite", "PostgreSQL")),
    ]
    assert [(row.what, row.by) for row in results.whole] == [
        (store, done)
        for store in ("SQLite", "PostgreSQL")
        for done in ("verify", "export --full", "import --full")
    ]
    picture = plot.draw(results)
    assert "SQLite by identify_many, 1,000: " in picture
    assert "PostgreSQL by export --full, 1,000: " in picture
    tables.show(results)
    told = capsys.readouterr().out
    assert "into 2,000 contacts against 1,000" in told
    assert re.search(r"^SQLite +verify +1,000 ", told, re.MULTILINE)
    assert not list(tmp_path.iterdir())
    with psycopg.connect(shared_postgres_url) as connection:
        left = connection.execute("select 1 from pg_database where datname like 'reunite_bench_%'")
        assert not left.fetchall()


def test_stores_that_disagree_are_not_compared() -> None:
    one, other = (Took(1, 1, 1, contacts=(0, 10), identities=(0, n)) for n in (4, 5))
    with pytest.raises(Unable, match="the stores disagree"):
        parts.require_agreement([Row("SQLite", 10, [one]), Row("PostgreSQL", 10, [other])])
    one, other = (Took(1, 1, 1, digests=Digests(partition, "c")) for partition in ("a", "b"))
    with pytest.raises(Unable, match=r"disagree on digests: .*SQLite by verify"):
        parts.require_same_digests(
            [Row("SQLite", 10, [one], by="verify"), Row("PostgreSQL", 10, [other], by="verify")]
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rows", "10"], "at least 1000"),
        (["--folder", "/nowhere"], "/nowhere is no folder"),
        (["--only", "all"], "invalid choice"),
    ],
)
def test_what_means_nothing_is_refused(arguments: list[str], says: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.importing", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode
    assert says in run.stderr
