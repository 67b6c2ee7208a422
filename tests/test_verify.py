"""Verify passes what is sound, names what is not, and digests the same on every store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

import reunite
from audit import Tables
from conftest import OpenStore
from grown import decide, export_all, grow, import_all, verified
from oracle import Node, nodes_of
from reunite.bulk.verifying.findings import LISTED
from sabotage import replace_tree, sabotage
from shell import Reunite

LIVE = "source = 'presented'"
GROWN = 82
"""Positions of the journal before anything was decided."""

BY_HAND = "(select max(position) from reunite.journal where workspace = :w and type = '{}')"
NEWEST = BY_HAND[:-1] + f" and position <= {GROWN})"
IMPORT = NEWEST.format("imported")

BROKEN: dict[str, tuple[str | Sequence[str], str]] = {
    # ── keys ──
    "a contact's e-mail changed": (
        "update reunite.contact set email = 'a\u200da@example.com' where workspace = :w and id = 1",
        "not_in_normal_form",
    ),
    "a contact has what no identifier is": (
        "update reunite.contact set email = 'ada@example.com' where workspace = :w and id = 1",
        "identifier_missing",
    ),
    "an identifier lost": (
        "delete from reunite.identifier where workspace = :w and contact_id = 1",
        "identifier_missing",
    ),
    "an identifier nobody presented": (
        "insert into reunite.identifier values (:w, 'phone', '77', 1, null)",
        "identifier_nobody_presented",
    ),
    "an identifier held by a contact without it": (
        "update reunite.identifier set contact_id = 1001 where workspace = :w and contact_id = 1",
        "identifier_held_by_another",
    ),
    "an identifier held by no contact that there is": (
        "update reunite.identifier set contact_id = 99999 where workspace = :w and contact_id = 1",
        "identifier_held_by_another",
    ),
    # ── identities ──
    "a contact moved to another identity": (
        "update reunite.contact set identity_id = (select max(identity_id) from reunite.contact"
        " where workspace = :w) where workspace = :w and id = 1",
        "contact_in_a_wrong_identity",
    ),
    "a contact cut off from its identity": (
        "update reunite.contact set identity_id = 99999 where workspace = :w and id = 1",
        "evidence_across_identities",
    ),
    "two identities joined by nothing": (
        "update reunite.contact set identity_id = (select max(identity_id) from reunite.contact"
        " where workspace = :w) where workspace = :w and identity_id ="
        " (select min(identity_id) from reunite.contact where workspace = :w)",
        "identities_joined_without_evidence",
    ),
    "an imported link lost": (
        "delete from reunite.link where workspace = :w and source = 'imported' and position = "
        + IMPORT,
        "identities_joined_without_evidence",
    ),
    "an identifier blocked by nobody who recomputed": (
        "update reunite.identifier set blocked_by = " + IMPORT + " where workspace = :w and"
        " contact_id = (select contact_id from reunite.journal where workspace = :w"
        " and position = " + NEWEST.format("extended") + ")",
        "contact_hangs_on_nothing|identities_joined_without_evidence|journal_of_the_wrong_type",
    ),
    # ── journal and evidence ──
    "a journal row lost": (
        "delete from reunite.journal where workspace = :w and position = 3",
        "gap_in_the_journal",
    ),
    "the newest journal row lost": (
        "delete from reunite.journal where workspace = :w and position ="
        " (select max(position) from reunite.journal where workspace = :w)",
        "contact_without_its_position|link_without_its_position",
    ),
    "the import's journal row lost": (
        "delete from reunite.journal where workspace = :w and position = " + IMPORT,
        "not_of_an_import",
    ),
    "time running back": (
        "update reunite.journal set at = (select min(created_at) from reunite.contact"
        " where workspace = :w) where workspace = :w and position = 5",
        "time_running_back",
    ),
    "a contact lost": (
        "delete from reunite.contact where workspace = :w and id = "
        "(select max(contact_id) from reunite.journal where workspace = :w and type = 'created')",
        "position_without_its_contact",
    ),
    "an imported contact lost": (
        "delete from reunite.contact where workspace = :w and id ="
        " (select max(id) from reunite.contact where workspace = :w and source = 'imported')",
        "totals_differ",
    ),
    "a contact of another position": (
        "update reunite.contact set position = 2 where workspace = :w and id = 1",
        "contact_without_its_position",
    ),
    "a presented contact said to be imported": (
        "update reunite.contact set source = 'imported' where workspace = :w and id = 1",
        "contact_without_its_position",
    ),
    "a contact dated otherwise than its position": (
        "update reunite.contact set created_at = (select min(created_at) from reunite.contact"
        " where workspace = :w) where workspace = :w and id = 2",
        "contact_misdated",
    ),
    "a contact with another anchor": (
        "update reunite.contact set anchor = case anchor when 'email' then 'phone' else 'email' end"
        " where workspace = :w and email is not null and phone is not null and id ="
        " (select contact_id from reunite.journal where workspace = :w and position = "
        + NEWEST.format("extended")
        + ")",
        "contact_with_another_anchor",
    ),
    "a presented link lost": (
        "delete from reunite.link where workspace = :w and position = " + NEWEST.format("linked"),
        "position_without_its_link",
    ),
    "a second link at a position": (
        "insert into reunite.link select workspace, a_type, a_key, 'phone', '100', source,"
        " position, at, 0, 0, null from reunite.link where workspace = :w and b_key <> '100' and"
        " position = " + NEWEST.format("linked"),
        "position_without_its_link",
    ),
    "a link with a stranger": (
        "update reunite.link set b_key = '77' where workspace = :w and position = "
        + NEWEST.format("merged"),
        "link_to_a_stranger",
    ),
    "a link of no position": (
        "update reunite.link set position = 99999 where workspace = :w and position = "
        + NEWEST.format("merged"),
        "link_without_its_position",
    ),
    "a link of another time": (
        "update reunite.link set at = (select min(created_at) from reunite.contact"
        " where workspace = :w) where workspace = :w and position = " + NEWEST.format("merged"),
        "link_without_its_position",
    ),
    "a presented link that ties contacts": (
        "update reunite.link set a_contact_id = 1 where workspace = :w and position = "
        + NEWEST.format("merged"),
        "link_of_the_wrong_kind",
    ),
    "a link that ties a contact by what it does not hang on": (
        "update reunite.link set a_contact_id = 1 where workspace = :w and source = 'imported'",
        "link_beside_its_contacts",
    ),
    "a total of contacts": (
        "update reunite.journal set contacts = contacts + 1 where workspace = :w and position = 5",
        "totals_differ",
    ),
    "a total of identities": (
        "update reunite.journal set identities = identities + 1 where workspace = :w"
        " and position = " + IMPORT,
        "totals_differ",
    ),
    "a last id": (
        "update reunite.journal set last_contact_id = last_contact_id + 1 where workspace = :w"
        " and position = (select max(position) from reunite.journal where workspace = :w)",
        "totals_differ",
    ),
    "another primary": (
        "update reunite.journal set primary_id = 99 where workspace = :w and position = 5",
        "journal_names_another_primary",
    ),
    "another demoted contact": (
        "update reunite.journal set demoted_id = 99 where workspace = :w and position = "
        + NEWEST.format("merged"),
        "journal_names_another_demoted",
    ),
    "other contacts in the journal": (
        "update reunite.journal set with_contact_id = 99 where workspace = :w and position = "
        + NEWEST.format("merged"),
        "journal_names_other_contacts",
    ),
    "a merge called a link": (
        "update reunite.journal set type = 'linked', demoted_id = null where workspace = :w"
        " and position = " + NEWEST.format("merged"),
        "journal_of_the_wrong_type",
    ),
    "an extension called a creation": (
        "update reunite.journal set type = 'created', with_contact_id = null where workspace = :w"
        " and position = " + NEWEST.format("extended"),
        "journal_of_the_wrong_type",
    ),
    "a creation called an extension": (
        "update reunite.journal set type = 'extended', with_contact_id = 1 where workspace = :w"
        " and position = 1",
        "journal_of_the_wrong_type",
    ),
    # ── imports ──
    "provenance of another position": (
        "update reunite.provenance set position = 1 where workspace = :w",
        "provenance_without_its_contact",
    ),
    "a tombstone of a position that is no import": (
        "update reunite.tombstone set position = 1 where workspace = :w",
        "not_of_an_import",
    ),
    "a tombstone of a contact": (
        "insert into reunite.tombstone select workspace, id, 1 from reunite.contact"
        " where workspace = :w and id = 1",
        "tombstone_of_a_contact",
    ),
    "a block of a position that is no import": (
        "update reunite.identifier set blocked_by = 1 where workspace = :w"
        " and blocked_by is not null",
        "blocked_otherwise",
    ),
    "a demotion lost": ("delete from reunite.demotion where workspace = :w", "demotions_differ"),
    "a demotion of who was no primary": (
        "insert into reunite.demotion select workspace, 1002, position from reunite.journal"
        " where workspace = :w and position = " + IMPORT,
        "demotions_differ",
    ),
    "a demotion of nobody": (
        "update reunite.demotion set contact_id = 99999 - contact_id where workspace = :w",
        "demotion_of_a_stranger",
    ),
    "a demotion at a request's position": (
        "update reunite.demotion set position = 1 where workspace = :w and position = " + IMPORT,
        "demotion_without_its_position",
    ),
    # ── decisions by hand ──
    "a contact voided by nobody": (
        "update reunite.contact set voided = 80 where workspace = :w and id = 1",
        "voided_otherwise",
    ),
    "a contact voided, and not": (
        "update reunite.contact set voided = null where workspace = :w"
        " and voided is not null and identity_id is not null",
        "voided_otherwise",
    ),
    "a link voided by nobody": (
        "update reunite.link set voided = 99 where workspace = :w and source = 'asserted'",
        "voided_otherwise",
    ),
    "a constraint lifted, and not": (
        "update reunite.identity_constraint set voided = null where workspace = :w",
        "voided_otherwise",
    ),
    "a block lifted, and not": (
        "update reunite.block set voided = null where workspace = :w and key = '70009'",
        "voided_otherwise",
    ),
    "a held request that waits though it is decided": (
        "update reunite.held set voided = null where workspace = :w",
        "voided_otherwise",
    ),
    "an undo undone by nobody": (
        "update reunite.void set voided = position + 1 where workspace = :w and voided is null"
        " and target = 'operation'",
        "voided_otherwise",
    ),
    "voids lost": (
        "delete from reunite.void where workspace = :w and target = 'contact'",
        "position_without_its_decision",
    ),
    "a void of a link that is not there": (
        "update reunite.void set target = 'link' where workspace = :w and target = 'contact'",
        "void_of_a_stranger",
    ),
    "a void by an operation that voids no such thing": (
        "update reunite.void set position = " + BY_HAND.format("asserted") + " where workspace = :w"
        " and target = 'contact' and position ="
        " (select max(position) from reunite.void where workspace = :w and target = 'contact')",
        "void_without_its_position",
    ),
    "an asserted link lost": (
        "delete from reunite.link where workspace = :w and source = 'asserted'",
        "position_without_its_decision",
    ),
    "a constraint of a request": (
        "update reunite.identity_constraint set position = 1 where workspace = :w"
        " and voided is null",
        "constraint_without_its_position",
    ),
    "a constraint between two of one identity": (
        "update reunite.identity_constraint set a_type = 'email', a_key = 'hal@by.hand',"
        " b_type = 'phone', b_key = '70009' where workspace = :w and voided is null and position ="
        + BY_HAND.format("unlinked"),
        "constraint_broken",
    ),
    "a block of a request": (
        "update reunite.block set position = 1 where workspace = :w and key = '70008'",
        "block_without_its_position",
    ),
    "a blocked identifier that is said not to be": (
        "update reunite.identifier set blocked_by = null where workspace = :w and key = '70008'",
        "blocked_otherwise",
    ),
    "a request held for no constraint": (
        "delete from reunite.identity_constraint where workspace = :w and position ="
        " (select constraint_position from reunite.held where workspace = :w and voided is null)",
        "held_for_no_constraint",
    ),
    "a held request that waits twice": (
        "insert into reunite.held (workspace, id, at, last_at, email, phone, reason)"
        " select workspace, id + 100, at, last_at, email, '+' || phone, 'limit' from reunite.held"
        " where workspace = :w and voided is null",
        "held_twice",
    ),
    "a retired contact of what is not undone": (
        "update reunite.contact set identity_id = null where workspace = :w and id = 1",
        "retired_though_it_stands",
    ),
    "a retired contact whose anchor nobody holds": (
        "update reunite.identifier set contact_id = null, blocked_by = 1 where workspace = :w"
        " and key = '70002'",
        "retired_without_a_successor",
    ),
    "a contact that hangs on what is blocked, among others": (
        "update reunite.contact set identity_id = (select min(identity_id) from reunite.contact"
        " where workspace = :w) where workspace = :w and phone = '70008' and email is null",
        "blocked_contact_among_others",
    ),
    "a contact of whom something was decided with another anchor": (
        "update reunite.contact set anchor = 'phone' where workspace = :w"
        " and email = 'eli@by.hand' and phone is not null",
        "contact_with_another_anchor",
    ),
    "a total of contacts of an import that was undone": (
        "update reunite.journal set contacts = contacts + 1 where workspace = :w and position >= "
        + BY_HAND.format("imported"),
        "totals_differ",
    ),
    "an identifier held by a contact that does not answer for it any more": (
        "update reunite.identifier set contact_id = (select id from reunite.contact"
        " where workspace = :w and email = 'ann@by.hand') where workspace = :w and key = '70001'",
        "identifier_held_by_another",
    ),
    "people who were parted joined": (
        "update reunite.contact set identity_id = (select identity_id from reunite.contact"
        " where workspace = :w and email = 'ann@by.hand') where workspace = :w"
        " and (email = 'bob@by.hand' or phone = '70001')",
        "identities_joined_without_evidence",
    ),
    "people who were merged parted": (
        "update reunite.contact set identity_id = id where workspace = :w"
        " and email = 'dad@by.hand'",
        "evidence_across_identities|contact_in_a_wrong_identity",
    ),
    "an identity named by no member": (
        "update reunite.contact set identity_id = 99999 where workspace = :w"
        " and email = 'jay@by.hand'",
        "identity_named_by_no_member",
    ),
    "totals that the last position by hand got wrong": (
        "update reunite.journal set contacts = contacts + 1 where workspace = :w"
        " and position >= " + BY_HAND.format("undone"),
        "totals_differ",
    ),
    "a workspace that says it keeps nobody apart": (
        "update reunite.workspace set has_constraints = {false} where id = :w",
        "workspace_says_otherwise_of_constraints",
    ),
    "a workspace that says it blocks nothing": (
        "update reunite.workspace set has_blocks = {false} where id = :w",
        "workspace_says_otherwise_of_blocks",
    ),
}


FORBIDDEN: dict[str, tuple[str, str]] = {
    "an operation by hand called a request": (
        "update reunite.journal set type = 'created' where workspace = :w and position = "
        + BY_HAND.format("undone"),
        "journal_of_the_wrong_form",
    ),
    "an extension that names a demoted contact": (
        "update reunite.journal set demoted_id = 1 where workspace = :w and position = "
        + NEWEST.format("extended"),
        "journal_of_the_wrong_form",
    ),
    "a presented link to a row": (
        "update reunite.link set b_type = 'row' where workspace = :w and position = "
        + NEWEST.format("linked"),
        "link_of_the_wrong_kind",
    ),
}
"""What the checks of both stores' tables forbid; in SQLite they can be ignored."""


@pytest.fixture(scope="module")
def all_of_it(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of a store that grew and of which some was decided by hand, in a folder."""
    place = tmp_path_factory.mktemp("grown")
    url = f"sqlite:///{place / 'grown.db'}"
    grow(url, "default", 1, place)
    assert verified(url, "default").counts.positions == GROWN
    decide(url, "default", place)
    export_all(url, "default", place / "all")
    return place / "all"


@pytest.fixture
def grown(all_of_it: Path, store_url: str, fresh_workspace: str) -> str:
    """A store that has grown; its URL."""
    import_all(store_url, fresh_workspace, all_of_it)
    return store_url


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_grows_by_requests_and_imports_is_sound(
    store_url: str, fresh_workspace: str, tmp_path: Path, seed: int
) -> None:
    grow(store_url, fresh_workspace, seed, tmp_path)
    verification = verified(store_url, fresh_workspace)
    assert verification.findings == []
    assert verification.counts.blocked == 4
    tables = Tables.read(store_url, fresh_workspace)
    assert {row["type"] for row in tables.journal} == {
        "created",
        "extended",
        "merged",
        "linked",
        "imported",
    }


def test_nothing_changes_where_tables_are_looked_at_in_small_steps(
    grown: str, fresh_workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = verified(grown, fresh_workspace)
    monkeypatch.setattr("reunite.bulk.evidence.tables.STEP", 7)
    assert verified(grown, fresh_workspace) == at_once


def test_an_empty_workspace_is_sound(
    open_store: OpenStore, store_url: str, fresh_workspace: str
) -> None:
    with open_store() as store:
        assert store.totals().contacts == 0
    verification = verified(store_url, fresh_workspace)
    assert verification.is_sound
    assert verification.digests.partition == verification.digests.contacts


@pytest.mark.parametrize("what", BROKEN)
def test_it_names_what_is_broken(
    grown: str, fresh_workspace: str, store_kind: str, what: str
) -> None:
    statements, rules = BROKEN[what]
    statements = [statements] if isinstance(statements, str) else statements
    false = {"sqlite": "0", "postgresql": "false"}[store_kind]
    written = [statement.replace("{false}", false) for statement in statements]
    assert sabotage(grown, fresh_workspace, *written), "nothing was broken"
    found = {finding.rule for finding in verified(grown, fresh_workspace).findings}
    assert found & set(rules.split("|")), found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_it_names_what_no_table_takes(all_of_it: Path, tmp_path: Path, what: str) -> None:
    url = f"sqlite:///{tmp_path / 'reunite.db'}"
    import_all(url, "default", all_of_it)
    statement, rule = FORBIDDEN[what]
    assert sabotage(url, "default", statement)
    assert rule in {finding.rule for finding in verified(url, "default").findings}


WRONG_TREES = {
    "a chain": ("nullif(id - 1, 0)", "link_precedence", "id > 0", "tree_not_flat"),
    "a younger primary": ("id + 1", "link_precedence", "id > 0", "tree_names_another_primary"),
    "a primary that points": ("linked_id", "'primary'", "id > 0", "precedence_wrong"),
    "a contact left out": ("linked_id", "link_precedence", "id <> 2", "tree_beside_contacts"),
}


@pytest.mark.parametrize("what", WRONG_TREES)
def test_it_reads_the_tree_as_users_do(
    store_kind: str, request: pytest.FixtureRequest, tmp_path: Path, what: str
) -> None:
    if store_kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'reunite.db'}"
    else:
        url = str(request.getfixturevalue("postgres_url"))
    with reunite.open(url) as store:
        for number in range(5):
            store.identify(f"ada{number // 2}@example.com", f"12{(number + 1) // 2}")
    assert verified(url, "default").is_sound
    linked_id, precedence, chosen, rule = WRONG_TREES[what]
    replace_tree(
        url,
        f"select workspace, id, phone_number, email, {linked_id} as linked_id,"
        f" {precedence} as link_precedence, created_at, updated_at, deleted_at"
        f" from {{before}} where {chosen}",
    )
    assert rule in {finding.rule for finding in verified(url, "default").findings}


def test_cases_past_the_first_are_counted(grown: str, fresh_workspace: str) -> None:
    sabotage(grown, fresh_workspace, "delete from reunite.identifier where workspace = :w")
    (missing,) = [
        finding
        for finding in verified(grown, fresh_workspace).findings
        if finding.rule == "identifier_missing"
    ]
    assert len(missing.cases) == LISTED < missing.total


@pytest.mark.parametrize("seed", [4, 5])
def test_digests_are_the_same_everywhere_and_what_their_form_says(
    shared_postgres_url: str, fresh_workspace: str, tmp_path: Path, seed: int
) -> None:
    urls = [f"sqlite:///{tmp_path / 'reunite.db'}", shared_postgres_url]
    for url in urls:
        grow(url, fresh_workspace, seed, tmp_path)
    one, other = (verified(url, fresh_workspace) for url in urls)
    assert one == other
    tables = Tables.read(urls[0], fresh_workspace)
    blocked = _blocked(tables)
    groups: dict[int, tuple[set[Node], set[int]]] = {}
    for contact in tables.contacts:
        nodes, ids = groups.setdefault(contact["identity_id"], (set(), set()))
        nodes |= set(nodes_of(contact["email"], contact["phone"])) - blocked
        ids.add(contact["id"])
    assert one.digests.partition == _digest(
        [[f"{type_}\t{key}" for type_, key in sorted(nodes)] for nodes, _ in groups.values()]
    )
    ids_in_order = sorted(sorted(ids) for _, ids in groups.values())
    assert one.digests.contacts == _sha256(
        [[str(id_) for id_ in identity] for identity in ids_in_order]
    )


def test_a_shell_sees_whether_a_store_is_sound(
    command: Reunite,
    open_store: OpenStore,
    store_url: str,
    fresh_workspace: str,
) -> None:
    with open_store() as store:
        store.identify("ada@example.com", "123")
    where = ("--database", store_url, "--workspace", fresh_workspace)
    sound = command("verify", *where)
    assert (sound.status, "sound" in sound.out, sound.err) == (0, True, "")
    sabotage(store_url, fresh_workspace, "delete from reunite.identifier where workspace = :w")
    broken = command("verify", *where)
    assert broken.status == 1
    assert "identifier missing: 2" in broken.out
    assert "contact 1 has ada@example.com, which is no identifier" in broken.out
    data = command("verify", *where, "--json")
    assert data.status == 1
    assert json.loads(data.out)["findings"][0]["rule"] == "identifier_missing"


def test_any_folder_will_do_for_what_is_spilled(
    command: Reunite, open_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "o'b $path"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with reunite.open("sqlite:///reunite.db") as store:
        store.identify("ada@example.com", "123")
    assert command("verify").status == 0
    assert command("export", "--full", "all").status == 0
    assert command("import", "--full", "all", "--database", "sqlite:///other.db").status == 0


def _blocked(tables: Tables) -> set[Node]:
    """What the growing blocked."""
    nodes = {(row["type"], row["key"]) for row in tables.identifiers}
    return {(type_, key) for type_, key in nodes if key.startswith(("999", "nobody"))}


def _digest(identities: Iterable[list[str]]) -> str:
    return _sha256(sorted(identities))


def _sha256(identities: Iterable[list[str]]) -> str:
    lines = [
        ("+" if place == 0 else " ") + name + "\n"
        for identity in identities
        for place, name in enumerate(identity)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
