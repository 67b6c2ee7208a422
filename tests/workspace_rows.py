"""All rows of a workspace but for its clocks: what the two stores must have in common."""

from __future__ import annotations

from typing import Any

import apsw
import psycopg

TABLES = {
    "contact": "id, identity_id, email, phone, position, source, anchor, voided",
    "identifier": "type, key, contact_id, blocked_by",
    "link": "a_type, a_key, b_type, b_key, source, position, a_contact_id, b_contact_id, voided",
    "journal": "position, type, contact_id, with_contact_id, primary_id, demoted_id,"
    " contacts, identities, last_contact_id, who, why",
    "void": "position, target, target_position, contact_id, a_type, a_key, b_type, b_key,"
    " a_contact_id, b_contact_id, voided",
    "identity_constraint": "a_type, a_key, b_type, b_key, position, voided",
    "block": "type, key, position, voided",
    "held": "id, requests, email, phone, reason, a_type, a_key, b_type, b_key,"
    " constraint_position, voided",
    "demotion": "contact_id, position",
    "provenance": "contact_id, position, source_id, linked_id",
    "tombstone": "contact_id, position",
}
Rows = dict[str, list[Any]]


def rows(url: str, workspace: str) -> Rows:
    """Every table's rows, in an order of their own."""
    selects = {
        table: f"select {columns} from {{0}}{table}"
        f" where workspace = (select id from {{0}}workspace where name = '{workspace}')"
        for table, columns in TABLES.items()
    }
    selects["workspace"] = (
        f"select identity_limit, has_blocks, has_constraints from {{0}}workspace"
        f" where name = '{workspace}'"
    )
    read = _of_sqlite if url.startswith("sqlite:///") else _of_postgresql
    return {table: sorted(map(str, found)) for table, found in read(url, selects).items()}


def _of_sqlite(url: str, selects: dict[str, str]) -> Rows:
    file = apsw.Connection(url.removeprefix("sqlite:///"))
    found = {table: list(file.execute(sql.format(""))) for table, sql in selects.items()}
    file.close()
    found["workspace"] = [(limit, bool(a), bool(b)) for limit, a, b in found["workspace"]]
    return found


def _of_postgresql(url: str, selects: dict[str, str]) -> Rows:
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(sql.format("reunite.").encode()).fetchall()
            for table, sql in selects.items()
        }
