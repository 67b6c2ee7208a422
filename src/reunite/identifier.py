"""Identifiers: what is presented, and the normal form in which it is compared.

`present` is the way in. An e-mail's key is its normal form; a phone's key is `phone_key` of it.
Every refusal is an `InvalidIdentifier` that never repeats the value.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Never

import idna
import msgspec
import phonenumbers

from reunite.errors import InvalidIdentifier, InvalidSetting

RULE_VERSION = 1

EMAIL_LENGTH = 254
PHONE_DIGITS = 32

# Longer values are refused before any work is done, so that what a hostile one costs is bounded.
# Composition makes at most four characters into one, so none is lost that would fit once composed.
_LONGEST_PRESENTED = 4 * EMAIL_LENGTH


class Policy(msgspec.Struct, frozen=True):
    """How identifiers are normalised; kept in the store, the same for all its servers.

    ``phone_region`` is an ISO 3166 country code such as ``"IN"`` (kept in upper case), or None to
    compare phones by their digits. Raises InvalidSetting if the region is unknown.
    """

    phone_region: str | None = None
    rule_version: int = RULE_VERSION

    def __post_init__(self) -> None:
        if self.phone_region is not None:
            msgspec.structs.force_setattr(self, "phone_region", _known_region(self.phone_region))


class Presented(msgspec.Struct, frozen=True):
    """One request: an e-mail, a phone number or both, in normal form. Made by `present`."""

    email: str | None
    phone: str | None


def present(policy: Policy, email: object, phone_number: object) -> Presented:
    """Bring one request into normal form.

    ``email`` is str or None, ``phone_number`` str, int or None; empty or blank text is absent.
    Raises InvalidIdentifier naming ``email``, ``phoneNumber`` or, if both are absent, ``""``.
    """
    if email is None:
        mail = None
    elif isinstance(email, str):
        mail = normalise_email(email) if email and not email.isspace() else None
    else:
        _refuse_email("is not text")

    if phone_number is None:
        phone = None
    elif isinstance(phone_number, str):
        blank = not phone_number or phone_number.isspace()
        phone = None if blank else normalise_phone(phone_number, policy.phone_region)
    elif isinstance(phone_number, int):
        phone = normalise_phone(phone_number, policy.phone_region)
    else:
        _refuse_phone("is neither text nor a whole number")

    if mail is None and phone is None:
        raise InvalidIdentifier(
            "", "has neither an email nor a phoneNumber", "give one of them, or both"
        )
    return Presented(mail, phone)


# ── e-mail ───────────────────────────────────────────────────────────────────────────────────────

# All of a valid ASCII e-mail: of such, trimming and lower case are the whole normal form.
# Possessive, so that a hostile value is read once.
_ASCII_EMAIL = re.compile(r"[!-?A-~]++@[!-\-/-?A-~]++(?:\.[!-\-/-?A-~]++)++")

_UNPRINTED = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})

# A later Unicode may give it a small letter or a decomposition: only for what is assigned is the
# normal form the same for ever, and to whoever knows another version, such as PostgreSQL.
_UNASSIGNED = "Cn"


def normalise_email(value: str) -> str:
    """The normal form of an e-mail, which is also its key; idempotent, at most 254 characters.

    Raises InvalidIdentifier.
    """
    email = value.strip().lower()
    if len(email) <= EMAIL_LENGTH and _ASCII_EMAIL.fullmatch(email):
        return email
    return _normalise_any_email(value.strip())


def _normalise_any_email(value: str) -> str:
    if len(value) > _LONGEST_PRESENTED:
        _refuse_email(f"is longer than {EMAIL_LENGTH} characters")
    email = _fold(value)
    categories = {unicodedata.category(char) for char in email}
    if not categories.isdisjoint(_UNPRINTED):
        _refuse_email("holds a blank or a control character")
    if _UNASSIGNED in categories:
        _refuse_email("holds a character that Unicode does not have")
    local, at, domain = email.partition("@")
    if not at:
        _refuse_email("has no @")
    if "@" in domain:
        _refuse_email("has more than one @")
    if not local:
        _refuse_email("has nothing before the @")
    email = f"{local}@{_normalise_domain(domain)}"
    if len(email) > EMAIL_LENGTH:
        _refuse_email(f"is longer than {EMAIL_LENGTH} characters")
    return email


def _fold(text: str) -> str:
    """NFC(lower(NFC)): idempotent, as no composed capital decomposes to small letters alone."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _normalise_domain(domain: str) -> str:
    name = domain if domain.isascii() else _a_labels(domain)
    if name is None:
        _refuse_email("has a domain that cannot be a name on the internet")
    # Only the encoded name tells: IDNA has further dots, and characters that it drops.
    if "." not in name:
        _refuse_email("has no dot in its domain")
    if not all(name.split(".")):
        _refuse_email("has an empty part in its domain")
    return name


def _a_labels(domain: str) -> str | None:
    """The domain in ASCII, or None if it has no such form.

    IDNA's errors quote the domain, so none may live on as the context of another.
    """
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:
        return None


def _refuse_email(wrong: str) -> Never:
    raise InvalidIdentifier("email", wrong, "an e-mail has the form name@example.com")


# ── phone ────────────────────────────────────────────────────────────────────────────────────────


class _Spelling(dict[int, str | None]):
    """For str.translate: formatting dropped, digits and plus in ASCII, letters small.

    What is not ASCII is looked up each time and not kept: hostile values would fill the memory.
    """

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Nd":
            return str(unicodedata.decimal(char))
        return None if category == "Pd" or char.isspace() else char


_SPELLING = _Spelling(
    {code: None if chr(code).isspace() else chr(code).lower() for code in range(128)}
    | {ord(char): None for char in "-./()[]{}\N{MINUS SIGN}"}
    | {ord("\N{FULLWIDTH PLUS SIGN}"): "+"}
)

_PHONE = re.compile(rf"(\+?[0-9]{{1,{PHONE_DIGITS}}})(?:(?:x|ext|#)([0-9]{{1,{PHONE_DIGITS}}}))?")
_PHONE_BUT_FOR_COUNTS = re.compile(r"\+?[0-9]*+(?:(?:x|ext|#)[0-9]*+)?")
_TOO_MANY_DIGITS = re.compile(rf"[0-9]{{{PHONE_DIGITS + 1}}}")


def normalise_phone(value: str | int, region: str | None = None) -> str:
    """The normal form of a phone: ``+``? and 1 to 32 digits, perhaps ``x`` and 1 to 32 more.

    Idempotent. With a region (ISO 3166), what `phonenumbers` can parse becomes E.164. Raises
    InvalidIdentifier, and InvalidSetting if the region is unknown.
    """
    text = value if isinstance(value, str) else _phone_of_number(value)
    match = _PHONE.fullmatch(text)
    if match is None:
        text = text.strip()
        if len(text) > _LONGEST_PRESENTED:
            _refuse_phone(f"is longer than {_LONGEST_PRESENTED} characters")
        text = text.translate(_SPELLING)
        match = _PHONE.fullmatch(text)
        if match is None:
            _refuse_phone(_wrong_with_phone(text))
    number, extension = match.groups()
    if region is not None:
        number = _e164(number, _known_region(region))
    return f"{number}x{extension}" if extension else number


def phone_key(phone: str) -> str:
    """The key of a phone in normal form: the same without the ``+``."""
    return phone.removeprefix("+")


def phone_of_key(key: str, region: str | None = None) -> str:
    """A normal form that has this key, for a phone of which nothing else is known.

    Without a region it is the key itself; with one that may need its ``+``.
    """
    return key if normalise_phone(key, region) == key else f"+{key}"


def _phone_of_number(value: int) -> str:
    if isinstance(value, bool):
        _refuse_phone("is neither text nor a whole number")
    if value < 0:
        _refuse_phone("is negative")
    if value >= 10**PHONE_DIGITS:
        _refuse_phone(f"has more than {PHONE_DIGITS} digits")
    return str(value)


def _e164(number: str, region: str) -> str:
    """E.164, or the number as it is if it cannot be parsed.

    `phonenumbers` is not idempotent: of ``00009015910110`` in India it makes ``+910009015910110``,
    of that ``+91009015910110``, and so on, one prefix at a time. What it says is therefore asked
    again until it stays; that takes one step for each digit at most, and a number that still does
    not settle is left alone.
    """
    form = number
    for _ in range(PHONE_DIGITS):
        try:
            parsed = phonenumbers.parse(form, region)
        except phonenumbers.NumberParseException:
            return form
        again = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if again == form:
            return form
        form = again
    return number


def _known_region(region: str) -> str:
    code = region.upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidSetting(
            f"the phone region {region!r} is unknown; give an ISO 3166 country code such as IN"
        )
    return code


def _wrong_with_phone(text: str) -> str:
    """Why `text`, free of formatting, is no phone."""
    if not any("0" <= char <= "9" for char in text):
        return "has no digit"
    if "+" in text[1:]:
        return "has a + that is not at its start"
    if _TOO_MANY_DIGITS.search(text):
        return f"has more than {PHONE_DIGITS} digits"
    if _PHONE_BUT_FOR_COUNTS.fullmatch(text):
        return "has no digit on one side of its extension's mark"
    if any(char.isalpha() for char in text):
        return "holds a letter"
    return "holds a character that no phone has"


def _refuse_phone(wrong: str) -> Never:
    right = f"a phone has 1 to {PHONE_DIGITS} digits, perhaps + before and x12 after them"
    raise InvalidIdentifier("phoneNumber", wrong, right)
