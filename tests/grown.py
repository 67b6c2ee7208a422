"""Stores that grow at random by all that can happen to them: requests, imports, blocks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import reunite
from reunite.bulk.engine import Engine
from reunite.bulk.importing import Import, Store, run_import
from reunite.bulk.progress import Progress
from reunite.bulk.reading import sources_of
from reunite.bulk.verifying import Verification, verify
from reunite.errors import BlockedIdentifier, IdentityTooLarge

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


def verified(url: str, workspace: str) -> Verification:
    """What verify finds."""
    with (
        Engine(MEMORY) as engine,
        reunite.repositories.snapshot(url, workspace=workspace) as snapshot,
    ):
        return verify(engine, snapshot, Progress())


def _email(rng: random.Random, values: int) -> str:
    return f"e{rng.randrange(values)}@example.com"


def _phone(rng: random.Random, values: int) -> str:
    return f"{rng.choice(['', '+'])}{100 + rng.randrange(values)}"
