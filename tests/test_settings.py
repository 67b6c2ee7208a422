"""Settings come from arguments, then variables, then defaults; a bad one is told clearly."""

from __future__ import annotations

from dataclasses import fields

import pytest

from reunite.errors import InvalidSetting
from reunite.settings import Settings, variable_of


def test_an_argument_goes_before_a_variable_and_a_variable_before_the_default() -> None:
    environment = {"REUNITE_PORT": "9000", "REUNITE_BATCH_SIZE": "64", "OTHER": "x"}
    settings = Settings.read(environment, port="9001", workspace=None)
    assert settings.port == 9001
    assert settings.batch_size == 64
    assert settings.workspace == "default"


def test_the_defaults_are_those_that_are_documented() -> None:
    assert Settings.read({}) == Settings(
        database="sqlite:///reunite.db",
        host="127.0.0.1",
        port=8000,
        workers=1,
        workspace="default",
        phone_region=None,
        api_keys=(),
        request_timeout=10,
        batch_size=1024,
        queue_size=8192,
        access_log=False,
        log_format="auto",
    )


def test_settings_that_are_written_as_variables_are_read_back_the_same() -> None:
    settings = Settings.read(
        {},
        database="postgresql://me:secret@db.example.com:5433/shop?sslmode=require",
        host="0.0.0.0",
        port=0,
        workers=4,
        workspace="Größe 1",
        phone_region="in",
        api_keys="first, second",
        request_timeout="0.5",
        batch_size=1,
        queue_size=2,
        access_log="on",
        log_format="JSON",
    )
    assert settings.api_keys == ("first", "second")
    assert settings.phone_region == "IN"
    assert settings.access_log is True
    assert Settings.read(settings.variables()) == settings
    assert Settings.read(Settings().variables()) == Settings()


BAD = [
    ("database", "reunite.db", "sqlite:///path"),
    ("database", "mysql://db/shop", "sqlite:///path"),
    ("database", "sqlite:shop.db", "sqlite:///path"),
    ("database", "sqlite:///shop.db?mode=ro", "? in it as %3F"),
    ("database", "postgresql:shop", "postgresql://user@host/database"),
    ("host", "", "a name or an address"),
    ("host", "http://localhost", "a name or an address"),
    ("port", "eighty", "a whole number from 0 to 65535"),
    ("port", "65536", "a whole number from 0 to 65535"),
    ("port", "-1", "a whole number from 0 to 65535"),
    ("port", "80.0", "a whole number from 0 to 65535"),
    ("port", "9" * 5000, "a whole number from 0 to 65535"),
    ("port", "٨٠", "a whole number from 0 to 65535"),
    ("workers", "0", "a whole number from 1 to 64"),
    ("workspace", " ", "1 to 100 printable characters"),
    ("workspace", "w" * 101, "1 to 100 printable characters"),
    ("phone_region", "India", "two letters such as IN"),
    ("api_keys", "one,,two", "visible ASCII characters"),
    ("api_keys", "with blank", "visible ASCII characters"),
    ("api_keys", "Schlüssel", "visible ASCII characters"),
    ("request_timeout", "soon", "seconds, more than 0"),
    ("request_timeout", "0", "seconds, more than 0"),
    ("request_timeout", "nan", "seconds, more than 0"),
    ("request_timeout", "inf", "seconds, more than 0"),
    ("batch_size", "0", "a whole number from 1 to"),
    ("queue_size", "many", "a whole number from 1 to"),
    ("access_log", "yes", "on or off"),
    ("log_format", "xml", "auto or json or human"),
]


@pytest.mark.parametrize(("name", "value", "right"), BAD)
def test_a_bad_value_says_where_it_stands_and_what_would_be_right(
    name: str, value: str, right: str
) -> None:
    with pytest.raises(InvalidSetting) as from_variable:
        Settings.read({variable_of(name): value})
    with pytest.raises(InvalidSetting) as from_argument:
        Settings.read({}, **{name: value})
    assert str(from_variable.value).startswith(variable_of(name))
    assert str(from_argument.value).startswith("--" + name.replace("_", "-"))
    for raised in (from_variable, from_argument):
        assert right in str(raised.value)
        assert len(str(raised.value)) < 250


def test_each_setting_is_tried_with_a_bad_value() -> None:
    assert {name for name, _, _ in BAD} == {setting.name for setting in fields(Settings)}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_a_loopback_address_needs_no_keys(host: str) -> None:
    assert Settings.read({"REUNITE_HOST": host}).is_local


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "shop.example.com", "127.0.0.1.x"]
)
def test_any_other_address_is_refused_without_keys(host: str) -> None:
    with pytest.raises(InvalidSetting, match="REUNITE_API_KEYS"):
        Settings.read({"REUNITE_HOST": host})
    assert not Settings.read({"REUNITE_HOST": host, "REUNITE_API_KEYS": "secret"}).is_local


def test_sqlite_has_one_worker() -> None:
    with pytest.raises(InvalidSetting, match="SQLite has one writer"):
        Settings.read({}, workers=2)
    assert Settings.read({}, workers=2, database="postgresql:///shop").workers == 2


def test_secrets_are_never_shown() -> None:
    url = "postgresql://me:planted@db.example.com:5433/shop?password=planted"
    settings = Settings.read({}, database=url, api_keys="planted")
    assert "planted" not in repr(settings)
    assert settings.store == "postgresql://db.example.com:5433/shop"
    for name, value in (("database", "mysql://me:planted@db"), ("api_keys", "planted,")):
        with pytest.raises(InvalidSetting) as raised:
            Settings.read({variable_of(name): value})
        assert "planted" not in str(raised.value)
