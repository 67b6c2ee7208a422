"""The oracle itself, against the task's examples and cases worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from oracle import Oracle

Requests = list[tuple[str | None, str | None]]


def last(requests: Requests, oracle: Oracle | None = None) -> dict[str, Any]:
    oracle = oracle or Oracle()
    answer: dict[str, Any] = {}
    for email, phone in requests:
        answer = oracle.identify(email, phone)
    return answer


def contact(
    primary: int, emails: list[str], phones: list[str], secondaries: list[int]
) -> dict[str, Any]:
    return {
        "primaryContactId": primary,
        "emails": emails,
        "phoneNumbers": phones,
        "secondaryContactIds": secondaries,
    }


CASES: dict[str, tuple[Requests, str, dict[str, Any]]] = {
    "the first request makes contact 1": (
        [("foo@example.com", "1234567890")],
        "created",
        contact(1, ["foo@example.com"], ["1234567890"], []),
    ),
    "a new phone with a known e-mail makes a secondary": (
        [("foo@example.com", "1234567890"), ("foo@example.com", "9999999999")],
        "extended",
        contact(1, ["foo@example.com"], ["1234567890", "9999999999"], [2]),
    ),
    "the task's primary turned secondary": (
        [
            ("george@hillvalley.edu", "919191"),
            ("biffsucks@hillvalley.edu", "717171"),
            ("george@hillvalley.edu", "717171"),
        ],
        "merged",
        contact(
            1, ["george@hillvalley.edu", "biffsucks@hillvalley.edu"], ["919191", "717171"], [2]
        ),
    ),
    "a repeat is known": (
        [("a@x.io", "1"), ("a@x.io", "1")],
        "known",
        contact(1, ["a@x.io"], ["1"], []),
    ),
    "one value of a pair alone is known": (
        [("a@x.io", "1"), (None, "1")],
        "known",
        contact(1, ["a@x.io"], ["1"], []),
    ),
    "a bridge through two secondaries joins their primaries": (
        [("a@x.io", "1"), ("a@x.io", "2"), ("b@x.io", "3"), ("c@x.io", "3"), ("c@x.io", "2")],
        "merged",
        contact(1, ["a@x.io", "b@x.io", "c@x.io"], ["1", "2", "3"], [2, 3, 4]),
    ),
    "after a merge the order is by the age of the contacts, not by identity": (
        [("a@x.io", "1"), ("b@x.io", "2"), ("a@x.io", "3"), ("b@x.io", "3")],
        "merged",
        contact(1, ["a@x.io", "b@x.io"], ["1", "2", "3"], [2, 3]),
    ),
    "the older primary stays, whichever side it comes from": (
        [("a@x.io", None), ("b@x.io", None), ("b@x.io", "1"), ("c@x.io", "2"), ("c@x.io", "1")],
        "merged",
        contact(2, ["b@x.io", "c@x.io"], ["1", "2"], [3, 4]),
    ),
    "absent never matches absent": (
        [("a@x.io", None), ("b@x.io", None)],
        "created",
        contact(2, ["b@x.io"], [], []),
    ),
    "a primary without an e-mail lists its secondaries' in age order": (
        [(None, "1"), ("b@x.io", "1"), ("a@x.io", "1")],
        "extended",
        contact(1, ["b@x.io", "a@x.io"], ["1"], [2, 3]),
    ),
    "two known values in a new pair make no contact": (
        [("a@x.io", "1"), ("a@x.io", "2"), ("b@x.io", "2"), ("b@x.io", "1")],
        "known",
        contact(1, ["a@x.io", "b@x.io"], ["1", "2"], [2, 3]),
    ),
    "a phone's plus is no difference, and it is spelt as the oldest contact has it": (
        [("a@x.io", "+91"), ("b@x.io", "91")],
        "extended",
        contact(1, ["a@x.io", "b@x.io"], ["+91"], [2]),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_by_hand(case: str) -> None:
    requests, outcome, expected = CASES[case]
    assert last(requests) == {"contact": expected, "outcome": outcome}


def test_a_merge_leaves_one_link_and_repeating_it_none() -> None:
    oracle = Oracle()
    last([("a@x.io", "1"), ("b@x.io", "2"), ("a@x.io", "2"), ("a@x.io", "2")], oracle)
    assert (oracle.number_of_contacts, oracle.number_of_links) == (2, 1)


def test_a_chain_of_merges_is_one_identity_with_the_oldest_primary() -> None:
    oracle = Oracle()
    pairs: Requests = [(f"{n}@x.io", f"{n}") for n in range(5)]
    bridges: Requests = [(f"{n}@x.io", f"{n + 1}") for n in (3, 1, 2, 0)]
    answer = last(pairs + bridges, oracle)
    assert answer["contact"]["primaryContactId"] == 1
    assert answer["contact"]["secondaryContactIds"] == [2, 3, 4, 5]
    assert oracle.number_of_identities == 1


def test_the_partition_is_by_key() -> None:
    oracle = Oracle()
    last([("a@x.io", "+1"), ("b@x.io", "1"), (None, "2")], oracle)
    assert oracle.partition() == {
        frozenset({("email", "a@x.io"), ("email", "b@x.io"), ("phone", "1")}),
        frozenset({("phone", "2")}),
    }
    assert [each["primaryContactId"] for each in oracle.identities()] == [1, 3]


def test_a_contact_past_the_limit_is_refused_and_changes_nothing() -> None:
    oracle = Oracle(limit=3)
    answer = last([("a@x.io", "1"), ("a@x.io", "2"), ("b@x.io", "2")], oracle)
    refusal = {"primaryContactId": 1, "size": 3, "wouldBe": 4, "limit": 3}
    assert answer == {"refusal": refusal, "outcome": "refused"}
    assert oracle.number_of_contacts == 2
    assert oracle.identify("b@x.io", None)["outcome"] == "created"


def test_a_merge_past_the_limit_is_refused_and_names_the_older_identity() -> None:
    oracle = Oracle(limit=4)
    pairs: Requests = [("a@x.io", "1"), ("b@x.io", "2"), ("b@x.io", "3"), ("b@x.io", "1")]
    refusal = {"primaryContactId": 1, "size": 2, "wouldBe": 5, "limit": 4}
    assert last(pairs, oracle) == {"refusal": refusal, "outcome": "refused"}
    assert oracle.number_of_links == 0


def test_a_full_identity_still_answers_what_it_knows() -> None:
    oracle = Oracle(limit=3)
    answer = last([("a@x.io", "1"), ("b@x.io", "1"), ("b@x.io", None)], oracle)
    assert answer["outcome"] == "known"


def test_an_empty_request_is_a_mistake_of_the_test() -> None:
    with pytest.raises(ValueError, match="neither"):
        Oracle().identify(None, None)
