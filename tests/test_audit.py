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
from planted import Past, Plan, plant

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


SABOTAGE_OF_IMPORTS = {
    "a blocked identifier that may link again": (
        "update identifier set blocked_by = null, contact_id = 1 where key = '000'",
        "puts the contacts",
    ),
    "a block of no import": (
        "update identifier set blocked_by = 1 where key = '000'",
        "is of no import",
    ),
    "a block of what was known": (
        "update identifier set contact_id = 1 where key = '000'",
        "is of no import",
    ),
    "a block after what it blocks": (
        "update identifier set blocked_by = (select max(position) from journal where type ="
        " 'imported') where key = '000'",
        "brought what was blocked only later",
    ),
    "a workspace that looks for no block": (
        "update workspace set has_blocks = 0",
        "whether it blocks anything",
    ),
    "a contact that hangs on nothing": (
        "update contact set email = null, anchor = 'phone' where phone = '000'",
        "holds nothing but what is blocked",
    ),
    "a contact that hangs on its other value": (
        "update contact set anchor = 'phone' where id = 501",
        "hangs on its email, it says phone",
    ),
    "an imported contact that says it was presented": (
        "update contact set source = 'presented' where id = 501",
        "disagree on which position made which contact",
    ),
    "a presented contact that says it was imported": (
        "update contact set source = 'imported' where id = 1",
        "is no import",
    ),
    "an imported contact of another import": (
        "update contact set position = 1 where id = 503",
        "is no import",
    ),
    "an imported contact made younger": (
        "update contact set created_at = created_at + 9e15 where id = 501",
        "the primary is",
    ),
    "an imported contact given another value": (
        "update contact set email = 'stranger@x.co' where id = 501",
        "identifier says None",
    ),
    "an imported link lost": (
        "delete from link where source = 'imported' and b_type <> 'row'",
        "only identity_id puts the contacts",
    ),
    "an imported link to a silent row lost": (
        "delete from link where b_type = 'row' and a_contact_id = 504",
        "only identity_id puts the contacts",
    ),
    "an imported link between others": (
        "update link set a_contact_id = 502 where source = 'imported' and b_type <> 'row'",
        "does not tie contact 502",
    ),
    "a silent row of another import": (
        "update link set b_key = '1:599' where b_type = 'row'",
        "does not tie",
    ),
    "an imported link that says it was presented": (
        "update link set source = 'presented' where source = 'imported' and b_type <> 'row'",
        "which position left which link",
    ),
    "a presented link between others": (
        "update journal set with_contact_id = 502 where type = 'linked'",
        "is between contacts",
    ),
    "an import lost": (
        "update journal set type = 'linked' where type = 'imported'",
        "is no import",
    ),
    "a wrong total of an import": (
        "update journal set contacts = contacts + 1 where type = 'imported'",
        "keeps the totals",
    ),
    "a wrong number of identities after an import": (
        "update journal set identities = identities - 1 where type = 'imported'",
        "keeps the totals",
    ),
    "an import that forgets the ids it saw": (
        "update journal set last_contact_id = 60 where type = 'imported'",
        "was seen",
    ),
    "an id that leaves out others": (
        "update contact set id = 800 where id = 701",
        "ids have gaps",
    ),
    "a tombstone of someone who is there": (
        "insert into tombstone values (1, 501, (select min(position) from journal where type ="
        " 'imported'))",
        "has a tombstone",
    ),
    "a tombstone of no import": ("update tombstone set position = 1", "is no import"),
    "a demotion lost": ("delete from demotion", "were demoted"),
    "a demotion too many": (
        "insert into demotion values (1, 501, (select max(position) from journal where type ="
        " 'imported'))",
        "were demoted",
    ),
    "provenance of another import": (
        "insert into provenance values (1, 501, 1, null, '7')",
        "the provenance of 501",
    ),
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


def filled_with_imports(store: reunite.Repository, url: str, workspace: str) -> None:
    """Strangers, an import that joins and blocks, live traffic, and another import."""
    filled(store)
    tables = Tables.read(url, workspace)
    one, *_, other = (row for row in tables.contacts if row["email"])
    rows = [
        Past(501, 10, "a@x.co", "1234"),
        Past(502, 20, "b@x.co", "000"),
        Past(503, 30, "c@x.co"),
        Past(504, 40, "d@x.co", "1234"),
        Past(505, 50, one["email"], "4321"),
        Past(506, 60, other["email"], "4321"),
    ]
    links = [(501, 503), (504, 599), (502, 599)]
    plant(url, workspace, Plan(rows, links, [("phone", "000")], tombstones=[599]))
    store.identify("b@x.co", "000")
    store.identify("e@x.co", "000")
    store.identify("e@x.co", "777")
    store.identify("a@x.co", "000")
    plant(url, workspace, Plan([Past(700, 5, "f@x.co", "000")], blocked=[("email", "shop@x.co")]))
    store.identify("f@x.co", "888")


def test_a_sound_store_with_imports_and_blocks_has_no_faults(
    open_store: OpenStore, store_url: str, fresh_workspace: str
) -> None:
    filled_with_imports(open_store(), store_url, fresh_workspace)
    tables = Tables.read(store_url, fresh_workspace)
    assert tables.has_blocks
    assert tables.demotions
    assert {link["b_type"] for link in tables.links} == {"email", "phone", "row"}
    assert faults(tables) == []


@pytest.mark.parametrize("what", SABOTAGE)
def test_a_broken_store_is_seen(what: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    with reunite.open(url) as store:
        filled(store)
    require_seen(tmp_path / "reunite.db", *SABOTAGE[what])


@pytest.mark.parametrize("what", SABOTAGE_OF_IMPORTS)
def test_a_broken_store_with_imports_is_seen(what: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    with reunite.open(url) as store:
        filled_with_imports(store, url, "default")
    require_seen(tmp_path / "reunite.db", *SABOTAGE_OF_IMPORTS[what])


def require_seen(path: Path, statement: str, symptom: str) -> None:
    """Break a store in one way, and find that among its faults."""
    connection = apsw.Connection(str(path))
    connection.pragma("ignore_check_constraints", True)
    connection.execute(statement)
    changes = connection.changes()
    connection.close()
    assert changes > 0
    found = faults(Tables.read(f"sqlite:///{path}"))
    assert any(symptom in fault for fault in found), found
