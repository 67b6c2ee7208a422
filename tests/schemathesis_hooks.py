"""What Schemathesis is to leave out, loaded by it as its hooks."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """JSON Schema takes 5.0 for an integer; a phone is not written so, and it is refused."""
    if isinstance(body, float) and body.is_integer():
        return int(body)
    if isinstance(body, dict):
        return {name: map_body(_context, member) for name, member in body.items()}
    if isinstance(body, list):
        return [map_body(_context, item) for item in body]
    return body
