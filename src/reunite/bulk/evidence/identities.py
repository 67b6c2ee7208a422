"""The identities of a store with numbers for names."""

from __future__ import annotations

import numpy as np

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column, slices


def identities_of(engine: Engine) -> tuple[Column, Numbers, Numbers]:
    """The identities of the store, by number that of each contact, and how many each has."""
    engine.connection.execute(
        "create or replace table identity as"
        " select identity_id, count(*)::integer as contacts from contact group by identity_id"
        " order by identity_id"
    )
    found = engine.connection.execute("select identity_id, contacts from identity").fetchnumpy()
    identity_ids, sizes = found["identity_id"], found["contacts"]
    number = np.empty(engine.count("contact"), dtype=np.int32)
    done = 0
    for (ids,) in slices(engine, "contact", "identity_id"):
        number[done : done + len(ids)] = np.searchsorted(identity_ids, ids)
        done += len(ids)
    return identity_ids, number, sizes
