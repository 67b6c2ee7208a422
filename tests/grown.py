"""Stores that grow by all that can happen to them: requests, imports, blocks, decisions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import reunite
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.exporting.full import export_full, read_full, write_full
from reunite.bulk.importing import Import, Store, run_import
from reunite.bulk.progress import Progress
from reunite.bulk.reading import sources_of
from reunite.bulk.verifying import Verification, verify
from reunite.errors import BlockedIdentifier, ConstraintViolation, IdentityTooLarge
from reunite.evidence import Identifier
from reunite.operations import Decision, Operations

MEMORY = 256 << 20

_HEADER = "id,email,phone,linkedId,createdAt,deletedAt\n"


def ask(url: str, workspace: str, rng: random.Random, requests: int, values: int) -> list[Any]:
    """Send requests over so many e-mails and phones, and return the answers."""
    answers: list[Any] = []
    with reunite.open(url, workspace=workspace) as store:
        for _ in range(requests):
            email, phone = _email(rng, values), _phone(rng, values)
            kept = rng.choice(["both", "both", "email", "phone"])
            try:
                answers.append(
                    store.identify(
                        None if kept == "phone" else email, None if kept == "email" else phone
                    )
                )
            except (BlockedIdentifier, IdentityTooLarge) as refusal:
                answers.append(str(refusal))
    return answers


def adopt(
    url: str, workspace: str, rng: random.Random, first_id: int, values: int, folder: Path
) -> None:
    """Import rows with old and equal dates, linkedIds of all kinds, deleted ones, and blocks."""
    source, block = folder / f"{first_id}.csv", folder / f"{first_id}.block"
    lines = [
        f"{id_},{rng.choice(['', _email(rng, values)])},{_phone(rng, values)},"
        f"{rng.choice(['', '', str(rng.randrange(first_id, first_id + 25))])},"
        f"20{rng.randrange(10, 25)}-01-01T00:00:00Z,{rng.choice(['', '', '', '2025-01-01'])}\n"
        for id_ in range(first_id, first_id + 20)
    ]
    source.write_text(_HEADER + "".join(lines))
    # An import blocks only what the store does not hold yet.
    block.write_text(f"+999{first_id}\nnobody{first_id}@example.com\n")
    run_import(Store(url, workspace), Import(sources_of([str(source)]), block=block), Progress())
    shared = f"+999{first_id}"
    with reunite.open(url, workspace=workspace) as store:
        for email in (_email(rng, values), _email(rng, values), f"new{first_id}@example.com"):
            store.identify(email, shared)


def grow(url: str, workspace: str, seed: int, folder: Path) -> list[Any]:
    """Fill a workspace; the same seed gives the same on every store, and the same answers."""
    rng = random.Random(seed)
    answers = ask(url, workspace, rng, 40, 25)
    adopt(url, workspace, rng, 1000, 40, folder)
    answers += ask(url, workspace, rng, 30, 40)
    adopt(url, workspace, rng, 2000, 60, folder)
    return answers + ask(url, workspace, rng, 40, 60)


def decide(url: str, workspace: str, folder: Path) -> None:
    """Decide by hand in every way there is, about people of whom nothing else is known."""
    with reunite.open(url, workspace=workspace) as store:
        ask, by_hand = store.identify, Operations(store)
        # A recycled phone taken back, and presented again by one of the two.
        one = ask("ann@by.hand", "70001").primary_contact_id
        ask("bob@by.hand", "70001")
        recycled = Identifier("phone", "70001")
        why = 'a "new"\nowner, she says'
        by_hand.unlink(one, identifier=recycled, constrain=False, who="Eve", why=why)
        ask("bob@by.hand", "70001")
        # A pair taken back, had again, and taken back.
        two = ask("cat@by.hand", "70002").primary_contact_id
        pair = Identifier("email", "cat@by.hand"), Identifier("phone", "70002")
        by_hand.undo(_position(by_hand.unlink(two, pair=pair, constrain=False)))
        by_hand.unlink(two, pair=pair)
        # Two merged, parted, and merged again; and a third that stays with them.
        three, four = (ask(f"{name}@by.hand").primary_contact_id for name in ("dan", "dad"))
        undone = by_hand.undo(_position(by_hand.merge(three, four)))
        by_hand.undo(_position(undone))
        by_hand.merge(three, ask("dee@by.hand", "70003").primary_contact_id)
        # What is kept apart is held: one allowed, one dismissed, one left waiting.
        five = ask("eli@by.hand", "70004").primary_contact_id
        six = ask("eva@by.hand", "70005").primary_contact_id
        by_hand.constrain(five, six)
        _refused(store, "eli@by.hand", "70005")
        (held,) = by_hand.held()
        by_hand.allow(held.id)
        ask("fay@by.hand", "70006")
        by_hand.constrain(Identifier("email", "fay@by.hand"), Identifier("email", "gus@by.hand"))
        ask("gus@by.hand", "70007")
        _refused(store, "fay@by.hand", "70007")
        by_hand.dismiss(by_hand.held()[0].id)
        _refused(store, "gus@by.hand", "70006")
        by_hand.constrain(Identifier("email", "x@by.hand"), Identifier("email", "y@by.hand"))
        by_hand.unconstrain(Identifier("email", "x@by.hand"), Identifier("email", "y@by.hand"))
        # A phone of the shop blocked with a contact that has nothing else; another unblocked.
        for phone in ("70008", "70009"):
            ask(None, phone)
            ask("hal@by.hand", phone)
            ask(f"ivy{phone}@by.hand", phone)
            by_hand.block(Identifier("phone", phone))
        by_hand.unblock(Identifier("phone", "70009"))
    _undo_an_import(url, workspace, folder)


def _undo_an_import(url: str, workspace: str, folder: Path) -> None:
    """Some of its contacts are retired, and some stay alone."""
    source = folder / "regretted.csv"
    source.write_text(
        _HEADER + "9001,hal@by.hand,70010,,,\n9002,jay@by.hand,70010,,,\n9003,hal@by.hand,,,,\n"
    )
    run_import(Store(url, workspace), Import(sources_of([str(source)])), Progress())
    with reunite.open(url, workspace=workspace) as store:
        with store.sight() as sight:
            position = sight.head.position
        Operations(store).undo(position)
        store.identify("jay@by.hand", "70010")


def _refused(store: repositories.Store, email: str, phone: str) -> None:
    try:
        store.identify(email, phone)
    except ConstraintViolation:
        return
    raise AssertionError(f"{email} and {phone} were not kept apart")


def _position(decision: Decision) -> int:
    assert decision.position is not None
    return decision.position


def verified(url: str, workspace: str) -> Verification:
    """What verify finds."""
    with (
        Engine(MEMORY) as engine,
        repositories.snapshot(url, workspace=workspace) as snapshot,
    ):
        return verify(engine, snapshot, Progress())


def _email(rng: random.Random, values: int) -> str:
    return f"e{rng.randrange(values)}@example.com"


def _phone(rng: random.Random, values: int) -> str:
    return f"{rng.choice(['', '+'])}{100 + rng.randrange(values)}"


def carry(url: str, workspace: str, other_url: str, other_workspace: str, folder: Path) -> None:
    """Export all of a workspace to a new folder, and import that into an empty one."""
    export_all(url, workspace, folder)
    import_all(other_url, other_workspace, folder)


def export_all(url: str, workspace: str, folder: Path) -> None:
    """Write all of a workspace to a new folder."""
    with Engine(MEMORY) as engine, repositories.snapshot(url, workspace=workspace) as snapshot:
        export_full(engine, snapshot, folder, Progress())


def import_all(url: str, workspace: str, folder: Path, **settings: Any) -> None:
    """Make a workspace of such a folder; the settings are those of `repositories.loading`."""
    with Engine(MEMORY) as engine:
        with repositories.snapshot(url, workspace=workspace, or_empty=True, **settings) as snapshot:
            manifest = read_full(engine, snapshot, folder, Progress())
        with repositories.loading(url, workspace=workspace, **settings) as loading:
            write_full(engine, loading, manifest, Progress())
            loading.commit()
