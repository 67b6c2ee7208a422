"""Whether identifiers are held, and contacts hang, as they were presented."""

from __future__ import annotations

import numpy as np

from reunite.bulk.evidence.decided import blocked_by_hand
from reunite.bulk.evidence.evidence import Evidence
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column, Flags, holders_of, slices
from reunite.bulk.verifying.findings import Findings, Rule
from reunite.repositories import queries

QUERIES = queries.load("reunite.bulk.verifying", "holders.sql")


def check_identifiers(evidence: Evidence, findings: Findings) -> None:
    """Find identifiers that are not held by who presented them first.

    What nobody presented has to be blocked; a blocked one that was so before it was seen has no
    holder. Where something was decided, somebody else may hold an identifier by now: then it has
    to be one who answers for it.
    """
    suspects: list[Column] = []
    low = 0
    for holder, blocked in holders_of(evidence.engine):
        some = slice(low, low + len(holder))
        presented = _presented(evidence, evidence.first[some])
        right = ((holder == presented) & (holder > 0)) | ((holder == 0) & blocked)
        suspects.append(np.flatnonzero(~right | evidence.may_have_moved(some)) + low)
        low = some.stop
    nodes = np.concatenate(suspects) if suspects else np.empty(0, dtype=np.int64)
    if len(nodes):
        evidence.engine.keep(
            "suspect",
            {
                "n": nodes,
                "presented": _presented(evidence, evidence.first[nodes]),
                "decided": evidence.may_have_moved(nodes),
            },
        )
        for rule, sql in QUERIES.items():
            findings.ask(evidence.engine, rule, sql)


def _presented(evidence: Evidence, contacts: Numbers) -> Column:
    """The ids of contacts, 0 for none."""
    if not len(evidence.ids):
        return np.zeros(len(contacts), dtype=np.int64)
    return np.where(contacts >= 0, evidence.ids[contacts], 0)


def check_anchors(evidence: Evidence, findings: Findings) -> None:
    """A contact hangs on what was new when it was made; of two, or of none, on its e-mail.

    What was new cannot be told where one of its values was ever blocked by hand; contacts made for
    an identifier that lost its own have one value.
    """
    by_hand = np.zeros(len(evidence.blocked), dtype=np.bool_)
    by_hand[blocked_by_hand(evidence.engine)] = True
    low = 0
    for (is_email,) in slices(evidence.engine, "contact", "anchor = 'email'"):
        contacts = np.arange(low, low + len(is_email), dtype=np.int32)
        low += len(is_email)
        is_open = np.ones(len(contacts), dtype=np.bool_)
        for nodes in (evidence.emails[contacts], evidence.phones[contacts]):
            is_open[nodes >= 0] &= ~by_hand[nodes[nodes >= 0]]
        _check_anchors(evidence, contacts[is_open], is_email[is_open], findings)


def _check_anchors(
    evidence: Evidence, contacts: Numbers, is_email: Flags, findings: Findings
) -> None:
    e = evidence.free(evidence.emails[contacts])
    p = evidence.free(evidence.phones[contacts])
    is_new_e, is_new_p = (
        (nodes >= 0) & (evidence.first[nodes] == contacts) if len(evidence.first) else nodes >= 0
        for nodes in (e, p)
    )
    should_be = (e >= 0) & ((p < 0) | is_new_e | ~is_new_p)
    hangs = (e >= 0) | (p >= 0)
    wrongs: dict[Rule, tuple[Flags, str]] = {
        "contact_with_another_anchor": (
            hangs & (should_be != is_email),
            "contact {} does not hang on what was new when it was made",
        ),
        "contact_hangs_on_nothing": (
            ~hangs & ((evidence.emails[contacts] >= 0) | (evidence.phones[contacts] >= 0)),
            "contact {} has no identifier that is not blocked",
        ),
    }
    for rule, (wrong, text) in wrongs.items():
        ids = evidence.ids[contacts[wrong]].tolist()
        findings.add(rule, (text.format(id_) for id_ in ids))
