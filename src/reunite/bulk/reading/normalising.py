"""All rows in normal form: SQL for what is surely plain, `identifier` itself for all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context

from reunite.bulk.engine import Engine
from reunite.errors import InvalidIdentifier
from reunite.identifier import Policy, normalise_email, normalise_phone
from reunite.reconcile import Microseconds
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.reading", "normalising.sql")

_FORM = {"value": "varchar", "form": "varchar", "wrong": "varchar"}

_Form = tuple[str, str | None, str | None]
"""A value, its normal form, and why it has none; neither where it is blank and so says nothing."""

_WORTH_A_PROCESS = 20_000


def normalise(engine: Engine, policy: Policy, at: Microseconds, *, renumber: bool) -> None:
    """Make the tables ``judged``, ``taken`` and ``left_out`` of ``raw``.

    Args:
        engine: with the tables of gathering.sql.
        policy: how phones are compared.
        at: when rows were made that do not say it, or say that it will be.
        renumber: whether ids are given anew, so that old ones are any text.
    """
    connection = engine.connection
    connection.execute(QUERIES["begin"])
    engine.fill("email_form", _FORM, _forms(engine, "odd_emails", normalise_email))
    engine.fill("phone_form", _FORM, _forms(engine, "odd_phones", normalise_phone))
    connection.execute(QUERIES["make_judged"], {"at": at, "renumber": renumber})
    if policy.phone_region is not None:
        _apply_region(engine, policy.phone_region)
    for query in ("make_taken", "make_left_out"):
        connection.execute(QUERIES[query].replace("$renumber", str(renumber)))


def _forms(
    engine: Engine, query: str, normalise_value: Callable[[str], str]
) -> Iterator[list[_Form]]:
    for values in _columns(engine, query):
        yield [form_of(value, normalise_value) for value in values]


def form_of(value: str, normalise_value: Callable[[str], str]) -> _Form:
    """What `identifier.present` makes of one value; blank text is absent."""
    if value.isspace():
        return value, None, None
    try:
        return value, normalise_value(value), None
    except InvalidIdentifier as error:
        return value, None, error.wrong


def _apply_region(engine: Engine, region: str) -> None:
    """Let phones be as the region has them, each distinct one asked once.

    A phone's normal form without a region is as good a start as the phone itself.
    """
    regional = partial(_regional, region)
    chunks = _columns(engine, "distinct_phones")
    row = engine.connection.execute(
        f"select count(*) from ({QUERIES['distinct_phones']})"
    ).fetchone()
    is_much = row is not None and row[0] > _WORTH_A_PROCESS
    # Forked, a process would have DuckDB's locks without its threads.
    pool = ProcessPoolExecutor(mp_context=get_context("spawn")) if is_much else None
    with pool or nullcontext():
        forms = pool.map(regional, chunks) if pool else map(regional, chunks)
        engine.fill("regional", {"value": "varchar", "form": "varchar"}, forms)
    engine.connection.execute(QUERIES["make_judged_with_region"])


def _regional(region: str, phones: Sequence[str]) -> list[tuple[str, str]]:
    return [(phone, normalise_phone(phone, region)) for phone in phones]


def _columns(engine: Engine, query: str) -> Iterator[list[str]]:
    """The values of a query of one column, many at a time."""
    for chunk in engine.rows(QUERIES[query], ("value",)).tuples():
        yield [str(value) for (value,) in chunk]
