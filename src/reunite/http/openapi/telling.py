"""How the routes are described that tell of the server itself."""

from __future__ import annotations

from typing import Any

from reunite.http.openapi.parts import Json, Writer, success


def paths(write: Writer) -> Json:
    """Describe the health, the metrics and the documents."""
    health = {"type": "object", "properties": {"status": {"type": "string"}}}
    text = {"type": "string"}
    ready = "The store answers, and the server is not stopping."

    def get(name: str, summary: str, *statuses: int, is_open: bool = False, **body: Any) -> Json:
        answer = success(summary, body["schema"], body.get("media", "application/json"))
        return {"get": write.operation(name, summary, answer, *statuses, is_open=is_open)}

    return {
        "/livez": get("livez", "The process is alive.", is_open=True, schema=health),
        "/readyz": get("readyz", ready, 503, is_open=True, schema=health),
        "/healthz": get("healthz", "The same as /readyz.", 503, is_open=True, schema=health),
        "/metrics": get("metrics", "For Prometheus.", schema=text, media="text/plain"),
        "/openapi.json": get("openapi", "This document.", schema={"type": "object"}),
        "/docs": get("docs", "A page to try it.", schema=text, media="text/html"),
    }
