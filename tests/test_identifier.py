"""What is one e-mail, what is one phone, and what is neither."""

from __future__ import annotations

import re
import sys
import unicodedata

import idna
import msgspec
import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reunite.errors import InvalidIdentifier, InvalidSetting
from reunite.identifier import (
    Policy,
    Presented,
    normalise_email,
    normalise_phone,
    phone_key,
    present,
)

ANYWHERE = Policy()
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]
REFUSED = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Cn"}
FORMATTING = "-./()[]{}\u2212"
DIGIT_SCRIPTS = "0\u0660\u06f0\u0966\uff10\U0001d7ce"

# A machine shared with others may pause anywhere, so no example has a deadline.
often = settings(max_examples=300, deadline=None)


def refusal(field: str, value: object) -> InvalidIdentifier:
    """The refusal of `value` presented alone as `field`."""
    email, phone_number = (value, None) if field == "email" else (None, value)
    with pytest.raises(InvalidIdentifier) as caught:
        present(ANYWHERE, email, phone_number)
    assert caught.value.field == field
    return caught.value


# ── the same rules once more, slowly: what the fast path and the regular expressions must equal ──


def email_by_the_book(value: str) -> str | None:
    """The normal form, or None if refused."""
    email = unicodedata.normalize("NFC", value.strip())
    email = unicodedata.normalize("NFC", email.lower())
    if email.count("@") != 1 or any(unicodedata.category(char) in REFUSED for char in email):
        return None
    local, domain = email.split("@")
    if not domain.isascii():
        try:
            labels = idna.uts46_remap(domain, std3_rules=False).split(".")
            domain = ".".join(idna.alabel(label).decode() for label in labels)
        except UnicodeError:
            return None
    email = f"{local}@{domain}"
    parts = domain.split(".")
    return email if local and len(parts) > 1 and all(parts) and len(email) <= 254 else None


def phone_by_the_book(value: str) -> str | None:
    """The plain normal form, or None if refused."""
    left = ""
    for char in value:
        if char.isspace() or char in FORMATTING or unicodedata.category(char) == "Pd":
            continue
        if unicodedata.category(char) == "Nd":
            left += str(int(char))
        elif char == "\uff0b":
            left += "+"
        else:
            left += char.lower() if char.isascii() else char
    sign, left = ("+", left[1:]) if left.startswith("+") else ("", left)
    mark = next((mark for mark in ("ext", "x", "#") if mark in left), "")
    number, extension = left.split(mark, 1) if mark else (left, "1")
    for digits in (number, extension):
        if not 1 <= len(digits) <= 32 or not set(digits) <= set("0123456789"):
            return None
    return f"{sign}{number}x{extension}" if mark else sign + number


def email_or_none(value: str) -> str | None:
    try:
        return normalise_email(value)
    except InvalidIdentifier:
        return None


def phone_or_none(value: str, region: str | None = None) -> str | None:
    try:
        return normalise_phone(value, region)
    except InvalidIdentifier:
        return None


# ── what is thrown at them ───────────────────────────────────────────────────────────────────────

any_text = st.text(st.characters())  # unlike plain text(), with lone surrogates
odd_letters = "aZ.+_09\u00c4\u00dfe\u0301\u03a3\u0130\u212a\u0345"
local_like = st.text(st.sampled_from(odd_letters), min_size=1)
label_like = st.text(st.sampled_from("aZ0\u00e4\u00dc\u1e9e\u03a3\u3042\uff21\ufe0f"), min_size=1)
bad_label = st.text(st.sampled_from("a-_\u00e4\u05d0\u0663\u200d\uff20 \ud800"), max_size=4)
some_label = st.sampled_from(["com", "xn--mnchen-3ya", "xn--a", "xn--"])
dots = st.sampled_from([".", "\u3002", "\uff0e", "\uff61"])
email_like = st.builds(
    lambda local, labels, dot: f"{local}@{dot.join(labels)}",
    local_like | st.text(st.sampled_from(odd_letters + "@ \x00\ud800")),
    st.lists(label_like, min_size=2, max_size=4)
    | st.lists(label_like | bad_label | some_label, max_size=4),
    dots,
)
spelt_digits = st.text(
    st.sampled_from("0123456789\u0663\uff13 -./()[]{}\u2013\u2212\u3000"), min_size=1
)
phone_like = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "+", "\uff0b", " +"]),
        spelt_digits,
        st.sampled_from(["", "", "x", "X", "#", "ext", "Ext. ", "E#T", "y", "+", "x x", "\x00"]),
        spelt_digits | st.just(""),
    ),
) | st.text(st.sampled_from("0123456789+xXeEtT#a\u00e9\x00"), max_size=45)
plain_emails = st.from_regex(
    r"[a-z0-9.+_-]{1,20}@[a-z0-9-]{1,20}(\.[a-z]{2,10}){1,3}", fullmatch=True
)
plain_phones = st.from_regex(r"\+?[0-9]{1,32}(x[0-9]{1,32})?", fullmatch=True)


@st.composite
def dialled(draw: st.DrawFn) -> tuple[str, str]:
    """A region, and a number such as is dialled there: with prefixes, perhaps too many."""
    region = draw(st.sampled_from(REGIONS))
    country = str(phonenumbers.country_code_for_region(region))
    start = draw(st.lists(st.sampled_from(["0", "00", "1", "011", "8", "9", country]), max_size=4))
    sign = draw(st.sampled_from(["", "+", "+" + country]))
    rest = draw(st.text(st.sampled_from("0123456789"), min_size=1, max_size=15))
    return region, (sign + "".join(start) + rest)[:33]


# ── e-mail ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("presented", "normal"),
    [
        ("foo@example.com", "foo@example.com"),
        ("  Foo@Example.COM\t\n", "foo@example.com"),
        ("o'brien+shop/2@mail.example.co.uk", "o'brien+shop/2@mail.example.co.uk"),
        ("JO\u0308RG@example.com", "j\u00f6rg@example.com"),
        ("\u212aelvin@example.com", "kelvin@example.com"),
        ("\u0130@example.com", "i\u0307@example.com"),
        ("a@M\u00dcNCHEN.de", "a@xn--mnchen-3ya.de"),
        ("a@mu\u0308nchen.de", "a@xn--mnchen-3ya.de"),
        ("a@XN--MNCHEN-3YA.de", "a@xn--mnchen-3ya.de"),
        ("a@m\u00fcnchen\u3002de", "a@xn--mnchen-3ya.de"),
        ("a@example\uff0ecom", "a@example.com"),
        ("a@\uff45xample\uff61com", "a@example.com"),
        ("a@stra\u00dfe.de", "a@xn--strae-oqa.de"),
        ("a@\u03b2\u03bf\u03bb\u03bf\u03c2.gr", "a@xn--nxaslbp.gr"),
        ("a@a\ufe0f.com", "a@a.com"),
    ],
)
def test_an_email_is_trimmed_composed_in_small_letters_and_its_domain_in_ascii(
    presented: str, normal: str
) -> None:
    assert normalise_email(presented) == normal


@pytest.mark.parametrize(
    ("presented", "wrong"),
    [
        ("foo", "has no @"),
        ("foo\uff20example.com", "has no @"),
        ("a@b@example.com", "has more than one @"),
        ("@example.com", "has nothing before the @"),
        ("  @example.com", "has nothing before the @"),
        ("foo@", "has no dot in its domain"),
        ("foo@localhost", "has no dot in its domain"),
        ("foo@m\u00fcnchen", "has no dot in its domain"),
        ("foo@.com", "has an empty part in its domain"),
        ("foo@example.", "has an empty part in its domain"),
        ("foo@a..com", "has an empty part in its domain"),
        ("foo@m\u00fcnchen.", "has an empty part in its domain"),
        ("foo@m\u00fcnchen.de\u3002", "has an empty part in its domain"),
        ("foo@\u3002com", "has a domain that cannot be a name on the internet"),
        ("foo@\ufe0f.com", "has a domain that cannot be a name on the internet"),
        ("foo@\uff20.com", "has a domain that cannot be a name on the internet"),
        ("foo@\u2603\u00fc.xn--a.com", "has a domain that cannot be a name on the internet"),
        ("foo@" + "\u00fc" * 60 + ".de", "has a domain that cannot be a name on the internet"),
        ("foo bar@example.com", "holds a blank or a control character"),
        ("foo\u00a0bar@example.com", "holds a blank or a control character"),
        ("foo@exa mple.com", "holds a blank or a control character"),
        ("foo\x00@example.com", "holds a blank or a control character"),
        ("foo@example.com\x00", "holds a blank or a control character"),
        ("foo\u200b@example.com", "holds a blank or a control character"),
        ("foo\u2028@example.com", "holds a blank or a control character"),
        ("foo\ud800@example.com", "holds a blank or a control character"),
        ("a@\udfffexample.com", "holds a blank or a control character"),
        ("foo\uffff@example.com", "holds a character that Unicode does not have"),
        ("foo\U000e0080@example.com", "holds a character that Unicode does not have"),
        ("a" * 243 + "@example.com", "is longer than 254 characters"),
        ("\u00e9" * 243 + "@example.com", "is longer than 254 characters"),
    ],
)
def test_what_is_no_email_is_refused_with_the_reason(presented: str, wrong: str) -> None:
    error = refusal("email", presented)
    assert (error.wrong, error.right) == (wrong, "an e-mail has the form name@example.com")


def test_the_longest_email_counts_as_composed_and_encoded() -> None:
    assert len(normalise_email("a" * 242 + "@example.com")) == 254
    assert len(normalise_email("e\u0301" * 242 + "@example.com")) == 254
    encoded = "a" * 236 + "@xn--mnchen-3ya.de"
    assert len(encoded) == 254
    assert normalise_email("a" * 236 + "@m\u00fcnchen.de") == encoded
    refusal("email", "a" * 237 + "@m\u00fcnchen.de")


def test_lower_case_settles_at_once_for_all_of_unicode() -> None:
    """Why NFC(lower(NFC)) is idempotent, in the Unicode of this Python."""
    for char in EVERY_CHARACTER:
        small = char.lower()
        assert small.lower() == small
        parts = unicodedata.normalize("NFD", char)
        assert len(parts) <= 4
        if small != char == unicodedata.normalize("NFC", char):
            assert len(parts) == 1 or parts.lower() != parts


def test_every_character_is_either_refused_or_kept_in_a_local_part() -> None:
    kept = []
    for char in EVERY_CHARACTER:
        if unicodedata.category(char) in REFUSED:
            refusal("email", f"a{char}b@example.com")
        elif char != "@":
            kept.append(char)
    assert len(kept) > 250_000
    for at in range(0, len(kept), 50):
        email = f"a{'a'.join(kept[at : at + 50])}b@example.com"
        composed = unicodedata.normalize("NFC", email)
        assert normalise_email(email) == unicodedata.normalize("NFC", composed.lower())


def test_every_assigned_character_in_a_domain_is_refused_or_becomes_ascii() -> None:
    for char in EVERY_CHARACTER:
        if unicodedata.category(char) not in {"Cn", "Co"}:
            email = email_or_none(f"a@b{char}c.com")
            assert email is None or email.isascii()


@often
@given(email_like | any_text | plain_emails)
@example("a@a\u0627.\u0661a")
def test_any_text_gives_the_email_that_the_slow_rule_gives(value: str) -> None:
    assert email_or_none(value) == email_by_the_book(value)


@often
@given(email_like | any_text)
def test_an_email_in_normal_form_stays_and_keeps_to_its_alphabet(value: str) -> None:
    email = email_or_none(value)
    if email is not None:
        assert normalise_email(email) == email
        assert re.fullmatch(r"[^@\s\x00\ud800-\udfff]+@[!-?\[-~]+\.[!-?\[-~]+", email)
        assert len(email) <= 254


@often
@given(plain_emails, st.text(st.sampled_from(" \t\n\u00a0\u3000")))
def test_case_and_padding_make_no_other_email(email: str, padding: str) -> None:
    assert normalise_email(padding + email.upper() + padding) == email_or_none(email)
    assert normalise_email(email.title()) == email_or_none(email)


# ── phone ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("presented", "normal"),
    [
        ("1234567890", "1234567890"),
        (1234567890, "1234567890"),
        (0, "0"),
        ("0", "0"),
        ("000", "000"),
        (10**32 - 1, "9" * 32),
        (" +1 (234) 567-890 ", "+1234567890"),
        ("[1] {2} 3.4/5", "12345"),
        ("12\u201334\u221256\uff0d78", "12345678"),
        ("12\u00a034\u300056\n78", "12345678"),
        ("\uff0b\u0661\u06f2\u0969\uff14", "+1234"),
        ("(+91) 98765", "+9198765"),
        ("-5", "5"),
        ("123 x12", "123x12"),
        ("123 X 12", "123x12"),
        ("123#12", "123x12"),
        ("123 ext 12", "123x12"),
        ("123 Ext. 12", "123x12"),
        ("123EXT.0\u0661", "123x01"),
        ("1" * 32 + "x" + "2" * 32, "1" * 32 + "x" + "2" * 32),
    ],
)
def test_a_phone_is_its_sign_digits_and_extension(presented: str | int, normal: str) -> None:
    assert normalise_phone(presented) == normal
    assert present(ANYWHERE, None, presented) == Presented(None, normal)


@pytest.mark.parametrize(
    ("presented", "wrong"),
    [
        ("---", "has no digit"),
        ("+", "has no digit"),
        ("phone", "has no digit"),
        ("\x00", "has no digit"),
        ("1+2", "has a + that is not at its start"),
        ("++12", "has a + that is not at its start"),
        ("12x+3", "has a + that is not at its start"),
        ("1" * 33, "has more than 32 digits"),
        ("1x" + "2" * 33, "has more than 32 digits"),
        (10**32, "has more than 32 digits"),
        (-1, "is negative"),
        ("x12", "has no digit on one side of its extension's mark"),
        ("12 ext.", "has no digit on one side of its extension's mark"),
        ("12y3", "holds a letter"),
        ("12 x 3 x 4", "holds a letter"),
        ("12e#t3", "holds a letter"),
        ("12#3#4", "holds a character that no phone has"),
        ("1-800-FLOWERS", "holds a letter"),
        ("12\u00e9", "holds a letter"),
        ("12\x00", "holds a character that no phone has"),
        ("12\ud800", "holds a character that no phone has"),
        ("12,13", "holds a character that no phone has"),
        ("12\u00b2", "holds a character that no phone has"),
        ("12\u200b3", "holds a character that no phone has"),
        (True, "is neither text nor a whole number"),
        (False, "is neither text nor a whole number"),
        (1.0, "is neither text nor a whole number"),
        (b"12", "is neither text nor a whole number"),
        (["12"], "is neither text nor a whole number"),
    ],
)
def test_what_is_no_phone_is_refused_with_the_reason(presented: object, wrong: str) -> None:
    error = refusal("phoneNumber", presented)
    right = "a phone has 1 to 32 digits, perhaps + before and x12 after them"
    assert (error.wrong, error.right) == (wrong, right)


def test_every_character_is_dropped_folded_or_refused_in_a_phone() -> None:
    for char in EVERY_CHARACTER:
        category = unicodedata.category(char)
        if category == "Nd":
            expected = f"1{unicodedata.digit(char)}2"
        elif char.isspace() or category == "Pd" or char in FORMATTING:
            expected = "12"
        elif char in "xX#":
            expected = "1x2"
        else:
            expected = None
        assert phone_or_none(f"1{char}2") == expected


@often
@given(phone_like | any_text | plain_phones)
def test_any_text_gives_the_phone_that_the_slow_rule_gives(value: str) -> None:
    assert phone_or_none(value) == phone_by_the_book(value)


@often
@given(plain_phones, st.data())
def test_formatting_and_scripts_make_no_other_phone(phone: str, data: st.DataObject) -> None:
    blanks = st.text(st.sampled_from(" -./()[]{}\u00a0\u2013\u2014\u2212\u3000\t"), max_size=3)
    spelt = ""
    for char in phone:
        zero = data.draw(st.sampled_from(DIGIT_SCRIPTS))
        spelt += data.draw(blanks)
        spelt += chr(ord(zero) + int(char)) if char.isdigit() else char.upper()
    assert normalise_phone(spelt) == phone


@often
@given(st.integers(0, 10**32 - 1))
def test_a_number_is_the_phone_of_its_digits(number: int) -> None:
    assert normalise_phone(number) == normalise_phone(str(number)) == str(number)


def test_the_key_of_a_phone_knows_no_plus() -> None:
    assert (
        phone_key(normalise_phone("+1 234 x5")) == phone_key(normalise_phone("1234x5")) == "1234x5"
    )
    assert phone_key("12x3") != phone_key("12x4") != phone_key("12")


# ── phones of a region ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("presented", "normal"),
    [
        ("98765 43210", "+919876543210"),
        ("09876543210", "+919876543210"),
        ("+91 98765-43210", "+919876543210"),
        ("00919876543210", "+919876543210"),
        (9876543210, "+919876543210"),
        ("919876543210", "+919876543210"),
        ("098765 43210 ext. 12", "+919876543210x12"),
        ("00009015910110", "+919015910110"),
        ("+44 20 7946 0958", "+442079460958"),
        ("0", "0"),
        ("1", "1"),
        ("1x2", "1x2"),
        ("+" + "9" * 32, "+" + "9" * 32),
        ("9" * 32 + "x1", "9" * 32 + "x1"),
    ],
)
def test_in_a_region_what_can_be_parsed_becomes_e164(presented: str | int, normal: str) -> None:
    assert normalise_phone(presented, "IN") == normal
    assert present(Policy("IN"), None, presented) == Presented(None, normal)


@pytest.mark.parametrize("presented", ["1-800-FLOWERS", "tel:12", "12*", "+", "", "98765\x0043210"])
def test_a_region_makes_no_phone_of_what_is_none(presented: str) -> None:
    with pytest.raises(InvalidIdentifier):
        normalise_phone(presented, "US")


def test_in_its_region_every_example_number_is_its_e164() -> None:
    for region in REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            spelt = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
            assert normalise_phone(e164, region) == normalise_phone(spelt, region) == e164


@settings(max_examples=1500, deadline=None)
@given(dialled())
@example(("IN", "00009015910110"))
@example(("CD", "00000003168979811"))
def test_in_any_region_a_phone_in_normal_form_stays(number: tuple[str, str]) -> None:
    region, value = number
    phone = normalise_phone(value, region)
    assert normalise_phone(phone, region) == phone
    assert re.fullmatch(r"\+?[0-9]{1,32}", phone)


@often
@given(phone_like | any_text, st.sampled_from(REGIONS))
def test_a_region_refuses_what_the_plain_rule_refuses_and_keeps_extensions(
    value: str, region: str
) -> None:
    plain, phone = phone_or_none(value), phone_or_none(value, region)
    assert (phone is None) == (plain is None)
    if plain is not None and phone is not None:
        assert plain.partition("x")[1:] == phone.partition("x")[1:]
        assert normalise_phone(phone, region) == phone


# ── policy and requests ──────────────────────────────────────────────────────────────────────────


def test_a_policy_keeps_its_region_in_upper_case() -> None:
    assert Policy("in") == Policy("IN")
    assert Policy("in").phone_region == "IN"
    assert Policy().phone_region is None
    assert msgspec.json.decode(msgspec.json.encode(Policy("de")), type=Policy) == Policy("DE")


@pytest.mark.parametrize("region", ["", "XX", "India", "001", "91", " IN", "I\x00"])
def test_an_unknown_region_is_a_wrong_setting(region: str) -> None:
    with pytest.raises(InvalidSetting, match="ISO 3166"):
        Policy(region)
    with pytest.raises(InvalidSetting):
        normalise_phone("123", region)


@pytest.mark.parametrize("absent", [None, "", " ", "\t\n\u3000"])
def test_blank_is_absent_and_both_absent_is_no_request(absent: str | None) -> None:
    assert present(ANYWHERE, "A@b.C", absent) == Presented("a@b.c", None)
    assert present(ANYWHERE, absent, "+1 2") == Presented(None, "+12")
    with pytest.raises(InvalidIdentifier) as caught:
        present(ANYWHERE, absent, absent)
    assert caught.value.field == ""


def test_a_huge_value_is_refused_before_it_costs_anything() -> None:
    """Composing the marks takes hours, and text of the number is more than Python would make."""
    for email in ("a" * 10**6 + "@example.com", "\u0315\u0300" * 10**6):
        assert refusal("email", email).wrong == "is longer than 254 characters"
    for phone in ("1" + " " * 10**6 + "2", "\u0663" * 10**6):
        assert refusal("phoneNumber", phone).wrong == "is longer than 1016 characters"
    assert refusal("phoneNumber", 10**300_000).wrong == "has more than 32 digits"


def test_zero_is_present() -> None:
    assert present(ANYWHERE, None, 0) == Presented(None, "0")


@pytest.mark.parametrize("value", [True, False, 1, 1.5, b"a@b.c", ["a@b.c"], {"a": 1}, object()])
def test_an_email_is_text_only(value: object) -> None:
    assert refusal("email", value).wrong == "is not text"


@pytest.mark.parametrize("value", [True, False, 1.5, float("nan"), b"12", ["12"], {"a": 1}])
def test_a_wrong_phone_is_refused_beside_a_good_email(value: object) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        present(ANYWHERE, "a@b.c", value)
    assert caught.value.field == "phoneNumber"


@often
@given(
    st.none() | any_text | email_like | st.integers() | st.floats() | st.booleans(),
    st.none() | any_text | phone_like | st.integers() | st.floats() | st.booleans(),
    st.none() | st.sampled_from(REGIONS),
)
def test_whatever_is_presented_comes_out_in_normal_form_or_is_refused(
    email: object, phone_number: object, region: str | None
) -> None:
    policy = Policy(region)
    try:
        presented = present(policy, email, phone_number)
    except InvalidIdentifier:
        return
    assert present(policy, presented.email, presented.phone) == presented


@often
@given(st.sampled_from(["email", "phoneNumber"]), any_text, any_text)
@example("email", "", "@m\u00fcnchen.\u2603\u00ad")
@example("email", "\u00fc@", ".xn--a.\u00fc.com")
@example("phoneNumber", "1", "")
def test_a_refusal_never_repeats_the_value(field: str, before: str, after: str) -> None:
    error = refusal(field, f"{before} qzqz {after} ")
    for told in (str(error), error.wrong, error.right):
        assert "qzqz" not in told
    assert error.__context__ is None
    assert error.__cause__ is None
