"""A support agent: looks at doubtful identities, decides, and takes wrong merges back.

Whatever is known here was told by reunite: the list of `reunite stats`, and explanations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Any

from demo.undo.stores import Answer, Refused, Stores

WHO = "ada of support"


@dataclass(frozen=True)
class Identifier:
    """An e-mail, or the digits of a phone."""

    type: str
    key: str

    @property
    def named(self) -> dict[str, str]:
        """As a request names it."""
        return {"email" if self.type == "email" else "phoneNumber": self.key}


@dataclass(frozen=True)
class Doubt:
    """An identity that `reunite stats` lists as doubtful: an e-mail of each name, and the glue."""

    contact_id: int
    emails: tuple[Identifier, ...]
    glue: Identifier | None


@dataclass(frozen=True)
class Decision:
    """What is to be done: ``what`` is ``block`` or ``unlink``, of one identifier or of a pair."""

    what: str
    identifiers: tuple[Identifier, ...]
    why: str


@dataclass(frozen=True)
class Case:
    """A doubt, and what became of it.

    Attributes:
        one, other: the two e-mails that were looked at.
        told: why the two are one person.
        decision: None where it is left to somebody who knows more.
        told_after: why the two are not one person any more.
        contact_ids: the primary contacts of those whom it was parted into; of many the first.
    """

    doubt: Doubt
    one: Identifier
    other: Identifier
    told: list[str]
    decision: Decision | None = None
    told_after: list[str] | None = None
    contact_ids: tuple[int, ...] = ()


def doubts_of(statistics: Mapping[str, Any]) -> list[Doubt]:
    """The doubtful identities of what `reunite stats --json` printed."""
    return [
        Doubt(
            each["primaryContactId"],
            tuple(Identifier("email", key) for key in each["examples"]),
            each["glue"] and Identifier(each["glue"]["type"], each["glue"]["value"]),
        )
        for each in statistics["doubtful"]
    ]


class Agent:
    """Works on one doubt after the other.

    Args:
        before: is told of a doubt and its decision before that is done.
    """

    def __init__(self, stores: Stores, before: Callable[[Doubt, Decision], None]) -> None:
        self._stores = stores
        self._before = before

    def work_on(self, doubt: Doubt) -> Case:
        """Part the first two of its names that what glues it stands between, if that is clear."""
        looked_at = (self._look(doubt, *both) for both in combinations(doubt.emails, 2))
        first = next(looked_at)
        for case in chain([first], looked_at):
            if case.decision is not None and self._may_part(case, case.decision):
                parted = self._part(case, case.decision)
                if parted is not None:
                    return parted
        return replace(first, decision=None)

    def _look(self, doubt: Doubt, one: Identifier, other: Identifier) -> Case:
        explained = self._explain(one, other)
        case = Case(doubt, one, other, explained["sentences"])
        return replace(case, decision=self._decide(case, explained["chain"]))

    def _part(self, case: Case, decision: Decision) -> Case | None:
        """Do it; where the two still are one person it is taken back."""
        self._before(case.doubt, decision)
        done = self._do(case, decision)
        explained = self._explain(case.one, case.other)
        if explained["joined"]:
            undone = {
                "who": WHO,
                "why": f"{case.one.key} and {case.other.key} are one all the same",
            }
            self._stores.post(f"/journal/{done['position']}/undo", undone)
            return None
        return replace(
            case,
            told_after=explained["sentences"],
            contact_ids=tuple(each["primaryContactId"] for each in done["identities"]),
        )

    def _decide(self, case: Case, steps: list[Answer]) -> Decision | None:
        """By what stands between the two; None where no single identifier does."""
        ends = [_identifier(step["to"]) for step in steps]
        glue = case.doubt.glue
        if glue is None or glue not in ends[:-1]:
            return None
        if glue.type == "email":
            why = f"{glue.key} is nobody's own: it joined {case.one.key} and {case.other.key}"
            return Decision("block", (glue,), why)
        place = ends.index(glue)
        beside = _identifier(steps[place]["from"]), ends[place + 1]
        others = [each for each in self._phones(case.doubt.contact_id) if each != glue]
        owning = [each for each in beside if any(self._came_with(each, own) for own in others)]
        if len(owning) != 1:
            return Decision("unlink", (glue,), f"nobody can tell whose number {glue.key} is")
        (stranger,) = owning
        (owner,) = set(beside) - {stranger}
        why = f"{glue.key} is the only number of {owner.key}; {stranger.key} has another"
        return Decision("unlink", (stranger, glue), why)

    def _may_part(self, case: Case, decision: Decision) -> bool:
        """Whether no identity that a try shows, of many the first, would have both."""
        try:
            tried = self._do(case, decision, "?dryRun=true")
        except Refused:
            return False
        both = {case.one.key, case.other.key}
        return not any(both <= set(each["emails"]) for each in tried["identities"])

    def _explain(self, a: Identifier, b: Identifier) -> Answer:
        return self._stores.post("/explain", {"a": a.named, "b": b.named})

    def _phones(self, contact_id: int) -> list[Identifier]:
        contact = self._stores.get(f"/identities/{contact_id}")["contact"]
        return [_phone(spelt) for spelt in contact["phoneNumbers"]]

    def _came_with(self, email: Identifier, phone: Identifier) -> bool:
        """Whether the two were presented together, and not only joined through others."""
        return len(self._explain(email, phone)["chain"]) == 1

    def _do(self, case: Case, decision: Decision, query: str = "") -> Answer:
        body: Answer = {"who": WHO, "why": decision.why}
        named = [each.named for each in decision.identifiers]
        body |= {"pair": named} if len(named) > 1 else {"identifier": named[0]}
        path = (
            "/blocks" if decision.what == "block" else f"/identities/{case.doubt.contact_id}/unlink"
        )
        return self._stores.post(path + query, body)


def _identifier(told: Answer) -> Identifier:
    if told["type"] == "phone":
        return _phone(told["value"])
    return Identifier(told["type"], told["value"])


def _phone(spelt: str) -> Identifier:
    """A phone by its digits, which are what is compared."""
    return Identifier("phone", spelt.removeprefix("+"))
