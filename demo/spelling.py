"""The ways in which people write the same phone, e-mail or date."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

_Spell = Callable[[str], str]

_FULL_WIDTH = str.maketrans({str(digit): chr(0xFF10 + digit) for digit in range(10)})
_DEVANAGARI = str.maketrans({str(digit): chr(0x966 + digit) for digit in range(10)})

_PHONES: tuple[_Spell, ...] = (
    lambda phone: f"+{phone}",
    lambda phone: f"+{phone[:2]} {phone[2:7]} {phone[7:]}",
    lambda phone: f"{phone[:2]}-{phone[2:7]}-{phone[7:]}",
    lambda phone: f"({phone[:4]}) {phone[4:7]}.{phone[7:]}",
    lambda phone: f" {phone}\t",
    lambda phone: f"{phone[:5]}\N{NO-BREAK SPACE}{phone[5:]}",
)
_RARE_PHONES: tuple[_Spell, ...] = (
    lambda phone: phone.translate(_FULL_WIDTH),
    lambda phone: phone.translate(_DEVANAGARI),
    lambda phone: f"{phone[:5]}\N{EN DASH}{phone[5:]}",
)
_EMAILS: tuple[_Spell, ...] = (
    str.upper,
    str.title,
    lambda email: f"{email} ",
    lambda email: f"\t{email.capitalize()}",
)


def phone_of(phone: str, chance: random.Random) -> str:
    """A phone's digits as somebody writes them, half of the time as they are."""
    throw = chance.random()
    if throw < 0.5:
        return phone
    return chance.choice(_RARE_PHONES if throw > 0.999 else _PHONES)(phone)


def email_of(email: str, chance: random.Random) -> str:
    """An e-mail as somebody writes it, mostly as it is."""
    return email if chance.random() < 0.8 else chance.choice(_EMAILS)(email)


def date_of(moment: datetime, chance: random.Random) -> str:
    """A time in UTC as some library writes it."""
    throw = chance.random()
    if throw < 0.9:
        return f"{moment:%Y-%m-%d %H:%M:%S}.{chance.randrange(1000):03d}+00"
    if throw < 0.95:
        return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
    return f"{moment:%Y-%m-%d %H:%M:%S}"
