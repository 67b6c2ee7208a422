"""A workspace keeps the policy it was made with; a program with another must not touch it."""

from __future__ import annotations

from reunite.errors import PolicyMismatch, Unknown
from reunite.identifier import Policy


def require_policy(made_with: Policy, policy: Policy, workspace: str) -> None:
    """Raise `PolicyMismatch`, saying what to do, unless the two policies are the same."""
    if made_with.rule_version != policy.rule_version:
        raise PolicyMismatch(
            f"workspace {workspace!r} was made with rule version {made_with.rule_version}, this "
            f"program has {policy.rule_version}: use a release of reunite with that version"
        )
    if made_with.phone_region != policy.phone_region:
        right = (
            "unset REUNITE_PHONE_REGION"
            if made_with.phone_region is None
            else f"set REUNITE_PHONE_REGION={made_with.phone_region}"
        )
        raise PolicyMismatch(
            f"workspace {workspace!r} was made with phone region {made_with.phone_region or 'none'}"
            f", this program is set to {policy.phone_region or 'none'}: {right}"
        )


def unknown_workspace(name: str) -> Unknown:
    """What is raised where a store that is only looked at has no such workspace."""
    return Unknown(f"the store has no workspace {name!r}: give one that it has (--workspace)")
