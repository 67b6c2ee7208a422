"""The identities that a store keeps, with numbers for names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column, holders_of, ids_of, places_of, slices


@dataclass(frozen=True)
class Identities:
    """Contacts are numbered by id, identities by theirs, all from 0.

    Attributes:
        engine: with the tables ``contact`` and ``node``.
        contact_ids: of each contact, ascending.
        identity_ids: of each identity, ascending.
        of_contacts: the identity of each contact, -1 of the retired.
        sizes: how many contacts each identity has.
    """

    engine: Engine
    contact_ids: Column
    identity_ids: Column
    of_contacts: Numbers
    sizes: Numbers

    def __len__(self) -> int:
        return len(self.identity_ids)

    def of_identifiers(self) -> Numbers:
        """The identity of who holds each identifier; -1 where nobody does, or it is blocked."""
        found = np.full(self.engine.count("node"), -1, dtype=np.int32)
        low = 0
        for holder, blocked in holders_of(self.engine):
            places = places_of(holder, self.contact_ids)
            is_held = (places >= 0) & ~blocked
            found[low : low + len(holder)][is_held] = self.of_contacts[places[is_held]]
            low += len(holder)
        return found


def identities_of(engine: Engine, contact_ids: Column | None = None) -> Identities:
    """Number the identities of a store; ``contact_ids`` spares reading them again."""
    ids = ids_of(engine) if contact_ids is None else contact_ids
    engine.connection.execute(
        "create or replace table identity as"
        " select identity_id, count(*)::integer as contacts from contact"
        " where identity_id is not null group by identity_id order by identity_id"
    )
    found = engine.connection.execute("select identity_id, contacts from identity").fetchnumpy()
    identity_ids, sizes = found["identity_id"], found["contacts"]
    of_contacts = np.empty(len(ids), dtype=np.int32)
    low = 0
    for (some,) in slices(engine, "contact", "coalesce(identity_id, 0)"):
        numbers = np.searchsorted(identity_ids, some)
        of_contacts[low : low + len(some)] = np.where(some > 0, numbers, -1)
        low += len(some)
    return Identities(engine, ids, identity_ids, of_contacts, sizes)
