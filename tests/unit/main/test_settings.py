"""The environment is read once, checked, and a bad value is blamed by its name."""

from pathlib import Path

import pytest

from portico.main.settings import (
    Environment,
    Settings,
    SettingsError,
    checked_address,
    checked_url,
    data_directory,
    embedded_only,
    read_settings,
)


def settings(**values: str) -> Settings:
    return read_settings(Environment(values))


def test_an_empty_environment_sets_nothing() -> None:
    assert settings() == Settings()
    assert settings(PORTICO_URL=" ", PORTICO_KEY="", NO_COLOR="") == Settings()


def test_every_variable_is_understood() -> None:
    found = settings(
        PORTICO_URL="https://portico.example/base/",
        PORTICO_KEY="pk_a_b",
        PORTICO_ADMIN_KEY="pk_admin_secret",
        PORTICO_PASSPHRASE=" with spaces ",
        PORTICO_DATA="/data",
        NO_COLOR="1",
    )
    assert found == Settings(
        url="https://portico.example/base",
        key="pk_a_b",
        admin_key="pk_admin_secret",
        passphrase=" with spaces ",
        data=Path("/data"),
        color=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTICO_URL", "localhost:8080"),
        ("PORTICO_URL", "ftp://x"),
        ("PORTICO_URL", "http:///path"),
        ("PORTICO_URL", "http://x:99999"),
        ("PORTICO_URL", "http://user:pass@x"),
        ("PORTICO_URL", "http://x/?a=1"),
        ("PORTICO_KEY", "pk a"),
        ("PORTICO_KEY", "pk_\x07"),
        ("PORTICO_ADMIN_KEY", "short"),
        ("PORTICO_ADMIN_KEY", "long enough but two words"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_variable_and_not_its_value(
    name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        read_settings(Environment({name: value}))
    assert value not in str(refused.value)


def test_a_database_elsewhere_is_refused_rather_than_ignored() -> None:
    with pytest.raises(SettingsError, match="PORTICO_DATABASE_URL"):
        embedded_only(settings(PORTICO_DATABASE_URL="postgresql://x"))
    embedded_only(settings(PORTICO_SHARED_URL="redis://x"))
    embedded_only(settings())


@pytest.mark.parametrize(
    "url", ["http://x", "redis:///secret", "redis://x:0", "redis:x", "redis://h:x"]
)
def test_a_shared_server_that_is_none_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(PORTICO_SHARED_URL=url)
    assert url not in refused.value.message


def test_the_data_directory_is_the_option_then_the_variable_then_dot_portico() -> None:
    project = Path("/project")
    named = settings(PORTICO_DATA="/data")
    assert data_directory(named, project, Path("/chosen")) == Path("/chosen")
    assert data_directory(named, project) == Path("/data")
    assert data_directory(settings(), project) == Path("/project/.portico")


@pytest.mark.parametrize("value", ["9090", ":9090", "host:", "host:port", "host:70000"])
def test_an_address_is_host_and_port(value: str) -> None:
    with pytest.raises(SettingsError, match="--metrics"):
        checked_address(value, "--metrics")


def test_an_ipv6_server_is_an_address_too() -> None:
    assert checked_url("http://[::1]:8080/", "--url") == "http://[::1]:8080"
    assert checked_address("[::1]:9090", "--metrics") == "[::1]:9090"
