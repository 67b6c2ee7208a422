"""What a store's URL means, and what of it people are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

import reunite
from reunite.url import shown, sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///shop.db", "shop.db"),
        ("sqlite:////var/lib/shop.db", "/var/lib/shop.db"),
        ("sqlite:///shop%3F%231%25.db", "shop?#1%.db"),
        ("sqlite:///me@work/a b.db", "me@work/a b.db"),
    ],
)
def test_the_path_of_a_sqlite_url(url: str, path: str) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:shop.db",
        "sqlite:/shop.db",
        "sqlite://shop.db",
        "sqlite://host/shop.db",
        "sqlite:///",
        "sqlite:////",
        "sqlite:///shop#1.db",
        "sqlite:///shop?mode=ro",
        "sqlite:///shop.db?",
        "mysql://host/shop",
        "postgresql:shop",
        "shop.db",
        "",
    ],
)
def test_a_url_that_could_mean_another_store_opens_none(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(reunite.InvalidSetting):
        reunite.open(url)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "password", ["planted", "p?planted", "p#planted", "p:planted", "p@planted"]
)
def test_a_password_is_not_shown(password: str) -> None:
    url = f"postgresql://me:{password}@db.example.com:5433/shop?sslmode=require&user=a@b"
    assert shown(url) == "postgresql://db.example.com:5433/shop"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgresql://[::1]:5433/shop", "postgresql://[::1]:5433/shop"),
        ("postgres://one,other:5433", "postgres://one,other:5433"),
        ("postgresql:///shop?host=/run&password=planted", "postgresql:///shop"),
        ("postgresql://host?password=planted", "postgresql://host"),
        ("postgresql://me:p/planted@host/shop", "postgresql://…"),
        ("postgresql://host?user=a@b&password=planted", "postgresql://…"),
        ("sqlite:///shop.db", "sqlite:///shop.db"),
    ],
)
def test_what_of_a_url_is_shown(url: str, seen: str) -> None:
    assert shown(url) == seen
