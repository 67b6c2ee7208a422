"""Does a store hold together? All that its tables promise each other, checked from their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from oracle import Node, nodes_of
from tables import Row, Tables, age, ends

__all__ = ["Tables", "faults"]


def faults(tables: Tables) -> list[str]:
    """List everything that does not hold together; empty for a sound store."""
    blocked = tables.blocked()
    for row in tables.contacts:
        if blocked.issuperset(nodes_of(row["email"], row["phone"])):
            return [f"contact {row['id']} holds nothing but what is blocked"]
    return [
        *_faults_of_anchors(tables),
        *_faults_of_identifiers(tables),
        *_faults_of_blocks(tables),
        *_faults_of_identities(tables),
        *_faults_of_positions(tables),
        *_faults_of_ids(tables),
        *_faults_of_links(tables),
        *_faults_of_replay(tables),
    ]


def _faults_of_anchors(tables: Tables) -> Iterator[str]:
    """A contact hangs on a value that is not blocked: the one it held first, or its e-mail."""
    holders, blocked = tables.holders(), tables.blocked()
    for row in tables.contacts:
        nodes = nodes_of(row["email"], row["phone"])
        free = [node for node in nodes if node not in blocked]
        new = [type_ for type_, key in free if holders.get((type_, key)) == row["id"]]
        anchor = new[0] if new else free[0][0]
        if row["anchor"] != anchor:
            yield f"contact {row['id']} hangs on its {anchor}, it says {row['anchor']}"


def _faults_of_identifiers(tables: Tables) -> Iterator[str]:
    """Every value of a contact is known, by the contact that held it first, and nothing else is."""
    holders, blocked = tables.holders(), tables.blocked()
    first: dict[Node, int] = {}
    for contact in sorted(tables.contacts, key=lambda row: (row["position"], *age(row))):
        for node in nodes_of(contact["email"], contact["phone"]):
            if node not in blocked:
                first.setdefault(node, contact["id"])
    for node in first.keys() | holders.keys():
        if first.get(node) != holders.get(node):
            yield (
                f"{node} was presented first by contact {first.get(node)},"
                f" identifier says {holders.get(node)}"
            )


def _faults_of_blocks(tables: Tables) -> Iterator[str]:
    """An import blocked what is blocked, before anyone brought it, and the workspace says so."""
    if tables.has_blocks != bool(tables.blocked()):
        yield f"the workspace says {tables.has_blocks} of whether it blocks anything"
    imports = _positions(tables, "imported")
    blocked_by = {
        (row["type"], row["key"]): row["blocked_by"]
        for row in tables.identifiers
        if row["blocked_by"]
    }
    for row in tables.identifiers:
        if row["blocked_by"] and (row["blocked_by"] not in imports or row["contact_id"]):
            yield f"the block at position {row['blocked_by']} is of no import, or of what was known"
    brought = [(row["position"], nodes_of(row["email"], row["phone"])) for row in tables.contacts]
    brought += [(link["position"], ends(link)) for link in tables.links]
    for position, nodes in brought:
        if any(blocked_by.get(node, 0) > position for node in nodes):
            yield f"position {position} brought what was blocked only later"


def _faults_of_identities(tables: Tables) -> Iterator[str]:
    """Identities are the connected components of the evidence."""
    by_evidence = tables.groups()
    for group in by_evidence ^ tables.partition():
        who = "the evidence" if group in by_evidence else "identity_id"
        yield f"only {who} puts the contacts {sorted(group)} together"
    there = tables.holders().keys() | tables.blocked()
    for link in tables.links:
        if not {node for node in ends(link) if node[0] != "row"} <= there:
            yield f"the link at position {link['position']} names what nobody presented"


def _positions(tables: Tables, *types: str) -> set[int]:
    return {row["position"] for row in tables.journal if row["type"] in types}


def _faults_of_positions(tables: Tables) -> Iterator[str]:
    """Positions have no gaps; each contact and link has the one row that made it."""
    positions = [row["position"] for row in tables.journal]
    if positions != list(range(1, len(positions) + 1)):
        yield f"the journal's positions have gaps: {positions}"
    made = {
        row["position"]: row["contact_id"]
        for row in tables.journal
        if row["type"] in ("created", "extended")
    }
    presented = [row for row in tables.contacts if row["source"] == "presented"]
    if made != {row["position"]: row["id"] for row in presented}:
        yield "contacts and the journal disagree on which position made which contact"
    linked = Counter(row["position"] for row in tables.links if row["source"] == "presented")
    linking = _positions(tables, "merged", "linked")
    if linked.keys() != linking or any(count > 1 for count in linked.values()):
        yield "links and the journal disagree on which position left which link"
    sourced = [row for row in (*tables.contacts, *tables.links) if row["source"] == "imported"]
    rows = [*sourced, *tables.provenance, *tables.tombstones, *tables.demotions]
    for position in {row["position"] for row in rows} - _positions(tables, "imported"):
        yield f"position {position} is no import, but rows say that it imported them"


def _faults_of_ids(tables: Tables) -> Iterator[str]:
    """Ids that the service gave follow the highest one seen; no two rows have the same."""
    expected, last = set(), 0
    for row in tables.journal:
        if row["type"] in ("created", "extended"):
            expected.add(last + 1)
        last = row["last_contact_id"]
    ids = {row["id"] for row in tables.contacts if row["source"] == "presented"}
    if ids != expected:
        yield f"the contacts' ids have gaps: {sorted(ids ^ expected)}"
    ids = {row["id"] for row in tables.contacts}
    for row in tables.tombstones:
        if row["contact_id"] in ids:
            yield f"contact {row['contact_id']} has a tombstone"
    imported = {
        row["id"]: row["position"] for row in tables.contacts if row["source"] == "imported"
    }
    for row in tables.provenance:
        if imported.get(row["contact_id"]) != row["position"]:
            yield f"the provenance of {row['contact_id']} is that of another import"


def _faults_of_links(tables: Tables) -> Iterator[str]:
    """A presented link ties two identifiers, an imported one the anchors of its contacts."""
    contacts = {row["id"]: row for row in tables.contacts}
    holders, journal = tables.holders(), {row["position"]: row for row in tables.journal}
    for link in tables.links:
        here, nodes = f"the link at position {link['position']}", ends(link)
        tied = [link["a_contact_id"], link["b_contact_id"]]
        if link["source"] == "presented":
            held = [holders.get(node) for node in nodes]
            row = journal.get(link["position"], {})
            named = [row.get("contact_id"), row.get("with_contact_id")]
            if named != [held[0] or held[1], held[1] or held[0]] or tied != [0, 0]:
                yield f"{here} is between contacts {held}, the journal says {named}"
            continue
        if nodes[1][0] == "row" and nodes[1][1].startswith(f"{link['position']}:"):
            nodes.pop()
        for node, id_ in zip(nodes, tied, strict=False):
            contact = contacts.get(id_, {"anchor": None, "position": None})
            anchor = contact["anchor"]
            key = contact["phone"].lstrip("+") if anchor == "phone" else contact.get(anchor)
            if (anchor, key) != node or contact["position"] != link["position"]:
                yield f"{here} does not tie contact {id_} by its anchor"


class _Replay:
    """The journal applied row by row, on nothing but contact ids and their ages.

    Of an import the journal says no more than its position: there the evidence up to that position
    says who is one.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.age = {row["id"]: age(row) for row in tables.contacts}
        self.home: dict[int, set[int]] = {}
        self.identities = 0
        self.last_id = 0

    def apply(self, row: Row) -> Iterator[str]:
        """Apply one row and say what is odd about it."""
        if row["type"] == "imported":
            yield from self._adopt(row)
        else:
            yield from self._reconcile(row)

    def _adopt(self, row: Row) -> Iterator[str]:
        position = row["position"]
        before = {self._primary(group) for group in self.home.values()}
        groups = [set(group) for group in self.tables.until(position).groups()]
        self.home = {id_: group for group in groups for id_ in group}
        self.identities = len(groups)
        demoted = before - {self._primary(group) for group in groups}
        noted = {
            each["contact_id"] for each in self.tables.demotions if each["position"] == position
        }
        if noted != demoted:
            yield f"{sorted(demoted)} were demoted, it says {sorted(noted)}"
        tombstones = {
            each["contact_id"] for each in self.tables.tombstones if each["position"] == position
        }
        seen = max({self.last_id, *self.home, *tombstones})
        if row["last_contact_id"] < seen:
            yield f"the id {seen} was seen, it says {row['last_contact_id']}"
        self.last_id = row["last_contact_id"]

    def _reconcile(self, row: Row) -> Iterator[str]:
        one, other = row["contact_id"], row["with_contact_id"]
        groups = [self.home[each] for each in (one, other) if each in self.home]
        primaries = {self._primary(group) for group in groups}
        distinct = len({id(group) for group in groups})
        if (distinct, one in self.home) != _BEFORE[row["type"]]:
            yield f"contacts {one} and {other} were in {distinct} identities before"
        joined = self._join([*groups, {one}])
        self.identities += 1 - distinct if distinct != 1 else 0
        self.last_id = max(self.last_id, one)
        primary = self._primary(joined)
        if row["primary_id"] != primary:
            yield f"the primary is {primary}, it says {row['primary_id']}"
        demoted = primaries - {primary}
        if row["type"] == "merged" and {row["demoted_id"]} != demoted:
            yield f"{demoted} was demoted, it says {row['demoted_id']}"

    def _primary(self, group: set[int]) -> int:
        return min(group, key=self.age.__getitem__)

    def _join(self, groups: list[set[int]]) -> set[int]:
        largest = max(groups, key=len)
        for group in groups:
            if not group <= largest or not group <= self.home.keys():
                largest |= group
                self.home.update(dict.fromkeys(group, largest))
        return largest

    def totals(self) -> tuple[int, int, int]:
        return len(self.home), self.identities, self.last_id


_BEFORE = {
    "created": (0, False),
    "extended": (1, False),
    "merged": (2, True),
    "linked": (1, True),
}
"""In how many identities a row's contacts were before it, and whether the first was in one."""


def _faults_of_replay(tables: Tables) -> Iterator[str]:
    """The journal, replayed, gives the same identities, and its totals are right throughout."""
    replay = _Replay(tables)
    last_at = None
    for row in tables.journal:
        here = f"journal {row['position']} ({row['type']})"
        other = row["with_contact_id"]
        one = row["contact_id"]
        is_import = row["type"] == "imported"
        if (one not in replay.age and not is_import) or (other and other not in replay.home):
            yield f"{here} names contacts that do not exist, or not yet"
            return
        yield from (f"{here}: {fault}" for fault in replay.apply(row))
        if last_at is not None and row["at"] < last_at:
            yield f"{here} is dated before the one in front of it"
        last_at = row["at"]
        kept = row["contacts"], row["identities"], row["last_contact_id"]
        if kept != replay.totals():
            yield f"{here} keeps the totals {kept}, they are {replay.totals()}"
    replayed = {frozenset(group) for group in replay.home.values()}
    for group in replayed ^ tables.partition():
        who = "the journal" if group in replayed else "identity_id"
        yield f"only {who} puts the contacts {sorted(group)} together"
