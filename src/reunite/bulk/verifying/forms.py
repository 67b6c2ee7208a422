"""Whether every value of a store is in normal form, by a second path.

What is plain is judged by SQL; everything else is normalised once more and has to stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reunite.bulk.engine import CHUNK, Engine
from reunite.bulk.progress import Progress
from reunite.bulk.verifying.findings import Findings
from reunite.errors import InvalidIdentifier
from reunite.identifier import Policy, normalise_email, normalise_phone

# Of ASCII alone, small letters, as `identifier` reads it: such an e-mail is its own normal form.
_PLAIN_EMAIL = (
    "length(email) <= 254 and email = lower(email) and"
    " regexp_full_match(email, '[!-?A-~]+@[!-\\-/-?A-~]+(\\.[!-\\-/-?A-~]+)+')"
)
_PLAIN_PHONE = "regexp_full_match(phone, '\\+?[0-9]{1,32}(x[0-9]{1,32})?')"


def check_forms(engine: Engine, policy: Policy, findings: Findings, progress: Progress) -> None:
    """Find the contacts whose e-mail or phone is not in normal form."""

    def phone(value: str) -> str:
        return normalise_phone(value, policy.phone_region)

    asked = {
        "email": (_PLAIN_EMAIL, normalise_email),
        "phone": (_PLAIN_PHONE if policy.phone_region is None else "false", phone),
    }
    for column, (plain, normalise) in asked.items():
        _make_odd(engine, column, plain)
        with progress.phase(f"normalising {column}s", engine.count("odd")) as advance:
            findings.add("not_in_normal_form", _wrong(engine, column, normalise, advance))
    engine.connection.execute("drop table odd")


def _make_odd(engine: Engine, column: str, plain: str) -> None:
    engine.connection.execute(
        f"create or replace table odd as select {column} as value, min(id) as id from contact"
        f" where {column} is not null and not ({plain}) group by {column}"
    )


def _wrong(
    engine: Engine, column: str, normalise: Callable[[str], str], advance: Callable[[int], None]
) -> Iterator[str]:
    cursor = engine.connection.cursor()
    cursor.execute("select value, id from odd order by id")
    while chunk := cursor.fetchmany(CHUNK):
        for value, id_ in chunk:
            if not _is_normal(value, normalise):
                yield f"the {column} of contact {id_} is {value!r}"
        advance(len(chunk))
    cursor.close()


def _is_normal(value: str, normalise: Callable[[str], str]) -> bool:
    try:
        return normalise(value) == value
    except InvalidIdentifier:
        return False
