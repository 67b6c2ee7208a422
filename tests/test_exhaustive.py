"""Every short sequence of requests over two e-mails and two phones, against the naive oracle."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from oracle import Oracle
from reunite import BlockedIdentifier, Identified, IdentityTooLarge, InvalidIdentifier
from reunite.errors import Refusal
from reunite.repositories import Store

Pair = tuple[str | None, str | None]
Sequence = tuple[Pair, ...]
Answer = Identified | Refusal | InvalidIdentifier
Answers = list[Answer]

EMAILS = (None, "a", "b")
PHONES = (None, "1", "2")
REQUESTS: tuple[Pair, ...] = tuple(
    pair for pair in itertools.product(EMAILS, PHONES) if pair != (None, None)
)
LENGTH = {"sqlite": 5, "postgresql": 4}
AT_ONCE = 256


def apart(number: int, pair: Pair) -> Pair:
    """Give a sequence identifiers of its own, so that many can share a store."""
    email, phone = pair
    return email and f"{email}{number}@x.co", phone and f"{phone}{number:08}"


def as_oracle(answer: Answer, first_id: int) -> dict[str, Any]:
    """An answer in the oracle's words, its ids counted from a sequence's first contact."""
    if isinstance(answer, IdentityTooLarge):
        refusal = {
            "primaryContactId": answer.primary_contact_id - first_id,
            "size": answer.size,
            "wouldBe": answer.would_be,
            "limit": answer.limit,
        }
        return {"refusal": refusal, "outcome": "refused"}
    if isinstance(answer, BlockedIdentifier):
        return {"blocked": list(answer.fields), "outcome": "blocked"}
    assert isinstance(answer, Identified)
    contact = {
        "primaryContactId": answer.primary_contact_id - first_id,
        "emails": list(answer.emails),
        "phoneNumbers": list(answer.phone_numbers),
        "secondaryContactIds": [id_ - first_id for id_ in answer.secondary_contact_ids],
    }
    return {"contact": contact, "outcome": answer.outcome}


def chunks(items: Iterable[Any], size: int) -> Iterable[tuple[Any, ...]]:
    iterator = iter(items)
    while chunk := tuple(itertools.islice(iterator, size)):
        yield chunk


def check(
    numbered: Iterable[tuple[int, Sequence]],
    identify: Callable[[list[Pair]], Answers],
    *,
    last_id: int,
    limit: int = 10_000,
) -> tuple[int, int]:
    """Send sequences one after the other and compare every answer with the oracle's.

    Returns how many requests that were, and the last contact id after them.
    """
    requests = [(number, apart(number, pair)) for number, pairs in numbered for pair in pairs]
    oracles: dict[int, tuple[Oracle, int]] = {}
    for (number, pair), answer in zip(
        requests, identify([pair for _, pair in requests]), strict=True
    ):
        oracle, first_id = oracles.setdefault(number, (Oracle(limit), last_id))
        assert as_oracle(answer, first_id) == oracle.identify(*pair), (number, pair)
        last_id = first_id + oracle.number_of_contacts
    return len(requests), last_id


def test_every_short_sequence_in_batches(store: Store, store_kind: str) -> None:
    numbered = enumerate(itertools.product(REQUESTS, repeat=LENGTH[store_kind]))
    checked, last_id = 0, 0
    for chunk in chunks(numbered, AT_ONCE):
        count, last_id = check(chunk, store.identify_many, last_id=last_id)
        checked += count
    assert checked == len(REQUESTS) ** LENGTH[store_kind] * LENGTH[store_kind]
    assert store.totals().contacts == last_id


def test_every_short_sequence_one_by_one(store: Store) -> None:
    last_id = 0
    for numbered in enumerate(itertools.product(REQUESTS, repeat=3)):
        _, last_id = check(
            [numbered], lambda pairs: [store.identify(*pair) for pair in pairs], last_id=last_id
        )
    assert store.totals().contacts == last_id


def test_every_short_sequence_at_a_tight_limit(store: Store) -> None:
    store.set_identity_limit(3)
    last_id = 0
    for chunk in chunks(enumerate(itertools.product(REQUESTS, repeat=4)), AT_ONCE):
        _, last_id = check(chunk, store.identify_many, last_id=last_id, limit=3)
    assert store.totals().contacts == last_id
