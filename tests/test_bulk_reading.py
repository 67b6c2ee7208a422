"""Files of all kinds and in all states are read; nothing of them is dropped silently."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reunite.bulk.engine import Engine
from reunite.bulk.evidence.tables import load_csv
from reunite.bulk.reading import Source, gathering, sources_of
from reunite.bulk.reading.blocklist import read_blocks
from reunite.bulk.reading.faults import write_rejects
from reunite.errors import ImportStopped, InvalidSetting
from reunite.identifier import Policy
from sources import NOW, Read, reading

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEADER = "id,email,phoneNumber\n"


class ReadText(Protocol):
    """Reads a file of this text, named as given; options are those of `reading`."""

    def __call__(self, text: str | bytes, name: str = "contacts.csv", **options: Any) -> Read: ...


@pytest.fixture
def read_text(tmp_path: Path) -> Iterator[ReadText]:
    with ExitStack() as stack:

        def read_it(text: str | bytes, name: str = "contacts.csv", **options: Any) -> Read:
            path = tmp_path / name
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            return stack.enter_context(reading(tmp_path, path, **options))

        yield read_it


WhyNot = Callable[..., str]


@pytest.fixture
def why_not(read_text: ReadText, tmp_path: Path) -> WhyNot:
    """Why a file of this text cannot be imported."""

    def why(text: str | bytes, name: str = "contacts.csv") -> str:
        with pytest.raises(ImportStopped) as stopped:
            read_text(text, name)
        return str(stopped.value).replace(str(tmp_path / name), name)

    return why


# ── the formats ──────────────────────────────────────────────────────────────────────────────────

EXPECTED = [(1, "ann@shop.com", "9876543210"), (2, None, "+4930123")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,email,phone\n1,Ann@Shop.com,98765 43210\n2,,+49 30 123\n"),
        ("a.csv", "\ufeffID;E-Mail;Phone_Number\r\n1;Ann@Shop.com;98765 43210\r\n2;;+49 30 123"),
        ("a.txt", "id|mail|tel\n1|Ann@Shop.com|98765 43210\n2||+49 30 123\n"),
        (
            "a.tsv",
            "contact_id\temailAddress\tmobile\n1\tAnn@Shop.com\t9876543210\n2\t\\N\t+4930123",
        ),
        ("a.csv", '"id","email","phone"\n"1","Ann@Shop.com","9876543210"\n"2",NULL,"+4930123"\n'),
        (
            "a.ndjson",
            '{"id": 1, "email": "Ann@Shop.com", "phoneNumber": 9876543210}\n\n'
            '{"id": 2.0, "email": null, "phoneNumber": "+49 30 123"}',
        ),
    ],
)
def test_reads_text_in_the_forms_that_people_have(
    read_text: ReadText, name: str, text: str
) -> None:
    found = read_text(text, name)
    assert found.taken == EXPECTED
    assert found.faults == []


def test_reads_what_gzip_packed(read_text: ReadText) -> None:
    packed = gzip.compress(b"id,email\n1,a@b.co\nx,b@b.co\n")
    for name in ("a.csv.gz", "misnamed.csv"):
        found = read_text(packed, name)
        assert found.taken == [(1, "a@b.co", None)]
        assert found.faults[0][0] == 3


@pytest.mark.parametrize(
    "text",
    [
        b'id,email,note\r\n7,a@b.co,"two\nlines"\r\n8,x,\r\n',
        b'id,email,note\r7,a@b.co,"two\nlines"\r\n8,x,\n',
        b"id,email,note\n7,a@b.co,\0\n\n8,x,\n",
        b"id,email,note\n7,a@b.co,\xe9\n\n8,x,\n",
        b"id,email,note\n7,a@b.co," + b"n" * 3_000_000 + b"\n8,x,\n",
    ],
)
def test_reads_what_is_packed_as_it_reads_it_plain(read_text: ReadText, text: bytes) -> None:
    packed = (
        ("a.csv", text),
        ("a.csv.gz", gzip.compress(text)),
        ("a.csv.zst", zstd.compress(text)),
    )
    plain, *others = [read_text(content, name) for name, content in packed]
    assert plain.reading.rows == 2
    assert [(found.taken, found.faults) for found in others] == [(plain.taken, plain.faults)] * 2


def test_reads_packed_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.connect().execute(f"copy (select 7 as id, 'a@b.co' as email) to '{path}'")
    for ending, pack in ((".gz", gzip.compress), (".zst", zstd.compress)):
        packed = tmp_path / f"a.parquet{ending}"
        packed.write_bytes(pack(path.read_bytes()))
        with reading(tmp_path, packed) as found:
            assert found.taken == [(7, "a@b.co", None)]


def test_reads_typed_values_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.connect().execute(
        "copy (from (values"
        " (1::bigint, 'A@b.co', 9876543210.0::double, null::double,"
        "  timestamp '2024-01-02 03:04:05', false),"
        " (2, 'c@d.co', 9876543211.0, 1.0, null, true),"
        " (3, null, null, 1.0, null, null)"
        ") as t(id, email, phone, linked_id, created_at, is_deleted)) to $path",
        {"path": str(path)},
    )
    with reading(tmp_path, path) as found:
        assert found.rows("select * from taken") == [
            (1, 1704164645000000, "a@b.co", "9876543210", None, None, 0)
        ]
        assert found.rows("select id, why from left_out") == [(2, "deleted"), (3, "refused")]
        assert found.faults == [(3, "", None, "has neither an email nor a phoneNumber")]


@pytest.mark.parametrize("type_", ["timestamp", "timestamptz", "date"])
def test_an_infinite_time_of_parquet_is_no_time(tmp_path: Path, type_: str) -> None:
    path = tmp_path / "a.parquet"
    duckdb.connect().execute(
        f"copy (select * from (values (1, 'a@b.co', 'infinity'::{type_}),"
        f" (2, 'b@b.co', '-infinity'), (3, 'c@b.co', '2020-01-01'), (4, 'd@b.co', null))"
        f" t(id, email, created_at)) to '{path}'"
    )
    with reading(tmp_path, path) as found:
        assert found.rows("select created_at from taken order by id") == [
            *((NOW,), (NOW,), (1_577_836_800_000_000,), (NOW,))
        ]
        told = "is no time; it was set to the time of the import"
        assert found.faults == [
            (1, "createdAt", "infinity", told),
            (2, "createdAt", "-infinity", told),
        ]


def test_reads_text_that_parquet_has_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.connect().execute(
        "copy (from (values"
        " (1, encode('é@x.co'), encode('12')), (2, '\\xFFa@x.co'::blob, encode('13')),"
        " (3, 'a\\xC3'::blob, encode(' NULL')), (4, encode('two' || chr(10) || 'lines'), null)"
        f") as t(id, email, phone)) to '{path}'"
    )
    with reading(tmp_path, path) as found:
        assert found.taken == [(1, "é@x.co", "12"), (2, None, "13")]
        assert found.faults == [
            (2, "email", "\N{REPLACEMENT CHARACTER}a@x.co", "is not UTF-8"),
            (3, "email", "a\N{REPLACEMENT CHARACTER}", "is not UTF-8"),
            (4, "email", "two lines", "holds a blank or a control character"),
        ]


def test_reads_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"id,email\n1,a@b.co\n")))
    with reading(tmp_path, "-") as found:
        assert found.taken == [(1, "a@b.co", None)]
        assert found.reading.sources[0].name == "standard input"


def test_reads_several_files_as_one_and_tells_them_apart(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("id,email\n1,a@b.co\nx,b@b.co\n")
    (tmp_path / "2.csv").write_text('mail,id\nc@b.co,2\n"d@b.co\n,3\n')
    (tmp_path / "3.ndjson").write_text('{"id": 4, "email": "e"}\n')
    with reading(tmp_path, f"{tmp_path}/[12].csv", tmp_path / "3.ndjson") as found:
        assert found.taken == [(1, "a@b.co", None), (2, "c@b.co", None)]
        assert found.rows("select source, line, record from fault order by rowid") == [
            (f"{tmp_path}/1.csv", 3, 1),
            (f"{tmp_path}/2.csv", 3, 3),
            (f"{tmp_path}/2.csv", 4, 4),
            (f"{tmp_path}/3.ndjson", 1, 5),
        ]
        assert [source.rows for source in found.reading.sources] == [2, 3, 1]


# ── malformed text ───────────────────────────────────────────────────────────────────────────────


def test_counts_lines_past_line_ends_in_quotes_and_blank_lines(read_text: ReadText) -> None:
    text = 'id,email,note\n1,a@b.co,"two\nlines"\n\n   \r\n2,x,\n3,b@b.co,"a ""quote"""\n4,y,\n'
    found = read_text(text)
    assert [row[0] for row in found.taken] == [1, 3]
    assert [fault[:3] for fault in found.faults] == [(6, "email", "x"), (8, "email", "y")]


def test_refuses_lines_with_too_few_or_too_many_values(read_text: ReadText) -> None:
    found = read_text(HEADER + "1,a@b.co\n2,b@b.co,5\n3,c@b.co,5,6\n4,d@b.co,,\n")
    assert [row[0] for row in found.taken] == [2, 4]
    assert found.faults == [
        (2, "", "1,a@b.co", "has 2 values where the header has 3"),
        (4, "", "3,c@b.co,5,6", "has 4 values where the header has 3"),
    ]
    assert found.rows("select * from left_out") == [
        (None, None, 0, "refused"),
        (None, None, 2, "refused"),
    ]


def test_loses_to_an_open_quote_only_its_own_line(read_text: ReadText) -> None:
    found = read_text(HEADER + '1,"a@b.co,\n2,b@b.co,5\n3,"c@b.co",6\n4,"d" e,7\n')
    assert [row[0] for row in found.taken] == [2, 3]
    assert [(line, reason) for line, _, _, reason in found.faults] == [
        (2, "has a quote that is closed within a value"),
        (5, "has a quote that is closed within a value"),
    ]
    found = read_text(HEADER + '1,"a@b.co,\n2,b@b.co,5\n')
    assert found.faults == [(2, "", '1,"a@b.co,', "has a quote that is never closed")]
    assert found.taken == [(2, "b@b.co", "5")]


def test_an_open_quote_does_not_swallow_a_long_file(read_text: ReadText) -> None:
    rows = "".join(f"{n},user{n}@example.com,7\n" for n in range(2, 10_002))
    found = read_text(HEADER + '1,"a@b.co,5\n' + rows)
    assert found.reading.taken == 10_000
    assert found.faults == [
        (
            2,
            "",
            '1,"a@b.co,5',
            "has a quote that is never closed, or a value of more than 131072 characters",
        )
    ]


def test_blanks_around_a_value_in_quotes_are_no_part_of_it(read_text: ReadText) -> None:
    found = read_text(HEADER + '1 , "a@b.co","5"  \n 2,  "b@b.co" ,5\n "3","c@b.co"  ,"" \n')
    assert found.taken == [(1, "a@b.co", "5"), (2, "b@b.co", "5"), (3, "c@b.co", None)]
    assert found.faults == []


def test_a_blank_line_is_no_row_of_a_file_with_one_column(read_text: ReadText) -> None:
    for blank in ("", "  ", "\t"):
        found = read_text(f"email\na@b.co\n{blank}\nNULL\nb@b.co\n", renumber=True)
        assert [row[1] for row in found.taken] == ["a@b.co", "b@b.co"]
        assert found.faults == [(4, "", None, "has neither an email nor a phoneNumber")]


def test_a_value_that_is_not_utf_8_is_refused_and_the_row_keeps_its_other(
    read_text: ReadText,
) -> None:
    found = read_text(HEADER.encode() + b"1,caf\xe9@b.co,5\n2,caf\xe9@b.co,\n3,a@b.co,\n")
    assert found.taken == [(1, None, "5"), (3, "a@b.co", None)]
    assert found.faults == [
        (2, "email", "caf\N{REPLACEMENT CHARACTER}@b.co", "is not UTF-8"),
        (3, "email", "caf\N{REPLACEMENT CHARACTER}@b.co", "is not UTF-8"),
    ]


def test_refuses_lines_that_are_no_json_object(read_text: ReadText) -> None:
    found = read_text('{"id":1,"email":"a@b.co"}\n{"id":2\n[3]\n', "a.ndjson")
    assert found.faults == [
        (2, "", '{"id":2', "is no JSON object"),
        (3, "", "[3]", "is no JSON object"),
    ]


fields = st.text(st.sampled_from("ab1@., \"\n\r;'#\\\t\x00é"), max_size=6)
files = st.one_of(
    st.lists(st.tuples(fields, fields), max_size=8).map(
        lambda rows: "".join(
            ",".join('"' + value.replace('"', '""') + '"' for value in row) + "\n" for row in rows
        )
    ),
    st.text(st.sampled_from('a1@.,,"\n\n\r '), max_size=30),
    st.lists(
        st.lists(st.sampled_from(['"a@b.co"', '"5"', '""', " ", "  ", "7", '"'])).map("".join),
        max_size=4,
    ).map(",".join),
    st.lists(
        st.sampled_from(["1,a", "2,", ",", "3,b,", '4,"c"', "5", '"6', "", " "]), max_size=6
    ).map("\n".join),
)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(body=files)
def test_reads_healthy_files_fast_and_all_others_with_care_alike(
    tmp_path_factory: pytest.TempPathFactory, body: str
) -> None:
    folder = tmp_path_factory.mktemp("file")
    path = folder / "a.csv"
    path.write_text("email,phone\n" + body, newline="")

    def outcome() -> tuple[Any, ...]:
        with reading(folder, path, renumber=True) as found:
            return found.taken, found.faults

    either = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "even_lines", lambda *_: None)
        with_care = outcome()
    assert either == with_care


def test_tells_the_lines_of_a_file_that_is_read_in_parallel(read_text: ReadText) -> None:
    rows = "".join(
        f"{n},{'bad' if n % 99_991 == 0 else f'user{n}@example.com'},\n" for n in range(1, 300_001)
    )
    found = read_text(HEADER + rows)
    assert [fault[0] for fault in found.faults] == [99_992, 199_983, 299_974]
    assert found.rows("select count(*) from taken where id <> record + 1") == [(0,)]


# ── what values mean ─────────────────────────────────────────────────────────────────────────────


def test_keeps_what_is_good_of_a_row(read_text: ReadText) -> None:
    found = read_text(
        "id,email,phone,linkedId,createdAt\n"
        "1,bad,98765,,\n2,a@b.co,none,x,someday\n3,bad,none,0,\n4,b@b.co,,4.0,2099-01-01\n",
    )
    assert found.rows("select id, created_at, email, phone, linked from taken") == [
        (1, NOW, None, "98765", None),
        (2, NOW, "a@b.co", None, None),
        (4, NOW, "b@b.co", None, "4"),
    ]
    no_id = "is no whole number from 1 to 4503599627370496"
    assert found.rows("select line, col, reason, refused from fault order by rowid") == [
        (2, "email", "has no @", False),
        (3, "phoneNumber", "has no digit", False),
        (3, "linkedId", no_id, False),
        (3, "createdAt", "is no time; it was set to the time of the import", False),
        (4, "email", "has no @", True),
        (4, "phoneNumber", "has no digit", True),
        (4, "linkedId", no_id, True),
        (5, "createdAt", "is in the future; it was set to the time of the import", False),
    ]
    assert (found.reading.taken, found.reading.refused) == (3, 1)
    assert [(c.column, c.count) for c in found.reading.faults[:2]] == [
        ("email", 2),
        ("linkedId", 2),
    ]


def test_a_row_is_not_deleted_where_the_docs_say_so(read_text: ReadText) -> None:
    docs = (Path(__file__).parent.parent / "docs" / "existing-data.md").read_text()
    (line,) = [line for line in docs.splitlines() if line.startswith("| deletedAt |")]
    kept = re.findall("`([^`]+)`", line)
    kept += [word.upper() for word in kept]
    said = [*kept, "yes", "t", "2020-01-01", "00"]
    rows = "".join(f"{n},e{n}@b.co,{word}\n" for n, word in enumerate(said, 1))
    found = read_text("id,email,deletedAt\n" + rows)
    assert [id_ for id_, *_ in found.taken] == list(range(1, len(kept) + 1))
    assert found.reading.deleted == 4


def test_leaves_soft_deleted_rows_out_but_remembers_their_ids(read_text: ReadText) -> None:
    found = read_text(
        "id,email,deletedAt\n1,a@b.co,2020-01-01\n2,bad,true\n3,c@b.co,\n4,d@b.co,false\nx,e@b.co,1\n",
    )
    assert [row[0] for row in found.taken] == [3, 4]
    assert found.rows("select id, why from left_out") == [
        (1, "deleted"),
        (2, "deleted"),
        (None, "deleted"),
    ]
    assert (found.reading.deleted, found.reading.refused, found.faults) == (3, 0, [])


def test_takes_the_point_off_phones_that_went_through_a_table_of_fractions(
    read_text: ReadText,
) -> None:
    found = read_text(HEADER + "1,,9876543210.0\n2,a@b.co,\n3,,123.0\n")
    assert [row[2] for row in found.taken] == ["9876543210", None, "123"]
    found = read_text(HEADER + "1,,9876543210.0\n2,,123\n")
    assert [row[2] for row in found.taken] == ["98765432100", "123"]


def test_applies_the_phone_region(read_text: ReadText) -> None:
    found = read_text(HEADER + "1,,098765 43210\n2,,+919876543210\n3,,12\n", policy=Policy("IN"))
    assert [row[2] for row in found.taken] == ["+919876543210", "+919876543210", "+9112"]


def test_counts_a_file_without_rows(read_text: ReadText) -> None:
    assert read_text(HEADER).reading.rows == 0


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────


def test_refuses_rows_without_an_id_that_can_be_kept(read_text: ReadText) -> None:
    found = read_text(HEADER + "1,a@b.co,\n,b@b.co,\n2.5,c@b.co,\n")
    assert found.faults == [
        (3, "id", None, "has no id"),
        (4, "id", "2.5", "is no whole number from 1 to 4503599627370496"),
    ]


def test_stops_where_no_id_can_be_kept(why_not: WhyNot) -> None:
    assert "--renumber" in why_not(HEADER + "a1,a@b.co,\na2,b@b.co,\n")


def test_stops_at_ids_that_are_there_twice_and_says_where(why_not: WhyNot) -> None:
    why = why_not("id,email,deletedAt\n7,a@b.co,\n8,b@b.co,\n7.0,c@b.co,true\n8,x,\n")
    assert "7 (contacts.csv line 2 and" in why
    assert "contacts.csv line 4)" in why
    assert "8 (contacts.csv line 3 and" in why
    assert "--renumber" in why


def test_renumbering_takes_ids_of_any_kind(read_text: ReadText) -> None:
    text = "id,email,linkedId\nu-1,a@b.co,\n2,b@b.co,u-1\nu-1,c@b.co,2.0\n,d@b.co,\nu-9,x,\n"
    found = read_text(text, renumber=True)
    assert found.rows("select id, source_id, linked from taken") == [
        (None, "u-1", None),
        (None, "2", "u-1"),
        (None, "u-1", "2"),
        (None, None, None),
    ]
    assert found.rows("select * from left_out") == [(None, "u-9", 4, "refused")]
    assert read_text("email\na@b.co\n", renumber=True).taken == [(None, "a@b.co", None)]


# ── what cannot be read ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.csv", b"", "a.csv: is empty; its first line must name the columns"),
        ("a.csv", b"\n\n", "a.csv: is empty; its first line must name the columns"),
        ("a.csv", b"\xff\xfei\0d\0", "a.csv: is in UTF-16; save it as UTF-8"),
        ("a.csv", b"id,\xe9mail\n", "a.csv: line 1: the header is not UTF-8"),
        (
            "a.csv",
            b'id,"email\n1,a@b.co\n',
            "a.csv: line 1: the header has a quote that is never closed",
        ),
        ("a.csv", b"1,a@b.co\n2,b@b.co\n", "the first line must be a header"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00rubbish", "a.csv.gz: is damaged"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfdrubbish", "a.csv.zst: is damaged"),
        ("a.csv.zst", zstd.compress(b"id,email\n" * 99)[:-2], "a.csv.zst: is damaged"),
        ("a.parquet", b"id,email\n", "a.parquet: is no Parquet file, or damaged"),
        ("a.ndjson", b'[{"id": 1}]', "a.ndjson: has no JSON object; each line must be one"),
    ],
)
def test_says_why_a_file_cannot_be_read(why_not: WhyNot, name: str, text: bytes, why: str) -> None:
    assert why in why_not(text, name)


def test_says_that_a_file_is_not_there(tmp_path: Path) -> None:
    for place, why in (
        (tmp_path / "none.csv", "none.csv: there is no such file"),
        (tmp_path / "*.csv", "no file matches this pattern"),
    ):
        with pytest.raises(ImportStopped, match=why), reading(tmp_path, place):
            pass
    (tmp_path / "folder.csv").mkdir()
    with (
        pytest.raises(ImportStopped, match="is a directory"),
        reading(tmp_path, tmp_path / "folder.csv"),
    ):
        pass


@pytest.mark.parametrize(
    ("places", "options", "why"),
    [
        ([], {}, "nothing to import"),
        (["-", "-"], {}, "only once"),
        (["-"], {"format": "xml"}, "one of csv, tsv, ndjson, parquet, not 'xml'"),
        (["-"], {"table": "contact"}, "are for databases"),
        (["sqlite:///a.db"], {}, "either --table or --query"),
        (["sqlite:///a.db"], {"table": "a", "query": "b"}, "either --table or --query"),
        (["sqlite:///a.db"], {"table": "a", "format": "csv"}, "--format is for files"),
    ],
)
def test_refuses_sources_that_mean_nothing(
    places: list[str], options: dict[str, str], why: str
) -> None:
    with pytest.raises(InvalidSetting, match=why):
        sources_of(places, **options)


def test_a_files_name_tells_its_format_or_the_format_is_asked_for(tmp_path: Path) -> None:
    for name in ("odd[1].dat", "a'b.dat"):
        path = tmp_path / name
        path.write_text("id,email\n1,a@b.co\n")
        with pytest.raises(InvalidSetting, match="give --format"):
            sources_of([str(path)])
        with reading(tmp_path, path, format="csv") as found:
            assert found.taken == [(1, "a@b.co", None)]


@pytest.mark.parametrize("name", ["c[1]", "c*", "c?", "**", "[!a]", "id=7", "c0=7", "{a,b}"])
@pytest.mark.parametrize("ending", [".csv", ".csv.zst", ".parquet"])
def test_a_name_that_looks_like_more_stands_for_its_own_file_alone(
    tmp_path: Path, name: str, ending: str
) -> None:
    for id_, other in enumerate((name, "c1", "a"), 1):
        (tmp_path / other).mkdir()
        path = tmp_path / other / f"{other}{ending}"
        duckdb.connect().execute(f"copy (select {id_} as id, 'a@b.co' as email) to '{path}'")
    with reading(tmp_path, tmp_path / name / f"{name}{ending}") as found:
        assert found.taken == [(1, "a@b.co", None)]


def test_a_table_is_loaded_from_a_folder_whose_name_is_a_pattern(tmp_path: Path) -> None:
    for id_, name in enumerate(("full[1]", "full1"), 1):
        (tmp_path / name).mkdir()
        (tmp_path / name / "contact.csv").write_text(f"{id_}\n")
    with Engine(1 << 28, tmp_path) as engine:
        load_csv(engine, "contact", ["id"], f"{tmp_path}/full[1]/contact.csv")
        assert engine.connection.execute("select id from contact").fetchall() == [(1,)]


def test_says_which_name_cannot_be_told_from_a_pattern(tmp_path: Path) -> None:
    path = tmp_path / "c\\[1].csv"
    path.write_text("id,email\n1,a@b.co\n")
    with pytest.raises(ImportStopped, match="has a backslash"), reading(tmp_path, path):
        pass


def test_never_names_a_password() -> None:
    source = Source("postgresql://me:secret@db.example/shop", "postgresql", table="contact")
    assert source.name == "postgresql://db.example/shop contact"


# ── rejects and blocks ───────────────────────────────────────────────────────────────────────────


def test_lists_what_was_not_taken_as_csv(read_text: ReadText, tmp_path: Path) -> None:
    found = read_text(HEADER + '1,"a, ""b""",5\n2,,\n')
    write_rejects(found.engine, tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["source", "line", "column", "value", "reason"],
            [
                f"{tmp_path}/contacts.csv",
                "2",
                "email",
                'a, "b"',
                "holds a blank or a control character",
            ],
            [f"{tmp_path}/contacts.csv", "3", "", "", "has neither an email nor a phoneNumber"],
        ]


def test_shows_the_first_twenty_faults_and_counts_all(read_text: ReadText) -> None:
    found = read_text(HEADER + "".join(f"{n},bad,{n}\n" for n in range(1, 31)))
    assert [fault.line for fault in found.reading.examples] == list(range(2, 22))
    assert [(c.column, c.reason, c.count) for c in found.reading.faults] == [
        ("email", "has no @", 30)
    ]


def test_reads_identifiers_to_block(tmp_path: Path) -> None:
    path = tmp_path / "block.txt"
    path.write_text("# junk\n\nTest@Test.com\n+00 000-000 \n  test@test.com\n")
    assert read_blocks(path, Policy()) == [("email", "test@test.com"), ("phone", "00000000")]
    path.write_text("test@test.com\nnobody\n")
    with pytest.raises(ImportStopped, match=r"block\.txt: line 2: phoneNumber: has no digit"):
        read_blocks(path, Policy())
    with pytest.raises(ImportStopped, match="cannot be read"):
        read_blocks(tmp_path / "none.txt", Policy())


def test_says_where_rejects_cannot_be_written(tmp_path: Path) -> None:
    with (
        Engine(1 << 28, tmp_path) as engine,
        pytest.raises(ImportStopped, match="cannot be written"),
    ):
        write_rejects(engine, tmp_path / "none" / "rejects.csv")
