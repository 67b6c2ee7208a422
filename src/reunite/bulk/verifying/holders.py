"""Whether identifiers are held, and contacts hang, as they were presented."""

from __future__ import annotations

import numpy as np

from reunite.bulk.evidence.evidence import Evidence
from reunite.bulk.evidence.forest import Numbers
from reunite.bulk.evidence.tables import Column, slices
from reunite.bulk.verifying.findings import Findings

_SAID = """
select
  type || ' ' || key || ' is said to be held by '
  || coalesce('contact ' || contact_id, 'no contact') || ', '
  || case presented
    when 0 then 'no contact has it' else 'contact ' || presented || ' presented it first'
  end
from node join wrong on wrong.n = node.rowid
where (presented = 0) = $stray
"""


def check_identifiers(evidence: Evidence, findings: Findings) -> None:
    """Find identifiers that are not held by who presented them first.

    What nobody presented has to be blocked; a blocked one that was so before it was seen has no
    holder.
    """
    wrong: list[Column] = []
    low = 0
    for holder, blocked in slices(
        evidence.engine, "node", "coalesce(contact_id, 0), blocked_by is not null"
    ):
        presented = _presented(evidence, evidence.first[low : low + len(holder)])
        right = ((holder == presented) & (holder > 0)) | ((holder == 0) & blocked)
        wrong.append(np.flatnonzero(~right) + low)
        low += len(holder)
    nodes = np.concatenate(wrong) if wrong else np.empty(0, dtype=np.int64)
    if len(nodes):
        presented = _presented(evidence, evidence.first[nodes])
        evidence.engine.keep("wrong", {"n": nodes, "presented": presented})
        findings.ask(evidence.engine, "identifier_nobody_presented", _SAID, stray=True)
        findings.ask(evidence.engine, "identifier_held_by_another", _SAID, stray=False)


def _presented(evidence: Evidence, contacts: Numbers) -> Column:
    """The ids of contacts, 0 for none."""
    if not len(evidence.ids):
        return np.zeros(len(contacts), dtype=np.int64)
    return np.where(contacts >= 0, evidence.ids[contacts], 0)


def check_anchors(evidence: Evidence, findings: Findings) -> None:
    """A contact hangs on what was new when it was made; of two, or of none, on its e-mail."""
    low = 0
    for (is_email,) in slices(evidence.engine, "contact", "anchor = 'email'"):
        contacts = np.arange(low, low + len(is_email), dtype=np.int32)
        e = evidence.free(evidence.emails[contacts])
        p = evidence.free(evidence.phones[contacts])
        is_new_e, is_new_p = (
            (nodes >= 0) & (evidence.first[nodes] == contacts)
            if len(evidence.first)
            else nodes >= 0
            for nodes in (e, p)
        )
        should_be = (e >= 0) & ((p < 0) | is_new_e | ~is_new_p)
        wrong = contacts[(should_be != is_email) & ((e >= 0) | (p >= 0))]
        findings.add(
            "contact_with_another_anchor",
            (
                f"contact {id_} does not hang on what was new when it was made"
                for id_ in evidence.ids[wrong].tolist()
            ),
        )
        low += len(is_email)
