"""Identities that may be several people: their e-mails bear names with nothing in common."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Forest
from reunite.bulk.exporting.glue import Glue, Tie, glue_of
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.exporting", "doubt.sql")

_EXAMPLES = 5
"""Names of an identity that are shown."""


class Doubtful(msgspec.Struct, frozen=True, rename="camel"):
    """An identity whose e-mails bear several ``names`` that have nothing in common.

    ``examples`` are e-mails, one of each name, those of the oldest contacts first, a few at most.
    ``glue`` is the identifier on which the names meet; none where there is no single one.
    """

    primary_contact_id: int
    identifiers: int
    contacts: int
    names: int
    examples: list[str]
    glue: Glue | None


def doubtful_of(engine: Engine, limit: int) -> tuple[int, list[Doubtful]]:
    """How many identities are doubtful, and those with most names, so many at most.

    The engine has the tables of `reunite.bulk.exporting.statistics`.
    """
    _bear_names(engine)
    engine.connection.execute(QUERIES["make_doubtful"])
    engine.connection.execute(QUERIES["make_listed"], {"limit": limit})
    engine.connection.execute(QUERIES["make_held"])
    names: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for identity_id, name, key in _all(engine, "listed_names"):
        names[identity_id][key] = name
    held, linked = _ties(engine, "held"), _ties(engine, "linked")
    listed = [
        Doubtful(
            primary_id,
            identifiers,
            contacts,
            several,
            _examples(names[identity_id]),
            glue_of(held[identity_id], linked[identity_id], names[identity_id]),
        )
        for identity_id, primary_id, identifiers, contacts, several in _all(engine, "listed")
    ]
    return engine.count("doubtful"), listed


def _bear_names(engine: Engine) -> None:
    """Make the table bearing: e-mails that may make an identity doubtful, with their names."""
    engine.connection.execute(QUERIES["make_saying"])
    engine.connection.execute(QUERIES["make_unlike"])
    forest = Forest(engine.count("unlike"))
    alike = engine.connection.execute(QUERIES["alike"]).fetchnumpy()
    forest.join_pairs(alike["a"].astype(np.int32), alike["b"].astype(np.int32))
    engine.keep("root", {"name": forest.flatten()})
    engine.connection.execute(
        "create or replace table bearing as select * from unlike positional join root"
    )


def _examples(names: dict[str, int]) -> list[str]:
    first: dict[int, str] = {}
    for key, name in names.items():
        first.setdefault(name, key)
    return list(first.values())[:_EXAMPLES]


def _ties(engine: Engine, query: str) -> defaultdict[int, list[Tie]]:
    """Pairs of nodes by identity."""
    ties: defaultdict[int, list[Tie]] = defaultdict(list)
    for identity_id, a_type, a_key, b_type, b_key in _all(engine, query):
        ties[identity_id].append(((a_type, a_key), (b_type, b_key)))
    return ties


def _all(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    return engine.connection.execute(QUERIES[query]).fetchall()
