"""Both stores verified: each sound, and the same."""

from __future__ import annotations

from collections.abc import Mapping

from demo.adopt.checks import Check
from demo.adopt.commands import Said, verify
from demo.steps import Steps


def verify_stores(
    stores: Mapping[str, str], steps: Steps, when: str = ""
) -> tuple[dict[str, Said], list[Check]]:
    """Run `reunite verify` on each store; ``when`` ends the names of the steps and checks.

    Returns what it said, by store, and what was compared. Raises `Failed`.
    """
    found = {}
    checks = []
    for store, database in stores.items():
        with steps.step(f"verify {store}{when}", shows_itself=True):
            found[store] = verify(database)
        check = Check(f"{store}: verify{when}")
        check.compare("findings", found[store]["findings"], [])
        checks.append(check)
    one, *others = found.values()
    same = Check(f"both stores: counts and digests of verify{when}")
    for other in others:
        same.compare("counts", other["counts"], one["counts"])
        same.compare("digests", other["digests"], one["digests"])
    return found, [*checks, same]
