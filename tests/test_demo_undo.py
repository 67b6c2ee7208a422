"""`make undo`: the wrong merges of a table are found and undone; and it sees what went wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from demo.adopt.checks import Check
from demo.adopt.partition import Shown
from demo.undo import __main__ as undo
from demo.undo.people import Planted, compare_people, people_joined, read_planted
from demo.undo.repair import Repair
from demo.undo.stores import Refused, Stores
from demo.undo.support import Agent, Case, Decision, Doubt, Identifier, doubts_of

import reunite
from reunite.operations import SHOWN, Operations
from reunite.repositories import Store
from serving import Served, serve
from shell import Reunite

ROOT = Path(__file__).parent.parent


def test_both_stores_are_rid_of_all_wrong_merges(postgres_url: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    command = [sys.executable, "-m", "demo.undo", "--postgres", postgres_url]
    command += ["--rows", "2000", "--work", str(work), "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    found = json.loads(ended.stdout)

    assert found["ok"]
    assert (found["planted"], found["found"]) == (50, 50)
    assert (found["missed"], found["falseAlarms"]) == ([], [])
    assert found["doubtful"] == [50, 0]
    assert found["decided"] == {"unlink email and phone": 34, "block email": 16}
    assert len({json.dumps(said["digests"]) for said in found["verified"].values()}) == 1
    pages = [Path(path) for path in found["pictures"]]
    assert [path.stem for path in pages] == [
        *("block-before", "block-after-1", "block-after-2"),
        *("unlink-before", "unlink-after-1", "unlink-after-2"),
    ]
    assert all(path.is_relative_to(work) and path.stat().st_size > 1000 for path in pages)


# ── what the agent decides ───────────────────────────────────────────────────────────────────────

ADA, BEN, ONE, TWO = (
    *(Identifier("email", f"{name}@x.co") for name in ("ada", "ben")),
    *(Identifier("phone", digit) for digit in "12"),
)
Presented = Sequence[tuple[str, str]]


class Desk:
    """An agent and a store of which stats lists what is doubtful."""

    def __init__(self, command: Reunite, database: str) -> None:
        self._command = command
        self._database = database

    def work(self, presented: Presented) -> list[Case]:
        """Present pairs to an empty store, and let the agent work on what then is doubtful."""
        with reunite.open(self._database) as store:
            store.identify_many(list(presented))
            with serve(store) as served:
                return self._work(served)

    def doubts(self) -> list[Doubt]:
        return doubts_of(self._command("stats", "--json", "--database", self._database).data)

    def _work(self, served: Served) -> list[Case]:
        with closing(Stores({"one": served.port})) as stores:
            agent = Agent(stores, lambda *_: None)
            return [agent.work_on(doubt) for doubt in self.doubts()]


@pytest.fixture
def desk(command: Reunite, tmp_path: Path) -> Desk:
    return Desk(command, f"sqlite:///{tmp_path / 'reunite.db'}")


@pytest.mark.parametrize(
    ("presented", "decided"),
    [
        ([("ada@x.co", "1"), ("ben@x.co", "1"), ("ben@x.co", "2")], ("unlink", (BEN, ONE))),
        ([("ada@x.co", "2"), ("ada@x.co", "+1"), ("ben@x.co", "1")], ("unlink", (ADA, ONE))),
        ([("ada@x.co", "1"), ("ben@x.co", "1")], ("unlink", (ONE,))),
        (
            [("ada@x.co", "1"), ("ben@x.co", "1"), ("ben@x.co", "2"), ("ada@x.co", "3")],
            ("unlink", (ONE,)),
        ),
        (
            [("ada@x.co", "1"), ("guest@x.co", "1"), ("guest@x.co", "2"), ("ben@x.co", "2")],
            ("block", (Identifier("email", "guest@x.co"),)),
        ),
    ],
)
def test_a_wrong_merge_is_undone_by_what_stands_between_the_two(
    desk: Desk, presented: Presented, decided: tuple[str, tuple[Identifier, ...]]
) -> None:
    (case,) = desk.work(presented)
    assert case.decision is not None
    assert (case.decision.what, case.decision.identifiers) == decided
    assert case.told_after is not None
    assert case.told_after[0].startswith("nothing joins")
    assert len(case.contact_ids) >= 2
    assert desk.doubts() == []


@pytest.mark.parametrize(
    "presented",
    [
        # Two numbers join them.
        [("ada@x.co", "1"), ("ben@x.co", "1"), ("ada@x.co", "2"), ("ben@x.co", "2")],
        # Ada has the number by two e-mails.
        [(f"ada@{domain}.co", phone) for domain in "xy" for phone in "21"] + [("ben@x.co", "1")],
    ],
)
def test_what_is_not_clear_is_left_as_it_is(desk: Desk, presented: Presented) -> None:
    (case,) = desk.work(presented)
    assert (case.decision, case.told_after, case.contact_ids) == (None, None, ())
    assert desk.doubts() == [case.doubt]


GUEST, FAY = (Identifier("email", f"{name}@x.co") for name in ("guest", "fay"))
CROWD: Presented = [
    # More people than an answer shows, all older than the two, hang on the glue alone.
    *(("guest@x.co", f"9{number:03}") for number in range(SHOWN + 10)),
    *(("ada@x.co", "1"), ("guest@x.co", "1"), ("guest@x.co", "2"), ("ben@x.co", "2")),
    # Ada and Ben are joined by a longer way, too.
    *(("ada@x.co", "3"), ("cy@x.co", "3"), ("cy@x.co", "4"), ("dee@x.co", "4")),
    *(("dee@x.co", "5"), ("ben@x.co", "5")),
    *(("fay@x.co", "6"), ("guest@x.co", "6")),
]


@pytest.mark.parametrize(
    ("emails", "parted", "operations"),
    [
        ((ADA, BEN), None, ["blocked", "undone"]),
        ((ADA, BEN, FAY), FAY, ["blocked", "undone", "blocked"]),
    ],
)
def test_what_parts_nobody_is_undone_though_so_many_are_parted_that_the_answer_hides_it(
    store: Store,
    emails: tuple[Identifier, ...],
    parted: Identifier | None,
    operations: list[str],
) -> None:
    store.identify_many(list(CROWD))
    with serve(store) as served, closing(Stores({"one": served.port})) as stores:
        case = Agent(stores, lambda *_: None).work_on(Doubt(1, emails, GUEST))
        with store.sight() as sight:
            entries = sight.entries(range(len(CROWD) + 1, sight.head.position + 1))
    assert (case.decision and case.other) == parted
    assert case.told_after is None or case.told_after[0].startswith("nothing joins")
    assert [entry.type for entry in entries] == operations


# ── what it sees ─────────────────────────────────────────────────────────────────────────────────

PLANTED = Planted(
    person_of={1: 7, 2: 8, 3: 8, 4: 9},
    presented={1: ["ada@x.co", "1"], 2: ["ben@x.co", "1"], 3: ["ben@x.co", "2"], 4: ["cy@x.co"]},
    wrong_merges={(7, 8)},
)
PLANTED.owners.update({"ada@x.co": {7}, "1": {7}, "ben@x.co": {8}, "2": {8}, "cy@x.co": {9}})
RIGHT = [
    Shown(1, 1, ["ada@x.co", "1"]),
    Shown(2, 2, ["ben@x.co"]),
    Shown(3, 2, ["ben@x.co", "2"]),
    Shown(4, 4, ["cy@x.co"]),
]


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        (RIGHT, []),
        # Contact 2 hangs on the phone, which is person 7's.
        ([RIGHT[0], Shown(2, 1, ["1"]), RIGHT[2]._replace(primary=3), RIGHT[3]], []),
        (RIGHT[:3], ["of all rows that can be taken"]),
        ([*RIGHT[:3], RIGHT[3]._replace(primary=2)], ["of each identity"]),
        ([*RIGHT[:2], RIGHT[2]._replace(primary=3), RIGHT[3]], ["of each identity"]),
        ([each._replace(primary=1) for each in RIGHT], ["of each identity"]),
        (
            [RIGHT[0], Shown(2, 2, ["ben@x.co", "1"]), *RIGHT[2:]],
            ["whose each identifier is"],
        ),
    ],
)
def test_identities_that_are_not_the_people_are_seen(shown: list[Shown], wrong: list[str]) -> None:
    checks = list(compare_people("one", shown, PLANTED, set()))
    found = [check.what for check in checks if not check.is_ok]
    assert len(found) == len(wrong)
    assert all(part in what for part, what in zip(wrong, found, strict=True))


def test_what_is_blocked_is_nobodys() -> None:
    planted = Planted({1: 7, 2: 8}, {1: ["j@x.co", "1"], 2: ["j@x.co", "2"]})
    planted.owners.update({"j@x.co": {7, 8}, "1": {7}, "2": {8}})
    shown = [Shown(1, 1, ["j@x.co", "1"]), Shown(2, 2, ["j@x.co", "2"])]
    for blocked, is_ok in (({"j@x.co"}, True), (set(), False)):
        assert all(check.is_ok for check in compare_people("one", shown, planted, blocked)) is is_ok


def test_the_people_of_a_table_own_what_they_did_not_borrow(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,person\n1,7\n2,5\n")
    (tmp_path / "contacts.csv").write_text(
        "id,email,phoneNumber\n1,A@x.co,+1\n2,b@x.co,1\n3,c@x.co,3\n"
    )
    (tmp_path / "wrong_merges.csv").write_text("person,with_person,identifier\n7,5,1\n")
    planted = read_planted(tmp_path)
    assert planted.presented == {1: ["a@x.co", "1"], 2: ["b@x.co", "1"]}
    assert planted.owners == {"a@x.co": {7}, "1": {7}, "b@x.co": {5}}
    assert planted.wrong_merges == {(5, 7)}
    assert people_joined(planted, [("a@x.co", "b@x.co")]) == {(5, 7)}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Store, Store, Stores]]:
    """Two empty stores, and both asked over HTTP."""
    with (
        reunite.open(f"sqlite:///{tmp_path / 'one.db'}") as one,
        reunite.open(f"sqlite:///{tmp_path / 'other.db'}") as other,
        serve(one) as first,
        serve(other) as second,
        closing(Stores({"one": first.port, "other": second.port})) as stores,
    ):
        yield one, other, stores


BOTH = {"a": ADA.named, "b": BEN.named}


def test_stores_that_answer_differently_are_seen(two: tuple[Store, Store, Stores]) -> None:
    one, other, stores = two
    for store in (one, other):
        store.identify_many([("ada@x.co", "1"), ("ben@x.co", "1")])
    assert stores.post("/explain", BOTH)["joined"]
    assert stores.check.is_ok, "that each has times of its own is no difference"
    Operations(other).block(reunite.evidence.Identifier("phone", "1"))
    stores.post("/explain", BOTH)
    assert stores.check.wrong == 1


@pytest.mark.parametrize(
    ("phones", "other_phones", "wrong"),
    [("11", "11", 0), ("11", "22", 1), ("11", "12", 1), ("12", "11", 1)],
)
def test_refusals_are_compared_before_they_are_told(
    two: tuple[Store, Store, Stores], phones: str, other_phones: str, wrong: int
) -> None:
    one, other, stores = two
    for store, its_phones in ((one, phones), (other, other_phones)):
        store.identify_many(list(zip(("ada@x.co", "ben@x.co"), its_phones, strict=True)))
    with pytest.raises(Refused, match="POST /constraints was answered 409"):
        stores.post("/constraints", BOTH)
    assert (stores.check.compared, stores.check.wrong) == (1, wrong)


def repaired(*, is_ok: bool) -> Repair:
    """A repair of one case, in which one thing was compared."""
    check = Check("one thing")
    check.compare("it", is_ok, True)
    said = {"reading": {"rows": 2}, "effect": {"identities": {"before": 0, "after": 1}}}
    verified: dict[str, Any] = {"counts": {"contacts": 2, "identities": 2}}
    verified["digests"] = {"partition": "12", "contacts": "34"}
    both = ADA, BEN
    done = Case(
        Doubt(1, both, ONE),
        *both,
        ["once"],
        Decision("unlink", (ONE,), "a reason"),
        ["now"],
        (1, 2),
    )
    steps = ("import into one", "stats one, 1", "verify one")
    return Repair(
        seconds=dict.fromkeys(steps, 1.0),
        imported={"one": said},
        doubtful=[2, 1],
        cases=[done, Case(Doubt(3, both, None), *both, ["both"])],
        verified={"one": verified},
        planted={(1, 2), (3, 4)},
        parted={(1, 2), (5, 6)},
        checks=[check],
    )


@pytest.mark.parametrize("is_ok", [True, False])
def test_it_ends_with_status_1_where_anything_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_ok: bool
) -> None:
    monkeypatch.setattr(undo, "repair", lambda *_: repaired(is_ok=is_ok))
    status = 0
    try:
        undo.main(2000, 1, None, None, json=True)
    except typer.Exit as ended:
        status = ended.exit_code
    assert status == (0 if is_ok else 1)
    assert json.loads(capsys.readouterr().out)["ok"] is is_ok


def test_the_report_tells_what_was_done_and_what_was_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(undo, "repair", lambda *_: repaired(is_ok=True))
    undo.main(2000, 1, None, None, json=False)
    printed = capsys.readouterr().out
    assert "which stats calls 2 doubtful; after the agent was at work, 1." in printed
    assert "unlink 1: a reason" in printed
    assert printed.count("left to somebody who knows more") == 2
    counted = [line.split() for line in printed.splitlines()]
    assert ["missed", "1"] in counted
    assert ["false", "alarms", "1"] in counted
    assert "OK: everything is as it must be." in printed
    assert printed.isascii()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ended:
        undo.main(2000, 1, tmp_path, None, json=True)
    assert ended.value.exit_code == 2
