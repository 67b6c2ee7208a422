"""With a phone region, what only a link knew comes back in normal form when it is unblocked."""

from __future__ import annotations

from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import OpenStore
from grown import MEMORY
from reunite import repositories
from reunite.bulk.engine import Engine
from reunite.bulk.progress import Progress
from reunite.bulk.verifying import verify
from reunite.evidence import Identifier
from reunite.identifier import normalise_phone, phone_key, phone_of_key
from reunite.operations import Operations
from test_conformance import contact

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
Free = Callable[[Operations, Identifier, int | None], object]


SPELT = {
    "IN": {
        "98765 43210": "+919876543210",
        "98765 43210 ext. 12": "+919876543210x12",
        "+44 20 7946 0958": "+442079460958",
        "1": "1",
    },
    None: {"98765 43210": "9876543210", "+44 20 7946 0958": "442079460958"},
}
"""By region what is presented, and how it is answered once only its key is known."""


@pytest.mark.parametrize("region", SPELT)
@pytest.mark.parametrize(
    "free",
    [
        lambda operations, blocked, _: operations.unblock(blocked),
        lambda operations, _, position: operations.undo(position),
    ],
)
def test_a_phone_that_only_a_link_knew_is_in_normal_form_once_it_is_free(
    open_store: OpenStore, store_url: str, fresh_workspace: str, free: Free, region: str | None
) -> None:
    store = open_store(phone_region=region)
    operations = Operations(store)
    for presented, answered in SPELT[region].items():
        blocked = Identifier("phone", phone_key(answered))
        position = operations.block(blocked).position
        email = f"{blocked.key}@x.co"
        first = store.identify(email).primary_contact_id
        store.identify(email, presented)
        free(operations, blocked, position)
        known = (first, [email], [answered], [first + 1])
        assert contact(store.identify(email)) == known
        assert contact(store.identify(None, presented)) == known
    with (
        Engine(MEMORY) as engine,
        repositories.snapshot(
            store_url, workspace=fresh_workspace, phone_region=region
        ) as snapshot,
    ):
        assert verify(engine, snapshot, Progress()).findings == []


@settings(max_examples=300, deadline=None)
@given(
    st.none() | st.sampled_from(REGIONS),
    st.from_regex(r"\A\+?[0-9]{1,15}(x[0-9]{1,3})?\Z"),
)
@example("IN", "00009015910110")
@example("CD", "00000003168979811")
def test_a_key_has_a_normal_form_that_has_that_key(region: str | None, presented: str) -> None:
    key = phone_key(normalise_phone(presented, region))
    phone = phone_of_key(key, region)
    assert phone_key(phone) == key
    assert normalise_phone(phone, region) == phone
