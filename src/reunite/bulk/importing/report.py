"""What an import does, or would do, as data; the command line prints it."""

from __future__ import annotations

from typing import Any

import msgspec

from reunite.bulk.engine import Engine
from reunite.bulk.importing.glue import Glue, glue_of
from reunite.bulk.importing.planning import Plan
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.importing", "report.sql")

LISTED = 10
"""How many of each kind a report lists."""

MANY = 50
"""An identifier together with so many others looks like nobody's own."""


class Change(msgspec.Struct, frozen=True):
    """A number before the import and after it."""

    before: int
    after: int


class Merge(msgspec.Struct, frozen=True, rename="camel"):
    """Identities of the store that become one; its primary is the first, or a row's."""

    primary_contact_ids: list[int]
    contacts: int
    identifiers: int


class Large(msgspec.Struct, frozen=True, rename="camel"):
    """A new identity, and what holds most of it together."""

    primary_contact_id: int
    identifiers: int
    contacts: int
    glue: Glue | None


class Suspect(msgspec.Struct, frozen=True):
    """An identifier that looks like junk; ``others`` are distinct ones that came with it."""

    type: str
    value: str
    rows: int
    others: int
    reason: str


class Unsupported(msgspec.Struct, frozen=True, rename="camel"):
    """A linkedId that joins what nothing else does; no contact where the row was not taken."""

    contact_id: int
    linked_id: str
    named_contact_id: int | None


class Divided(msgspec.Struct, frozen=True, rename="camel"):
    """An identity that the source's linkedIds take for several people."""

    primary_contact_id: int
    people: int
    rows: int


class LinkedIds(msgspec.Struct, frozen=True, rename="camel"):
    """What became of the source's linkedIds, and where they disagree with the identifiers."""

    said: int
    """Rows that have one."""
    resolved: int
    """Those that name a row which was taken."""
    missing: int
    """Those that name a row which was not: missing, soft-deleted or refused."""
    counted: int
    """Those that are evidence, because shared identifiers do not join the two rows already."""
    unsupported: list[Unsupported]
    divided: list[Divided]
    number_of_divided: int


class Effect(msgspec.Struct, frozen=True, rename="camel"):
    """What rows do to a store."""

    contacts: Change
    identities: Change
    new_identities: int
    extended_identities: int
    merges: list[Merge]
    number_of_merges: int
    largest: list[Large]
    suspects: list[Suspect]
    linked_ids: LinkedIds
    refused_as_blocked: int
    """Those of the rows refused of which all that they have is blocked."""
    blocked: int
    """Identifiers that are blocked from now on."""


def effect_of(plan: Plan) -> Effect:
    """What a plan does, the largest first, `LISTED` of each kind."""
    engine = plan.engine
    return Effect(
        contacts=Change(plan.before.contacts, plan.after.contacts),
        identities=Change(plan.before.identities, plan.after.identities),
        new_identities=plan.new_identities,
        extended_identities=engine.count("merged"),
        merges=[Merge(*row) for row in _all(engine, "merges", limit=LISTED)],
        number_of_merges=_number(engine, "number_of_merges"),
        largest=[_large(engine, *row) for row in _all(engine, "largest", limit=LISTED)],
        suspects=[Suspect(*row) for row in _all(engine, "suspects", limit=2 * LISTED, many=MANY)],
        linked_ids=_linked_ids(engine),
        refused_as_blocked=_number(engine, "number_refused_as_blocked"),
        blocked=len(plan.rows("block")),
    )


def _large(engine: Engine, identity_id: int, identifiers: int, contacts: int) -> Large:
    return Large(identity_id, identifiers, contacts, glue_of(engine, identity_id))


def _linked_ids(engine: Engine) -> LinkedIds:
    ((said, resolved, missing, counted),) = _all(engine, "number_of_pointers")
    if not said:
        return LinkedIds(0, 0, 0, 0, [], [], 0)
    _all(engine, "make_apart")
    return LinkedIds(
        said,
        resolved,
        missing,
        counted,
        [Unsupported(*row) for row in _all(engine, "unsupported", limit=LISTED)],
        [Divided(*row) for row in _all(engine, "divided", limit=LISTED)],
        _number(engine, "number_of_divided"),
    )


def _all(engine: Engine, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    return engine.connection.execute(QUERIES[query], parameters).fetchall()


def _number(engine: Engine, query: str) -> int:
    ((number,),) = _all(engine, query)
    return int(number)
