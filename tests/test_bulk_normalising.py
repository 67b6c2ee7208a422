"""What DuckDB and Python make of values together is what `identifier` makes of them alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reunite.bulk.engine import Engine
from reunite.bulk.reading.faults import make_faults
from reunite.bulk.reading.gathering import begin
from reunite.bulk.reading.normalising import normalise
from reunite.errors import InvalidIdentifier
from reunite.identifier import Policy, present

NOW = 1_800_000_000_000_000

# What normal forms turn on: case that does not map one to one, digits, signs, dots and blanks of
# other scripts, marks that combine, marks that change direction, and what ends a string elsewhere.
HOSTILE = (
    "aAzZxXeEtTİıſßẞΣσςéÉÅ@.．。｡+＋#()[]{}/-–—−'\"\\0123456789٣०９²½Ⅷ"  # noqa: RUF001
    " \t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u2003\u2028\u202e\u200b\u200d\u3000\ufeff\x00\x7f"
    "\u0301\u0307\u0345\U0001f600\U000e0001你ä.comCOMxn--"
)


def digits(fewest: int, most: int) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from("0123456789"), min_size=fewest, max_size=most)


phones = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "+", "(", " +", "++", "\t"]),
        digits(0, 4) | digits(31, 33),
        st.sampled_from(["", "", "-", ") ", ".", " / ", "[]"]),
        digits(0, 2),
        st.sampled_from(["", "x", "X", " ext. ", "EXT", "#", "e.x-t", "extx", "xx", "tex"]),
        digits(0, 4) | digits(31, 33),
    ),
)
texts = st.one_of(
    phones,
    st.text(st.sampled_from(HOSTILE), max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(st.sampled_from("0123456789+-. ()xXtTeE#"), max_size=45),
    st.from_regex(r"\A[ \t]?[A-Za-z0-9.+_'-]{1,8}@[A-Za-z0-9.-]{1,8}\.[A-Za-z]{2,3}[ .]?\Z"),
    st.builds(
        lambda local, domain: f"{local}@{domain}.com",
        st.text(st.sampled_from(HOSTILE), max_size=5),
        st.text(st.sampled_from(HOSTILE), max_size=5),
    ),
    st.integers(250, 260).map(lambda length: "A" * (length - 6) + "@b.com"),
    st.integers(990, 1030).map(lambda length: "1" + " " * (length - 2) + "2"),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(1 << 28, tmp_path_factory.mktemp("engine")) as engine:
        yield engine


Rows = list[tuple[str | None, str | None]]


def normalised(
    engine: Engine, rows: Rows, policy: Policy
) -> tuple[Rows, dict[int, dict[str, str]]]:
    """The forms of the e-mails and phones of rows, and what is said to be wrong with either."""
    begin(engine)
    engine.connection.execute(
        "insert into raw (is_broken, id, email, phone)"
        " select false, unnest(?)::varchar, nullif(stripped(unnest(?::varchar[])), ''),"
        " nullif(stripped(unnest(?::varchar[])), '')",
        [list(range(1, len(rows) + 1)), *map(list, zip(*rows, strict=True))],
    )
    engine.connection.execute("insert into span values ('test', 0, ?, 2)", [len(rows)])
    normalise(engine, policy, NOW, renumber=False)
    make_faults(engine)
    forms = engine.connection.execute("select email, phone from judged order by record").fetchall()
    wrong: dict[int, dict[str, str]] = {}
    for record, column, reason in engine.connection.execute(
        "select record, col, reason from fault"
    ).fetchall():
        wrong.setdefault(record, {})[column] = reason
    return forms, wrong


def presented(policy: Policy, **value: str | None) -> tuple[str | None, dict[str, str]]:
    """The form of one value by the rule, and what it says is wrong with it."""
    (name,) = value
    try:
        found = present(policy, value.get("email"), value.get("phoneNumber"))
    except InvalidIdentifier as error:
        return None, {error.field: error.wrong} if error.field else {}
    return (found.email if name == "email" else found.phone), {}


@pytest.mark.parametrize("region", [None, "IN"])
@settings(deadline=None, max_examples=100)
@given(rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=12))
def test_normalises_a_file_as_requests_are_normalised(
    engine: Engine, region: str | None, rows: Rows
) -> None:
    policy = Policy(region)
    forms, wrong = normalised(engine, rows, policy)
    for record, (email, phone) in enumerate(rows):
        mail, mail_wrong = presented(policy, email=email)
        number, number_wrong = presented(policy, phoneNumber=phone)
        assert forms[record] == (mail, number)
        nothing = {"": "has neither an email nor a phoneNumber"}
        expected = {**mail_wrong, **number_wrong} or (nothing if not (mail or number) else {})
        assert wrong.get(record, {}) == expected


def test_normalises_many_phones_by_region_in_several_processes(engine: Engine) -> None:
    begin(engine)
    engine.connection.execute(
        "insert into raw (is_broken, id, phone)"
        " select false, 1 + range, '0' || (9000000000 + range) from range(20500)"
    )
    normalise(engine, Policy("IN"), NOW, renumber=False)
    found = engine.connection.execute(
        "select count(*) from taken where phone = '+91' || (8999999999 + id)"
    ).fetchone()
    assert found == (20_500,)


# ── times ────────────────────────────────────────────────────────────────────────────────────────


def times_of(engine: Engine, texts: list[str]) -> list[int | None]:
    begin(engine)
    normalise(engine, Policy(), NOW, renumber=False)
    return [
        engine.connection.execute("select time_of(?)", [text]).fetchall()[0][0] for text in texts
    ]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None, max_examples=100)
@given(
    moment=st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=zones),
    separator=st.sampled_from("T "),
    has_colon=st.booleans(),
)
def test_reads_times_as_python_reads_iso_8601(
    engine: Engine, moment: datetime, separator: str, has_colon: bool
) -> None:
    text = moment.isoformat(separator)
    if not has_colon:
        text = text[:-3] + text[-2:]
    assert times_of(engine, [text]) == [microseconds(moment)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02", datetime(2024, 1, 2, tzinfo=UTC)),
        ("2024-01-02T10:20", datetime(2024, 1, 2, 10, 20, tzinfo=UTC)),
        ("2024-01-02 10:20:30", datetime(2024, 1, 2, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-02t10:20:30z", datetime(2024, 1, 2, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-02T10:20:30,5Z", datetime(2024, 1, 2, 10, 20, 30, 500_000, tzinfo=UTC)),
        ("2024-01-02 10:20:30.123+00", datetime(2024, 1, 2, 10, 20, 30, 123_000, tzinfo=UTC)),
        ("2024-01-02 10:20:30.123456789", datetime(2024, 1, 2, 10, 20, 30, 123_456, tzinfo=UTC)),
        ("2024-01-02 10:20:30 UTC", datetime(2024, 1, 2, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-02 10:20:30+05:30", datetime(2024, 1, 2, 4, 50, 30, tzinfo=UTC)),
        ("2024-01-02 10:20:30 +0530", datetime(2024, 1, 2, 4, 50, 30, tzinfo=UTC)),
        ("2024-01-02 10:20:30.5 -08:00", datetime(2024, 1, 2, 18, 20, 30, 500_000, tzinfo=UTC)),
        ("2024-01-02 10:20 +01", datetime(2024, 1, 2, 9, 20, tzinfo=UTC)),
        ("2024-01-02 10:20:30-08", datetime(2024, 1, 2, 18, 20, 30, tzinfo=UTC)),
        ("1704190830", datetime(2024, 1, 2, 10, 20, 30, tzinfo=UTC)),
        ("1704190830.0", datetime(2024, 1, 2, 10, 20, 30, tzinfo=UTC)),
        ("1704190830123", datetime(2024, 1, 2, 10, 20, 30, 123_000, tzinfo=UTC)),
        ("1704190830123456", datetime(2024, 1, 2, 10, 20, 30, 123_456, tzinfo=UTC)),
        ("-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (
            "Tue Jan 02 2024 10:20:30 GMT+0530 (India Standard Time)",
            datetime(2024, 1, 2, 4, 50, 30, tzinfo=UTC),
        ),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_reads_the_forms_of_times_that_people_have(
    engine: Engine, text: str, moment: datetime
) -> None:
    assert times_of(engine, [text]) == [microseconds(moment)]


@pytest.mark.parametrize(
    "text",
    [
        *("yesterday", "2024-02-30", "2024-13-01", "0000-01-01", "02/01/2024", "12024-01-01"),
        *("2024-01-02 25:00", "2024-01-02 10:20:30+", "infinity", "2024-01-02 10:20:30 Mars/Base"),
        *(
            "9" * 18,
            "9" * 40,
            "1e9",
            "0001-01-01T00:00:00+14:00",
            "Tue Jan 99 2024 10:20:30 GMT+0000",
        ),
    ],
)
def test_refuses_what_is_no_time(engine: Engine, text: str) -> None:
    assert times_of(engine, [text]) == [None]


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        *(("5", 5), ("+5", 5), ("05", 5), ("5.0", 5), ("5.000", 5), (str(2**52), 2**52)),
        *(("0", None), ("-5", None), ("5.5", None), (str(2**52 + 1), None), ("9" * 60, None)),
        *(("1e3", None), ("1_000", None), ("0x1f", None), ("٣", None), ("5 6", None), ("", None)),
    ],
)
def test_keeps_ids_that_are_whole_numbers(engine: Engine, text: str, id_: int | None) -> None:
    begin(engine)
    normalise(engine, Policy(), NOW, renumber=False)
    assert engine.connection.execute("select id_of(?)", [text]).fetchall() == [(id_,)]
