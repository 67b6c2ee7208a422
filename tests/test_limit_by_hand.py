"""What the limit of an identity counts is the same whether two are presented together or merged."""

from __future__ import annotations

import pytest

from reunite.errors import IdentityTooLarge
from reunite.evidence import Identifier
from reunite.operations import Operations
from reunite.repositories import Store


def test_what_is_blocked_counts_in_no_number_that_a_refusal_tells(store: Store) -> None:
    store.set_identity_limit(3)
    operations = Operations(store)
    operations.block(Identifier("email", "shop@x.co"))
    store.identify_many([("a@x.co", "1"), ("shop@x.co", "1"), ("b@x.co", "2")])
    (presented,) = store.identify_many([("a@x.co", "2")])
    with pytest.raises(IdentityTooLarge) as merged:
        operations.merge(2, 1)
    for refusal in (presented, merged.value):
        assert isinstance(refusal, IdentityTooLarge)
        told = refusal.primary_contact_id, refusal.size, refusal.would_be, refusal.limit
        assert told == (1, 2, 4, 3)
