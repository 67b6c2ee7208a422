"""What the rows of a table say, by rules that are plain, share no code with reunite, and suffice
for what the two tables hold.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

IMPORTED = 1 << 60
"""Stands for the time of the import: that of rows without one, and of rows from the future."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Row(NamedTuple):
    """A row, its identifiers as keys and as they are spelt.

    ``created_at`` is in microseconds since 1970; ``unusable`` has the columns of ours whose values
    are no identifiers.
    """

    id: int
    created_at: int
    email: str | None
    phone: str | None
    spelt_email: str
    spelt_phone: str
    linked: int | None
    is_deleted: bool
    unusable: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        """The keys of those identifiers that it has."""
        return [key for key in (self.email, self.phone) if key is not None]


def email_key(spelt: str) -> str | None:
    """What an e-mail is compared by; None of what is none."""
    name, at, domain = spelt.strip().lower().partition("@")
    return f"{name}@{domain}" if name and at and domain else None


def phone_key(spelt: str) -> str | None:
    """What a phone is compared by: digits, and an extension as in 12x34; None of what is none."""
    text = spelt.lower()
    letters = [char for char in text if char.isalpha()]
    digits = [str(unicodedata.decimal(char, "x" if char == "x" else "")) for char in text]
    return "".join(digits) if letters in ([], ["x"]) and any(map(str.isdigit, digits)) else None


def read_rows(path: Path) -> Iterator[Row]:
    """All rows of a table, in its order."""
    now = (datetime.now(UTC) - _EPOCH) // _MICROSECOND
    with path.open(encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file):
            spelt_email, spelt_phone = (
                each["email"],
                each.get("phoneNumber") or each.get("phone", ""),
            )
            created_at = _microseconds(each.get("createdAt") or each.get("created_at", ""))
            email, phone = email_key(spelt_email), phone_key(spelt_phone)
            yield Row(
                int(each["id"]),
                IMPORTED if created_at is None or created_at > now else created_at,
                email,
                phone,
                spelt_email,
                spelt_phone,
                int(linked) if (linked := each.get("linkedId")) else None,
                bool(each.get("deletedAt")),
                tuple(
                    column
                    for column, spelt, key in (
                        ("email", spelt_email, email),
                        ("phoneNumber", spelt_phone, phone),
                    )
                    if key is None and spelt.strip()
                ),
            )


def read_blocks(path: Path) -> dict[str, str]:
    """What is to be blocked: by its key, as it is spelt."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    spelt = [line for line in lines if line and not line.startswith("#")]
    return {email_key(each) or phone_key(each) or each: each for each in spelt}


def _microseconds(text: str) -> int | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND
