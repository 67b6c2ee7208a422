"""Stats finds identities whose e-mails bear names with nothing in common, on both stores alike."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path

import pytest

import filled
import grown
from oracle import components
from planted import Writer
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.exporting.doubt import Doubtful
from reunite.bulk.exporting.glue import Glue, glue_of
from reunite.bulk.exporting.statistics import Statistics, statistics_of
from reunite.bulk.importing import Import, run_import
from reunite.bulk.importing import Store as Place
from reunite.bulk.progress import Progress
from reunite.bulk.reading import sources_of
from reunite.evidence import Identifier
from reunite.identity import Identity
from reunite.inquiry import Inquiry
from reunite.operations import Operations
from reunite.repositories import Store
from shell import Reunite

Look = Callable[..., Statistics]

BEN, PHONE = Identifier("email", "ben@x.co"), "15551234567"


@pytest.fixture
def look(store_url: str, fresh_workspace: str) -> Look:
    """Counts the test's workspace."""

    def statistics(limit: int = 1000) -> Statistics:
        with (
            Engine(128 << 20) as engine,
            repositories.snapshot(store_url, workspace=fresh_workspace) as snapshot,
        ):
            return statistics_of(engine, snapshot, Progress(), limit=limit)

    return statistics


@pytest.fixture
def operations(store: Store) -> Operations:
    return Operations(store)


def share(store: Store, names: Sequence[str], phone: str) -> None:
    """Present a phone with e-mails that have these names, at domains of their own."""
    for place, name in enumerate(names):
        store.identify(f"{name}@d{place}x{phone}.example", phone)


# ── what two names have in common ────────────────────────────────────────────────────────────────

ALIKE = [
    ["ada.lovelace", "lovelace"],
    ["ada_l", "ada"],
    ["jsmith", "john.smith"],
    ["johnsmith", "smithj", "smith"],
    ["ann", "ann7"],
    ["ann7", "bo-ann7"],
    ["ann7.8", "ann8"],
    ["ann7", "ann", "ann8"],
    ["smith7", "jsmith", "smith8"],
    ["łucja", "k.łucja"],
    ["ada+shop", "ada+post"],
    # These bear no name.
    ["info", "ada"],
    ["nobody12", "ada"],
    ["a", "ada"],
    ["12345", "ada"],
]

UNLIKE = [
    ["ada", "ben"],
    ["ann7", "ann8"],
    ["ada7", "ben7"],
    ["ada+shop", "ben+shop"],
    ["ada.work", "ben.work"],
    ["ann", "anna"],
    ["smith7", "jsmith8"],
    ["asmith", "bsmith"],
    ["smith7", "asmith8", "bsmith"],
    ["ada", "ada.ben", "cyd"],
]


def test_names_with_something_in_common_are_one(store: Store, look: Look) -> None:
    for number, names in enumerate(ALIKE, start=100):
        share(store, names, str(number))
    assert [each.examples for each in look().doubtful] == []


def test_names_with_nothing_in_common_are_several(store: Store, look: Look) -> None:
    for number, names in enumerate(UNLIKE, start=100):
        share(store, names, str(number))
    found = {each.primary_contact_id: each for each in look().doubtful}
    assert len(found) == len(UNLIKE)
    for names, each in zip(UNLIKE, [found[id_] for id_ in sorted(found)], strict=True):
        assert each.names == 2
        assert each.examples[0].partition("@")[0] == names[0]


def test_the_names_are_those_that_a_plain_comparison_of_all_pairs_finds(
    store: Store, look: Look
) -> None:
    rng = random.Random(5)
    words = ["ada", "anna", "annabel", "bell", "smith", "jsmith", "smithy", "k", "info"]
    due = {}
    for phone in range(100, 160):
        names = [
            ".".join(rng.choices(words, k=rng.randrange(1, 3))) + rng.choice(["", "", "1", "2.1"])
            for _ in range(rng.randrange(2, 6))
        ]
        share(store, names, str(phone))
        due[str(phone)] = len(set(plain_names(names).values()))
    found = {phone_of(each): each.names for each in look().doubtful}
    assert found == {phone: names for phone, names in due.items() if names > 1}


def phone_of(doubtful: Doubtful) -> str:
    """The phone that `share` presented."""
    return doubtful.examples[0].removesuffix(".example").rpartition("x")[2]


def plain_names(emails: Iterable[str]) -> dict[str, object]:
    """What stands for the name of each e-mail that bears one."""
    named = {email: email.partition("@")[0] for email in emails}
    bearing = [email for email, name in named.items() if words_of(name)]
    together = [[("email", email)] for email in bearing]
    for one, other in combinations(bearing, 2):
        if are_alike(named[one], named[other]):
            together.append([("email", one), ("email", other)])
    found = components(together)
    return {email: found["email", email] for email in bearing}


def words_of(name: str) -> set[str]:
    return set(re.findall("[a-z]{2,}", name)) - {"info"}


def are_alike(one: str, other: str) -> bool:
    numbers, others = (set(re.findall("[0-9]+", each)) for each in (one, other))
    return (not numbers or not others or bool(numbers & others)) and any(
        a == b or (min(len(a), len(b)) >= 4 and (ends_in(a, b) or ends_in(b, a)))
        for a in words_of(one)
        for b in words_of(other)
    )


def ends_in(long: str, short: str) -> bool:
    return long.startswith(short) or long.endswith(short)


# ── what glues them together ─────────────────────────────────────────────────────────────────────


def test_the_phone_of_two_people(store: Store, look: Look) -> None:
    store.identify_many([("ada@x.co", "1"), ("ada@x.co", "2"), ("ben@x.co", "2")])
    examples = ["ada@x.co", "ben@x.co"]
    assert look().doubtful == [Doubtful(1, 4, 3, 2, examples, Glue("phone", "2", 1))]


@pytest.mark.parametrize(("junk", "names"), [("nobody@x.co", 2), ("guest@x.co", 3)])
def test_the_junk_that_two_people_gave(store: Store, look: Look, junk: str, names: int) -> None:
    store.identify_many([("ada@x.co", "1"), (junk, "1"), ("ben@x.co", "2"), (junk, "2")])
    (each,) = look().doubtful
    assert (each.names, each.glue) == (names, Glue("email", junk, 1))


def test_a_shops_phone_among_those_that_couples_share(store: Store, look: Look) -> None:
    for number, couple in enumerate([("ada", "ben"), ("cyd", "dan"), ("eve", "fay")], start=1):
        for name in couple:
            store.identify(f"{name}@x.co", f"{number}")
        store.identify(f"{couple[0]}@x.co", "999")
    (each,) = look().doubtful
    assert (each.names, each.glue) == (6, Glue("phone", "999", 2))
    assert len(each.examples) == 5


def test_where_two_phones_join_two_people_no_single_identifier_does(
    store: Store, look: Look
) -> None:
    store.identify_many([(f"{name}@x.co", phone) for name in ("ada", "ben") for phone in "12"])
    (each,) = look().doubtful
    assert each.glue is None


def test_where_somebody_joined_two_people_no_identifier_does(
    store: Store, operations: Operations, look: Look
) -> None:
    store.identify_many([("ada@x.co", "1"), ("ada@x.co", "2"), ("ben@x.co", "3")])
    operations.merge(1, 3)
    (each,) = look().doubtful
    assert (each.names, each.glue) == (2, None)


def test_linked_ids_join_as_well(
    store_url: str, fresh_workspace: str, tmp_path: Path, look: Look
) -> None:
    """Row 2 names row 1, rows 3 and 4 one that is missing; 5 to 7 hang on a phone as well."""
    source = tmp_path / "rows.csv"
    source.write_text(
        "id,email,phone,linkedId\n1,ada@x.co,1,\n2,ben@x.co,2,1\n3,cyd@x.co,3,99\n4,dan@x.co,4,99\n"
        "5,eve@x.co,5,\n6,,6,5\n7,fay@x.co,6,\n"
    )
    place = Place(store_url, fresh_workspace)
    run_import(place, Import(sources_of([str(source)])), Progress())
    glues = {each.primary_contact_id: each.glue for each in look().doubtful}
    assert glues == {1: None, 3: None, 5: Glue("phone", "6", 1)}


def test_of_many_the_identifiers_that_tie_most_are_tried() -> None:
    ties = [(("contact", str(n)), ("phone", str(n % 40))) for n in range(80)]
    ties += [(("contact", str(n)), ("email", f"{n}@x.co")) for n in range(80)]
    ties += [(("contact", f"{n}+"), ("phone", str(n))) for n in range(40)]
    ties += [(("contact", f"{n}+"), ("email", "all@x.co")) for n in range(40)]
    names = {f"{n}@x.co": n for n in range(80)}
    assert glue_of(ties, [], names) == Glue("email", "all@x.co", 2)


PEOPLE = ["ada", "ben", "cyd", "dan", "eve", "ada.ben", "info"]


def test_after_all_that_can_happen_the_glue_is_what_a_block_would_part(
    store_url: str,
    fresh_workspace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    look: Look,
) -> None:
    monkeypatch.setattr(grown, "_email", named_email)
    grown.grow(store_url, fresh_workspace, 6, tmp_path)
    grown.decide(store_url, fresh_workspace, tmp_path)
    doubtful = {each.primary_contact_id: each for each in look().doubtful}
    with repositories.open(store_url, workspace=fresh_workspace) as store:
        blocked = {each.identifier.key for each in Operations(store).blocks()}
        people = people_of(store_url, fresh_workspace)
        named = {one.primary_contact_id: names_of(one, blocked) for one in people}
        several = {id_: len(set(names.values())) for id_, names in named.items()}
        assert {id_: each.names for id_, each in doubtful.items()} == {
            id_: names for id_, names in several.items() if names > 1
        }
        for one in people:
            if (each := doubtful.get(one.primary_contact_id)) is not None:
                names = named[one.primary_contact_id]
                left = names_left(Operations(store), identifiers_of(one, blocked), names)
                parting = {node: most for node, most in left.items() if most < each.names}
                if each.glue is None:
                    assert not parting
                else:
                    glue = Identifier(each.glue.type, each.glue.value)
                    assert parting[glue] == min(parting.values()) == each.glue.names_without


def named_email(rng: random.Random, values: int) -> str:
    number = rng.randrange(values)
    return f"{PEOPLE[number % len(PEOPLE)]}@d{number}.example"


def people_of(url: str, workspace: str) -> list[Identity]:
    """Everybody, as they are answered."""
    with repositories.snapshot(url, workspace=workspace) as snapshot:
        rows = filled.tree(snapshot)
    primaries = [int(str(row[0])) for row in rows if row[3] is None]
    with repositories.open(url, workspace=workspace) as store:
        return [Inquiry(store).identity(id_) for id_ in primaries]


def names_of(identity: Identity, blocked: set[str]) -> dict[str, object]:
    return plain_names(email for email in identity.emails if email not in blocked)


def names_left(
    operations: Operations, identifiers: Sequence[Identifier], names: dict[str, object]
) -> dict[Identifier, int]:
    """The most names that stay together if one is blocked, of those that leave several named."""
    found = {}
    for each in identifiers:
        pieces = [
            {names[email] for email in piece.emails if email in names and email != each.key}
            for piece in operations.block(each, dry_run=True).identities
        ]
        if len([piece for piece in pieces if piece]) > 1:
            found[each] = max(map(len, pieces))
    return found


def identifiers_of(identity: Identity, blocked: set[str]) -> list[Identifier]:
    emails = [Identifier("email", email) for email in identity.emails]
    phones = [Identifier("phone", phone.removeprefix("+")) for phone in identity.phone_numbers]
    return [each for each in emails + phones if each.key not in blocked]


# ── what counts ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shared(store: Store) -> int:
    """A phone that two people gave; the number of a contact."""
    store.identify_many([("ada@x.co", PHONE), ("ben@x.co", PHONE), ("ben@x.co", "1")])
    return 2


def test_what_is_unlinked_is_not_doubtful_until_that_is_undone(
    operations: Operations, shared: int, look: Look
) -> None:
    before = look().doubtful
    assert [each.glue for each in before] == [Glue("phone", PHONE, 1)]
    unlinked = operations.unlink(shared, pair=(BEN, Identifier("phone", PHONE)))
    assert (look().doubtful, look().number_of_doubtful) == ([], 0)
    assert unlinked.position is not None
    operations.undo(unlinked.position)
    assert look().doubtful == before


def test_a_pair_that_is_voided_glues_nothing(
    store: Store, operations: Operations, shared: int, look: Look
) -> None:
    operations.unlink(shared, pair=(BEN, Identifier("phone", PHONE)), constrain=False)
    store.identify_many([("ada@x.co", "7"), ("ben@x.co", "7")])
    assert [each.glue for each in look().doubtful] == [Glue("phone", "7", 1)]
    store.identify("ben@x.co", PHONE)
    assert [each.glue for each in look().doubtful] == [None]


@pytest.mark.parametrize("blocked", [Identifier("phone", PHONE), BEN])
def test_what_is_blocked_neither_joins_nor_bears_a_name(
    operations: Operations, shared: int, look: Look, blocked: Identifier
) -> None:
    assert look().number_of_doubtful == 1
    operations.block(blocked)
    assert look().number_of_doubtful == 0


def test_a_damaged_store_is_counted_all_the_same(
    store: Store, store_url: str, fresh_workspace: str, shared: int, look: Look
) -> None:
    store.identify("eve@x.co", "9")
    with Writer(store_url, fresh_workspace) as writer:
        damage = "update identifier set contact_id = ? where key = 'eve@x.co' and workspace = {}"
        writer.run(damage, [shared])
    (each,) = look().doubtful
    assert (each.names, each.examples) == (3, ["ada@x.co", "ben@x.co"])


# ── what is told ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three(store: Store, store_url: str, fresh_workspace: str) -> tuple[str, ...]:
    """Three doubtful identities, of two, three and four names; where they are."""
    people = ["ada", "ben", "cyd", "dan"]
    for phone, number in (("12", 2), ("13", 3), ("14", 4)):
        share(store, people[:number], phone)
    return "--database", store_url, "--workspace", fresh_workspace


def test_those_with_most_names_come_first(command: Reunite, three: tuple[str, ...]) -> None:
    data = command("stats", "--json", *three).data
    assert [each["names"] for each in data["doubtful"]] == [4, 3, 2]
    assert data["numberOfDoubtful"] == 3
    assert data["doubtful"][2] == {
        "primaryContactId": 1,
        "identifiers": 3,
        "contacts": 2,
        "names": 2,
        "examples": ["ada@d0x12.example", "ben@d1x12.example"],
        "glue": {"type": "phone", "value": "12", "namesWithout": 1},
    }


def test_all_are_counted_however_few_are_listed(command: Reunite, three: tuple[str, ...]) -> None:
    data = command("stats", "--json", "--top", "1", *three).data
    assert [each["names"] for each in data["doubtful"]] == [4]
    assert data["numberOfDoubtful"] == 3
    assert len(data["largest"]) == len(data["busiest"]) == 1


def test_it_shows_them(command: Reunite, three: tuple[str, ...], store: Store) -> None:
    store.identify_many([(f"{name}@x.co", phone) for name in ("ada", "ben") for phone in "12"])
    out = command("stats", *three).out
    assert "names with nothing in common; 4 in all" in " ".join(out.split())
    assert "ada@d0x12.example" in out
    assert "no single one" in out
