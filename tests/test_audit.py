"""The audit passes a sound store and sees each way of breaking one."""

from __future__ import annotations

import random
from pathlib import Path

import apsw
import pytest

import reunite
from audit import Tables, faults
from conftest import OpenStore
from faulty import random_requests

SABOTAGE = {
    "a contact moved out of its identity": (
        "update contact set identity_id = 999 where id = 2",
        "only identity_id puts the contacts [2] together",
    ),
    "an identifier lost": ("delete from identifier where key = '10'", "identifier says None"),
    "an identifier held by another": (
        "update identifier set contact_id = 99 where key = '10'",
        "identifier says 99",
    ),
    "an identifier nobody presented": (
        "insert into identifier values (1, 'phone', '77', 1, null)",
        "presented first by contact None",
    ),
    "a contact lost": ("delete from contact where id = 4", "ids have gaps"),
    "a journal row lost": ("delete from journal where position = 3", "positions have gaps"),
    "the newest journal row lost": (
        "delete from journal where position = (select max(position) from journal)",
        "disagree on which position",
    ),
    "a link lost": (
        "delete from link where position = (select max(position) from link)",
        "which position left which link",
    ),
    "a link with a stranger": (
        "update link set b_key = '77' where position = (select min(position) from link)",
        "names what nobody presented",
    ),
    "a wrong total of contacts": (
        "update journal set contacts = contacts + 1 where position = 5",
        "keeps the totals",
    ),
    "a wrong total of identities": (
        "update journal set identities = identities + 1 where position = 5",
        "keeps the totals",
    ),
    "a wrong last id": (
        "update journal set last_contact_id = 99 where position = 5",
        "keeps the totals",
    ),
    "a wrong primary": ("update journal set primary_id = 99 where position = 5", "the primary is"),
    "a wrong demotion": (
        "update journal set demoted_id = 99 where type = 'merged'",
        "was demoted, it says 99",
    ),
    "time running back": ("update journal set at = at - 9e9 where position = 5", "dated before"),
}


def filled(store: reunite.Repository, seed: int = 1) -> None:
    for request in random_requests(random.Random(seed), 60, emails=8, phones=8):
        store.identify(*request)


def test_a_sound_store_has_no_faults(
    open_store: OpenStore, store_url: str, fresh_workspace: str
) -> None:
    filled(open_store())
    tables = Tables.read(store_url, fresh_workspace)
    assert len(tables.contacts) > 10
    assert {row["type"] for row in tables.journal} == {"created", "extended", "merged", "linked"}
    assert faults(tables) == []


@pytest.mark.parametrize("what", SABOTAGE)
def test_a_broken_store_is_seen(what: str, tmp_path: Path) -> None:
    statement, symptom = SABOTAGE[what]
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    with reunite.open(url) as store:
        filled(store)
    connection = apsw.Connection(str(tmp_path / "reunite.db"))
    connection.pragma("ignore_check_constraints", True)
    connection.execute(statement)
    changes = connection.changes()
    connection.close()
    assert changes > 0
    assert any(symptom in fault for fault in faults(Tables.read(url)))
