"""A file of identifiers to block: one a line."""

from __future__ import annotations

from pathlib import Path

from reunite.errors import ImportStopped, InvalidIdentifier
from reunite.identifier import Policy, normalise_email, normalise_phone, phone_key


def read_blocks(path: Path, policy: Policy) -> list[tuple[str, str]]:
    """The identifiers of a file, as (type, key), each once and in order.

    What has an @ is an e-mail, everything else a phone; blank lines, and those that begin with #,
    are passed over. Raises `ImportStopped` naming the line of what is neither.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise ImportStopped(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImportStopped(f"{path}: is not UTF-8") from None
    found: dict[tuple[str, str], None] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                found[_identifier(line, policy)] = None
            except InvalidIdentifier as error:
                raise ImportStopped(f"{path}: line {number}: {error}") from None
    return list(found)


def _identifier(line: str, policy: Policy) -> tuple[str, str]:
    if "@" in line:
        return "email", normalise_email(line)
    return "phone", phone_key(normalise_phone(line, policy.phone_region))
