"""What is in a workspace: how much, how large the identities are, what they hang on."""

from __future__ import annotations

from typing import Any

import msgspec

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.tables import bring_table
from reunite.bulk.exporting.doubt import Doubtful, doubtful_of
from reunite.bulk.progress import Progress
from reunite.repositories import queries
from reunite.repositories.bulk import Snapshot

QUERIES = queries.load("reunite.bulk.exporting", "statistics.sql")


class Step(msgspec.Struct, frozen=True):
    """Identities of a size from ``from_`` to ``to`` identifiers, and the contacts in them."""

    from_: int = msgspec.field(name="from")
    to: int
    identities: int
    contacts: int


class Large(msgspec.Struct, frozen=True, rename="camel"):
    """An identity; ``example`` is the e-mail or phone of its primary contact."""

    primary_contact_id: int
    identifiers: int
    contacts: int
    example: str


class Busy(msgspec.Struct, frozen=True):
    """An identifier that many contacts hold.

    ``others`` are the distinct identifiers of the other type that came with it: of a phone, how
    many e-mails it joins.
    """

    type: str
    value: str
    contacts: int
    others: int
    blocked: bool


class Statistics(msgspec.Struct, frozen=True, rename="camel"):
    """Of a workspace; sizes count distinct identifiers that are not blocked."""

    contacts: int
    identities: int
    emails: int
    phones: int
    blocked: int
    links: int
    identity_limit: int
    sizes: list[Step]
    largest: list[Large]
    busiest: list[Busy]
    doubtful: list[Doubtful]
    number_of_doubtful: int


def statistics_of(
    engine: Engine, snapshot: Snapshot, progress: Progress, *, limit: int
) -> Statistics:
    """Count a workspace; lists have so many at most. Raises `StoreError` where the store fails."""
    bring_table(engine, snapshot, "contact", progress)
    if engine.count("contact where voided is not null or identity_id is null"):
        engine.connection.execute(QUERIES["answer_for_what_stands"])
    bring_table(engine, snapshot, "identifier", progress)
    bring_table(engine, snapshot, "link", progress, standing=True)
    with progress.phase("counting", 5) as advance:
        engine.connection.execute(QUERIES["make_sized"])
        advance(1)
        ((contacts, identities, emails, phones, blocked, links),) = _all(engine, "counts")
        sizes = [Step(*row) for row in _all(engine, "histogram")]
        advance(1)
        largest = [Large(*row) for row in _all(engine, "largest", limit=limit)]
        advance(1)
        busiest = [Busy(*row) for row in _all(engine, "busiest", limit=limit)]
        advance(1)
        number_of_doubtful, doubtful = doubtful_of(engine, limit)
        advance(1)
    return Statistics(
        contacts,
        identities,
        emails,
        phones,
        blocked,
        links,
        snapshot.identity_limit,
        sizes,
        largest,
        busiest,
        doubtful,
        number_of_doubtful,
    )


def _all(engine: Engine, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    return engine.connection.execute(QUERIES[query], parameters).fetchall()
