"""The store that a command's options name, to be worked on or only seen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from reunite import repositories
from reunite.repositories import Snapshot, Store
from reunite.settings import Settings


def settings_of(given: Mapping[str, Any]) -> Settings:
    """The settings of a command that has the options database, workspace and phone_region."""
    named = {name: given[name] for name in ("database", "workspace", "phone_region")}
    return Settings.read(os.environ, **named)


def opened(given: Mapping[str, Any]) -> Store:
    """Open the store; it is made at first use."""
    return repositories.open(**_named(given))


def found(given: Mapping[str, Any]) -> Store:
    """Open the store to look into it; one that is not there is not made.

    Raises `StoreMissing`, or `Unknown` for a workspace that it does not have.
    """
    with seen(given):
        pass
    return opened(given)


def seen(given: Mapping[str, Any]) -> AbstractContextManager[Snapshot]:
    """See the store as it is now; nothing is made."""
    return repositories.snapshot(**_named(given))


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    settings = settings_of(given)
    return {
        "url": settings.database,
        "workspace": settings.workspace,
        "phone_region": settings.phone_region,
    }
