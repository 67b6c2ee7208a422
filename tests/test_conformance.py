"""What every store must do: the cases that implementations of the task get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import OpenStore
from oracle import Oracle
from reunite import Identified, IdentityTooLarge, InvalidIdentifier, InvalidSetting, Totals, present
from reunite.repositories import Store
from test_exhaustive import as_oracle


def contact(answer: Identified) -> tuple[Any, ...]:
    return (
        answer.primary_contact_id,
        list(answer.emails),
        list(answer.phone_numbers),
        list(answer.secondary_contact_ids),
    )


def test_the_first_request_makes_a_primary_contact(store: Store) -> None:
    answer = store.identify("foo@example.com", "1234567890")
    assert contact(answer) == (1, ["foo@example.com"], ["1234567890"], [])
    assert answer.outcome == "created"


def test_a_new_phone_of_a_known_email_makes_a_secondary_contact(store: Store) -> None:
    store.identify("foo@example.com", "1234567890")
    answer = store.identify("foo@example.com", "9999999999")
    assert contact(answer) == (1, ["foo@example.com"], ["1234567890", "9999999999"], [2])
    assert answer.outcome == "extended"


def test_a_request_that_joins_two_primaries_demotes_the_younger(store: Store) -> None:
    store.identify("george@hillvalley.edu", "919191")
    store.identify("biffsucks@hillvalley.edu", "717171")
    answer = store.identify("george@hillvalley.edu", "717171")
    assert contact(answer) == (
        1,
        ["george@hillvalley.edu", "biffsucks@hillvalley.edu"],
        ["919191", "717171"],
        [2],
    )
    assert answer.outcome == "merged"
    assert store.totals() == Totals(contacts=2, identities=1)


def test_two_secondaries_bridge_their_identities(store: Store) -> None:
    store.identify("a@x.co", "1")
    store.identify("a@x.co", "2")
    store.identify("b@x.co", "3")
    store.identify("b@x.co", "4")
    answer = store.identify("c@x.co", "2")
    assert contact(answer) == (1, ["a@x.co", "c@x.co"], ["1", "2"], [2, 5])
    answer = store.identify("c@x.co", "4")
    assert contact(answer) == (
        1,
        ["a@x.co", "b@x.co", "c@x.co"],
        ["1", "2", "3", "4"],
        [2, 3, 4, 5],
    )


def test_a_chain_of_merges_stays_flat(store: Store) -> None:
    for n in range(1, 6):
        store.identify(f"e{n}@x.co", str(n))
    for n in (5, 4, 3, 2):
        store.identify(f"e{n}@x.co", str(n - 1))
    expected = (1, [f"e{n}@x.co" for n in range(1, 6)], list("12345"), [2, 3, 4, 5])
    for n in range(1, 6):
        assert contact(store.identify(f"e{n}@x.co")) == expected
        assert contact(store.identify(phone_number=str(n))) == expected
    assert store.totals() == Totals(contacts=5, identities=1)


def test_the_demoted_primarys_own_secondaries_follow_it(store: Store) -> None:
    store.identify("old@x.co", "1")
    store.identify("young@x.co", "2")
    store.identify("young@x.co", "3")
    store.identify("younger@x.co", "3")
    store.identify("old@x.co", "2")
    answer = store.identify("younger@x.co")
    assert contact(answer) == (
        1,
        ["old@x.co", "young@x.co", "younger@x.co"],
        ["1", "2", "3"],
        [2, 3, 4],
    )


def test_new_information_is_judged_per_identifier_not_per_pair(store: Store) -> None:
    store.identify("a@x.co", "1")
    store.identify("a@x.co", "2")
    store.identify("b@x.co", "1")
    answer = store.identify("b@x.co", "2")
    assert answer.outcome == "known"
    assert contact(answer) == (1, ["a@x.co", "b@x.co"], ["1", "2"], [2, 3])


def test_null_never_matches_null(store: Store) -> None:
    store.identify(email="a@x.co")
    store.identify(email="b@x.co")
    store.identify(phone_number="1")
    store.identify(phone_number="2")
    assert store.totals() == Totals(contacts=4, identities=4)
    assert contact(store.identify(email="b@x.co")) == (2, ["b@x.co"], [], [])
    assert contact(store.identify(phone_number="2")) == (4, [], ["2"], [])


def test_a_value_that_only_the_newest_secondary_has_finds_everyone(store: Store) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "1")
    store.identify("b@x.co", "2")
    assert contact(store.identify(phone_number="2")) == (
        1,
        ["a@x.co", "b@x.co"],
        ["1", "2"],
        [2, 3],
    )


def test_a_primary_without_an_email_lists_its_secondaries_by_age(store: Store) -> None:
    store.identify(phone_number="1")
    store.identify("b@x.co", "1")
    store.identify("a@x.co", "1")
    assert contact(store.identify(phone_number="1")) == (1, ["b@x.co", "a@x.co"], ["1"], [2, 3])


def test_a_primary_without_a_phone_lists_its_secondaries_by_age(store: Store) -> None:
    store.identify(email="a@x.co")
    store.identify("a@x.co", "2")
    store.identify("a@x.co", "1")
    assert contact(store.identify(email="a@x.co")) == (1, ["a@x.co"], ["2", "1"], [2, 3])


def test_after_a_merge_the_order_is_by_age_not_by_identity(store: Store) -> None:
    store.identify("a1@x.co", "1")
    store.identify("b1@x.co", "2")
    store.identify("a2@x.co", "1")
    store.identify("b2@x.co", "2")
    answer = store.identify("a2@x.co", "2")
    assert contact(answer) == (
        1,
        ["a1@x.co", "b1@x.co", "a2@x.co", "b2@x.co"],
        ["1", "2"],
        [2, 3, 4],
    )


def test_the_larger_younger_side_of_a_merge_still_becomes_secondary(store: Store) -> None:
    store.identify("old@x.co", "1")
    for n in range(5):
        store.identify("young@x.co", f"2{n}")
    answer = store.identify("old@x.co", "23")
    assert answer.primary_contact_id == 1
    assert answer.secondary_contact_ids == (2, 3, 4, 5, 6)


def test_a_repeat_writes_nothing(store: Store) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "1")
    totals = store.totals()
    for _ in range(3):
        assert store.identify("a@x.co", "1").outcome == "known"
        assert store.identify("b@x.co", "1").outcome == "known"
        assert store.identify(email="a@x.co").outcome == "known"
    assert store.totals() == totals
    assert store.identify("c@x.co", "7").primary_contact_id == 3


def test_case_padding_and_formatting_make_no_new_person(store: Store) -> None:
    store.identify("foo@example.com", "15551234567")
    for email, phone in [
        ("FOO@Example.COM", None),
        ("  foo@example.com\t", "+1 (555) 123-4567"),
        (None, "1.555.123.4567"),
        ("foo@example.com", 15551234567),
        ("foo@example.com", "  "),
        ("", "1 555 123 4567"),
    ]:
        answer = store.identify(email, phone)
        assert contact(answer) == (1, ["foo@example.com"], ["15551234567"], [])
        assert answer.outcome == "known"


def test_a_phone_is_spelt_as_the_oldest_contact_has_it(store: Store) -> None:
    store.identify("a@x.co", "+15551234567")
    store.identify("b@x.co", "15551234567")
    assert store.identify(email="b@x.co").phone_numbers == ("+15551234567",)


def test_zero_is_a_phone(store: Store) -> None:
    assert contact(store.identify(phone_number=0)) == (1, [], ["0"], [])
    assert store.identify(phone_number="0").outcome == "known"
    assert contact(store.identify("a@x.co", 0)) == (1, ["a@x.co"], ["0"], [2])


def test_an_email_and_a_phone_never_match_each_other(store: Store) -> None:
    store.identify(phone_number="15")
    store.identify("15@x.co")
    assert store.totals() == Totals(contacts=2, identities=2)


def test_values_that_try_to_be_sql_or_json_are_only_values(store: Store) -> None:
    for n, local in enumerate(
        ["a'b", 'a"b', "a\\b", "a{b", "a,b", "a%b", "a*b", "a[b", "ä", "😀"], 1
    ):
        assert contact(store.identify(f"{local}@x.co", str(n))) == (
            n,
            [f"{local}@x.co"],
            [str(n)],
            [],
        )
        assert store.identify(f"{local}@x.co").primary_contact_id == n


def test_the_longest_values_fit(store: Store) -> None:
    email = "a" * 64 + "@" + "b" * 185 + ".com"
    phone = "+" + "9" * 32 + "x12"
    assert contact(store.identify(email, phone)) == (1, [email], [phone], [])
    assert store.identify(email).outcome == "known"


@pytest.mark.parametrize("request_", [(None, None), ("", " "), ("a", "1"), ("a@x.co", "1a")])
def test_bad_input_is_refused_and_nothing_is_written(
    store: Store, request_: tuple[str | None, str | None]
) -> None:
    with pytest.raises(InvalidIdentifier):
        store.identify(*request_)
    assert store.totals() == Totals(contacts=0, identities=0)


def test_a_field_that_means_nothing_is_refused_and_not_left_out(store: Store) -> None:
    (answer,) = store.identify_many([{"email": "a@x.co", "phoneNumber": "1"}])
    assert isinstance(answer, InvalidIdentifier)
    assert "'phoneNumber', which means nothing; it has email, phone_number" in str(answer)
    assert store.totals() == Totals(contacts=0, identities=0)


def test_many_requests_are_answered_in_order_each_right_after_itself(store: Store) -> None:
    answers = store.identify_many(
        [
            {"email": "a@x.co", "phone_number": 1},
            ("b@x.co", "2"),
            ("nonsense", None),
            present(store.policy, "a@x.co", "2"),
            {"email": "B@x.co"},
            {"phone_number": "3"},
        ]
    )
    assert isinstance(answers[2], InvalidIdentifier)
    identified = [answer for answer in answers if isinstance(answer, Identified)]
    merged = (1, ["a@x.co", "b@x.co"], ["1", "2"], [2])
    assert [contact(answer) for answer in identified] == [
        (1, ["a@x.co"], ["1"], []),
        (2, ["b@x.co"], ["2"], []),
        merged,
        merged,
        (3, [], ["3"], []),
    ]
    assert [answer.outcome for answer in identified] == [
        "created",
        "created",
        "merged",
        "known",
        "created",
    ]


def test_no_requests_are_no_work(store: Store) -> None:
    assert store.identify_many([]) == []
    assert store.recognise_many([]) == []


def test_recognising_answers_only_what_would_change_nothing(store: Store) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "2")
    store.identify("b@x.co", "3")
    store.identify("c@x.co", "3")
    requests = [
        ("a@x.co", "1"),
        ("a@x.co", None),
        (None, "3"),
        ("a@x.co", "2"),
        ("a@x.co", "9"),
        ("new@x.co", None),
        ("c@x.co", "2"),
    ]
    recognised = store.recognise_many([present(store.policy, *pair) for pair in requests])
    identity = (2, ["b@x.co", "c@x.co"], ["2", "3"], [3, 4])
    assert [answer and contact(answer) for answer in recognised] == [
        (1, ["a@x.co"], ["1"], []),
        (1, ["a@x.co"], ["1"], []),
        identity,
        None,
        None,
        None,
        None,
    ]
    assert store.identify("c@x.co", "2").outcome == "known"
    assert store.recognise_many([present(store.policy, "c@x.co", "2")])[0] is not None


def test_an_identity_stops_at_the_limit_and_says_so(store: Store) -> None:
    store.set_identity_limit(3)
    store.identify("a@x.co", "1")
    store.identify("a@x.co", "2")
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("a@x.co", "3")
    problem = refused.value
    assert (problem.primary_contact_id, problem.size, problem.would_be, problem.limit) == (
        1,
        3,
        4,
        3,
    )
    assert store.totals() == Totals(contacts=2, identities=1)
    assert store.identify(phone_number="3").outcome == "created"


def test_a_merge_past_the_limit_names_the_older_identity(store: Store) -> None:
    store.set_identity_limit(3)
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "2")
    with pytest.raises(IdentityTooLarge) as refused:
        store.identify("b@x.co", "1")
    problem = refused.value
    assert (problem.primary_contact_id, problem.size, problem.would_be) == (1, 2, 4)
    assert store.identify("b@x.co").primary_contact_id == 2


def test_a_refused_request_takes_nothing_from_its_neighbours(store: Store) -> None:
    store.set_identity_limit(2)
    answers = store.identify_many(
        [("a@x.co", "1"), ("a@x.co", "2"), ("b@x.co", "2"), ("a@x.co", "1")]
    )
    assert [getattr(answer, "outcome", type(answer)) for answer in answers] == [
        "created",
        IdentityTooLarge,
        "created",
        "known",
    ]
    assert store.totals() == Totals(contacts=2, identities=2)


def test_what_is_known_is_answered_in_an_identity_at_its_limit(store: Store) -> None:
    store.identify("a@x.co", "1")
    store.identify("b@x.co", "1")
    store.identify("b@x.co", "2")
    store.set_identity_limit(2)
    assert store.identify("a@x.co", "2").outcome == "known"


def test_the_limit_is_kept_in_the_store_and_has_bounds(open_store: OpenStore) -> None:
    open_store().set_identity_limit(77)
    assert open_store().identity_limit() == 77
    for limit in (1, 2**31, 2**63):
        with pytest.raises(InvalidSetting, match="from 2 to 2147483647"):
            open_store().set_identity_limit(limit)
    open_store().set_identity_limit(2**31 - 1)


def test_workspaces_never_link(open_store: OpenStore, fresh_workspace: str) -> None:
    one, other = open_store(), open_store(workspace=f"{fresh_workspace}-other")
    one.identify("a@x.co", "1")
    one.identify("a@x.co", "2")
    assert contact(other.identify("a@x.co", "2")) == (1, ["a@x.co"], ["2"], [])
    assert one.totals() == Totals(contacts=2, identities=1)


def test_what_was_answered_is_still_there_after_opening_again(open_store: OpenStore) -> None:
    with open_store() as first:
        first.identify("a@x.co", "1")
        first.identify("b@x.co", "1")
    with open_store() as second:
        assert contact(second.identify("b@x.co")) == (1, ["a@x.co", "b@x.co"], ["1"], [2])
        assert second.identify("c@x.co").primary_contact_id == 3
        second.close()


def test_an_identity_of_a_thousand_contacts_is_whole(store: Store) -> None:
    store.identify_many([("hub@x.co", str(n)) for n in range(1000)])
    answer = store.identify(phone_number="999")
    assert answer.phone_numbers == tuple(str(n) for n in range(1000))
    assert answer.secondary_contact_ids == tuple(range(2, 1001))


def test_the_caller_is_told_right_before_the_store_writes(open_store: OpenStore) -> None:
    store, beside = open_store(), open_store()
    seen: list[Totals] = []
    for pair in [("a@x.co", "1"), ("a@x.co", "2"), ("b@x.co", "3"), ("b@x.co", "1")]:
        before = beside.totals()
        seen.clear()
        store.identify_many([pair], lambda: seen.append(beside.totals()))
        assert seen == [before]
        assert beside.totals() != before


BATCH = [("a@x.co", "1"), ("b@x.co", "2"), ("a@x.co", "2"), ("c@x.co", "3"), ("c@x.co", "1")]


@pytest.mark.parametrize("between", [*BATCH, ("d@x.co", "4"), ("b@x.co", "1")])
def test_what_comes_between_reading_and_writing_is_reconciled_with(
    open_store: OpenStore, between: tuple[str, str]
) -> None:
    store, beside = open_store(), open_store()
    store.identify_many(BATCH[:2])
    answers = store.identify_many(BATCH, lambda: beside.identify(*between))
    oracle = Oracle()
    for pair in [*BATCH[:2], between]:
        oracle.identify(*pair)
    assert [as_oracle(answer, 0) for answer in answers] == [
        oracle.identify(*pair) for pair in BATCH
    ]
    assert beside.totals() == Totals(oracle.number_of_contacts, oracle.number_of_identities)


def test_a_limit_that_is_lowered_between_reading_and_writing_holds(open_store: OpenStore) -> None:
    store, beside = open_store(), open_store()
    store.identify("a@x.co", "1")
    (answer,) = store.identify_many([("a@x.co", "2")], lambda: beside.set_identity_limit(2))
    assert isinstance(answer, IdentityTooLarge)
    assert beside.totals() == Totals(contacts=1, identities=1)
