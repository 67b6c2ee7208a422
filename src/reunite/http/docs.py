"""The API's description and a page to try it, served from this process alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from swagger_ui_bundle import swagger_ui_path

from reunite.http import wire
from reunite.http.openapi import document
from reunite.http.request import Answer, Headers, Request
from reunite.settings import Settings

_PAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>reunite</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/page.js"></script>
</body>
</html>
"""
_SCRIPT = b"""SwaggerUIBundle({
  url: "openapi.json", dom_id: "#page", tryItOutEnabled: true, validatorUrl: null,
});
"""
# The page runs nothing and asks nobody but what this server sent.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; connect-src 'self'"
)


class Docs:
    """GET /openapi.json and /docs with what its page loads."""

    def __init__(self, settings: Settings) -> None:
        self._description = wire.encode(document(settings))

    async def description(self, _request: Request) -> Answer:
        """Answer the OpenAPI document."""
        return Answer(200, _typed(b"application/json"), self._description)

    async def page(self, _request: Request) -> Answer:
        """Answer the page."""
        headers = [*_typed(b"text/html; charset=utf-8"), (b"content-security-policy", _POLICY)]
        return Answer(200, headers, _PAGE)

    async def script(self, _request: Request) -> Answer:
        """Answer the few lines that start Swagger UI."""
        return Answer(200, _typed(b"text/javascript; charset=utf-8"), _SCRIPT)

    async def swagger_script(self, _request: Request) -> Answer:
        """Answer Swagger UI."""
        return Answer(200, _typed(b"text/javascript; charset=utf-8"), _file("swagger-ui-bundle.js"))

    async def swagger_style(self, _request: Request) -> Answer:
        """Answer Swagger UI's style."""
        return Answer(200, _typed(b"text/css; charset=utf-8"), _file("swagger-ui.css"))


def _typed(content_type: bytes) -> Headers:
    return [(b"content-type", content_type)]


@cache
def _file(name: str) -> bytes:
    return (Path(swagger_ui_path) / name).read_bytes()
