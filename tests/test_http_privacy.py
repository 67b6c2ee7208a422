"""What customers sent is in no log line, no metric and no error body."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

import reunite
from reunite.lane import Lane
from reunite.logs import HumanFormatter, JsonFormatter
from reunite.settings import Settings
from serving import Served, serve, serve_lane
from test_http_trouble import Broken

KEY = "planted-key-77"
EMAIL = "planted.person@secret.example"
PHONE = "49151777888999"
PLANTED = ("planted", "secret.example", "151777888")

BODIES = [
    f'{{"email": "{EMAIL}", "phoneNumber": "{PHONE}"}}',
    f'{{"email": "{EMAIL}", "phoneNumber": {PHONE}}}',
    f'{{"email": "{EMAIL}", "phoneNumber": "{PHONE} and words"}}',
    f'{{"email": "{EMAIL} {EMAIL}"}}',
    f'{{"email": "{EMAIL}@{EMAIL}"}}',
    f'{{"email": ["{EMAIL}"], "phoneNumber": {{"{PHONE}": 1}}}}',
    f'{{"email": "{EMAIL}\\ud800"}}',
    f'{{"email": "{EMAIL}\\u0000"}}',
    f'{{"phoneNumber": -{PHONE}}}',
    f'{{"phoneNumber": {PHONE}.5}}',
    f'{{"{EMAIL}": "{PHONE}"}}',
    f'{{"email": "{EMAIL}", "{PHONE}": "{EMAIL}" ',
    f'"{EMAIL}"',
    f"{PHONE}",
    f"email={EMAIL}&phone={PHONE}",
    f'[{{"email": "{EMAIL}"}}, {{"email": "{PHONE}"}}, "{EMAIL}", {PHONE}]',
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, at every level, as both formatters write it."""
    lines = io.StringIO()
    handlers = [logging.StreamHandler(lines), logging.StreamHandler(lines)]
    handlers[0].setFormatter(JsonFormatter())
    handlers[1].setFormatter(HumanFormatter())
    root = logging.getLogger()
    client, level = logging.getLogger("httpx"), root.level
    client.setLevel(logging.WARNING)
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    yield lines
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(level)
    client.setLevel(logging.NOTSET)


def ask_everything(served: Served) -> list[str]:
    """Send what is planted in every place a request has; answer all error bodies."""
    errors: list[str] = []

    def ask(method: str, path: str, body: str | None = None, **headers: str) -> None:
        answer = served.client.request(
            method, path, content=body, headers={"Content-Type": "application/json", **headers}
        )
        if answer.status_code != 200:
            errors.append(answer.text + str(answer.headers))
        elif path.startswith("/identify/batch"):
            errors.extend(str(item) for item in answer.json() if "problem" in item)

    for body in BODIES:
        ask("POST", "/identify", body)
        ask("POST", "/identify/batch", body)
        ask("POST", "/identify/batch", f"[{body}]")
        ask("POST", f"/identify?email={EMAIL}", body)
        ask("POST", "/identify?dryRun=true", body)
        ask("POST", f"/identify?dryRun={EMAIL}", body)
        ask("POST", "/lookup", body)
        ask("POST", "/explain", body)
        ask("POST", "/explain", f'{{"a": {body}, "b": {{"contactId": 1}}}}')
        ask("POST", "/explain", f'{{"a": {{"email": "{EMAIL}x"}}, "b": {body}}}')
    for method in ("GET", "POST", "DELETE"):
        ask(method, f"/identify/{EMAIL}")
        ask(method, f"/identities/{EMAIL}")
        ask(method, f"/identities/{PHONE}/history?after={EMAIL}")
        ask(method, f"/identities/1/graph?limit={PHONE}")
        ask(method, f"/{PHONE}?q={EMAIL}", "{}")
    for name in ("X-Request-Id", "Host", "Authorization", "User-Agent", "Cookie", "X-Other"):
        ask("GET", "/livez", None, **{name: EMAIL})
        ask("POST", "/identify", BODIES[0], **{name: EMAIL})
    ask("POST", "/identify", BODIES[0], **{"Content-Type": f"text/{EMAIL}"})
    ask("POST", "/identify", BODIES[0], **{"Content-Encoding": EMAIL})
    errors.append(served.exchange(f"{EMAIL} / HTTP/1.1\r\n\r\n".encode()).decode())
    errors.append(served.exchange(f"GET /{EMAIL} {PHONE}\r\n\r\n".encode()).decode())
    return errors


def require_nothing_planted(text: str) -> None:
    found = [word for word in PLANTED if word in text]
    assert found == [], text[max(0, text.index(found[0]) - 200) :][:400] if found else ""


def test_nothing_of_a_request_is_told_to_anybody(tmp_path: Path, log: io.StringIO) -> None:
    repository = reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")
    repository.set_identity_limit(2)
    with serve(repository, Settings(access_log=True)) as served:
        errors = ask_everything(served)
        metrics = served.client.get("/metrics").text

    assert len(errors) > 60
    require_nothing_planted("".join(errors))
    require_nothing_planted(metrics)
    assert log.getvalue().count('"route":"/identify"') > 16
    require_nothing_planted(log.getvalue())


def test_nothing_of_an_error_that_quotes_a_request_is_told(
    tmp_path: Path, log: io.StringIO
) -> None:
    repository = reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}")
    error = RuntimeError(f"Key (email)=({EMAIL}) already exists")
    error.__cause__ = ValueError(PHONE)
    with serve_lane(lambda: cast(Lane, Broken(error)), repository) as served:
        answer = served.post({"email": EMAIL})

    require_nothing_planted(answer.text)
    assert "RuntimeError" in log.getvalue()
    assert "ValueError" in log.getvalue()
    require_nothing_planted(log.getvalue())


def test_api_keys_are_told_to_nobody(tmp_path: Path, log: io.StringIO) -> None:
    settings = Settings(api_keys=(KEY,), access_log=True)
    with serve(reunite.open(f"sqlite:///{tmp_path / 'reunite.db'}"), settings) as served:
        key = {"Authorization": f"Bearer {KEY}"}
        answers = [
            served.client.get("/metrics", headers=key),
            served.client.get("/openapi.json", headers=key),
            served.client.get("/metrics", headers={"Authorization": f"Bearer {KEY}x"}),
            served.client.post("/identify", content="x", headers=key),
        ]
    for answer in answers:
        require_nothing_planted(answer.text + str(answer.headers))
    require_nothing_planted(log.getvalue() + repr(settings))


def test_asyncio_may_not_tell_either(log: io.StringIO) -> None:
    text = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{EMAIL}')>"
    logging.getLogger("asyncio").error(text, exc_info=ValueError(EMAIL))
    assert "Task exception was never retrieved" in log.getvalue()
    require_nothing_planted(log.getvalue())
