"""`reunite serve` with nothing behind the HTTP stack: what any store is measured against.

Every request is read, normalised and answered by the same code in the same server; only the lane
is another, which answers at once, always the same. (A store is opened and never asked.)
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import cast

import reunite
import reunite.http
from reunite.cli import main
from reunite.http import create_app
from reunite.http.edge import Edge
from reunite.identifier import Presented
from reunite.identity import Identified
from reunite.lane import Answer, Lane
from reunite.settings import Settings

_ANSWER = Identified(1, ("someone@example.com",), ("123456789012",), (), "created")


class NoLane:
    """Answers without a store."""

    def submit(self, requests: Sequence[Presented]) -> asyncio.Future[list[Answer]]:
        future: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        future.set_result([_ANSWER] * len(requests))
        return future

    async def close(self) -> bool:
        return True


def serve_app() -> Edge:
    """Make the application; stands in for `reunite.http.serve_app`."""
    settings = Settings.read(os.environ)
    return create_app(reunite.open(settings.database), cast(Lane, NoLane()), settings)


if __name__ == "__main__":
    reunite.http.serve_app = serve_app
    main()
