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


@schemathesis.hook
def before_load_schema(_context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """A key that came before with another operation is refused, which no schema can say."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            operation["parameters"] = [
                each
                for each in operation["parameters"]
                if each != {"$ref": "#/components/parameters/IdempotencyKey"}
            ]
