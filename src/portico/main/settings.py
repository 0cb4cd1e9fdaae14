"""What the environment says. The only place in Portico that reads it.

The environment is read once, at the front door, into frozen values that are handed on; nobody
below looks again. A value that makes no sense is an error that names its variable.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from portico.contract.errors import InvalidRequest

DATA_DIRECTORY = ".portico"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
SHORTEST_ADMIN_KEY = 8
SHARED_SCHEMES = ("redis", "rediss", "unix")


class SettingsError(InvalidRequest):
    """A variable or option that cannot be used. The message names it and says what to do."""


@dataclass(frozen=True)
class Environment:
    """The variables of the process as they were at its start, for `${…}` and discovery."""

    values: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """The value, or None where the variable is unset or blank."""
        value = self.values.get(name, "").strip()
        return value or None


@dataclass(frozen=True)
class Settings:
    """Portico's own variables, checked. None: not set."""

    url: str | None = None
    key: str | None = None
    admin_key: str | None = None
    passphrase: str | None = None
    data: Path | None = None
    database_url: str | None = None
    shared_url: str | None = None
    color: bool = True


@dataclass(frozen=True)
class UpOptions:
    """What `portico up` was asked for. Paths are absolute; port 0 picks a free one."""

    directory: Path
    data: Path
    host: str
    port: int
    json: bool
    shared_url: str | None
    """The server over which replicas share their budgets; None: this process is alone."""
    metrics: str | None
    """`HOST:PORT` at which `/metrics` is served without a credential; None: on the main port."""


def read_environment() -> Environment:
    """A snapshot of the process's environment."""
    return Environment(MappingProxyType(dict(os.environ)))


def read_settings(environment: Environment) -> Settings:
    """Portico's variables. Raises SettingsError naming the first that cannot be used."""
    data = environment.get("PORTICO_DATA")
    url = environment.get("PORTICO_URL")
    return Settings(
        url=None if url is None else checked_url(url, "PORTICO_URL"),
        key=_credential(environment, "PORTICO_KEY"),
        admin_key=_admin_key(environment),
        passphrase=environment.values.get("PORTICO_PASSPHRASE") or None,
        data=None if data is None else Path(data).expanduser().absolute(),
        database_url=environment.get("PORTICO_DATABASE_URL"),
        shared_url=_shared_url(environment),
        color=environment.get("NO_COLOR") is None,
    )


def embedded_only(settings: Settings) -> None:
    """For a process that keeps its own state.

    Raises SettingsError where a database is named: to keep the ledger somewhere else than the
    operator said would lose it quietly.
    """
    if settings.database_url is not None:
        raise SettingsError(
            "PORTICO_DATABASE_URL is set, but this version stores only in SQLite in its data "
            "directory; unset the variable, and see --data for the place"
        )


def data_directory(settings: Settings, directory: Path, chosen: Path | None = None) -> Path:
    """Where the state of a project directory lives: --data, PORTICO_DATA or `.portico`."""
    if chosen is not None:
        return chosen.expanduser().absolute()
    return settings.data or directory.absolute() / DATA_DIRECTORY


def checked_url(value: str, name: str) -> str:
    """A server's address without a trailing slash. `name` is blamed where it is not one."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(
            f"{name} must be a plain address like http://127.0.0.1:8080, without credentials, "
            "query or fragment"
        )
    return value.rstrip("/")


def checked_address(value: str, name: str) -> str:
    """`HOST:PORT`, as text. `name` is blamed where it is not one."""
    host, separator, port = value.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65_535:
        raise SettingsError(f"{name} must be HOST:PORT, for example 127.0.0.1:9090")
    return value


def _credential(environment: Environment, name: str) -> str | None:
    """A secret that goes into a header: visible ASCII in one piece."""
    value = environment.get(name)
    if value is not None and not all("!" <= letter <= "~" for letter in value):
        raise SettingsError(
            f"{name} holds characters that a header cannot carry; paste the key again, "
            "without spaces or line breaks"
        )
    return value


def _shared_url(environment: Environment) -> str | None:
    """The address of a Valkey or Redis server. It may hold a password, so it is not quoted."""
    value = environment.get("PORTICO_SHARED_URL")
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in SHARED_SCHEMES and (parts.port != 0) and not parts.fragment
        usable = usable and bool(parts.path if parts.scheme == "unix" else parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            "PORTICO_SHARED_URL must be the address of a Valkey or Redis server, like "
            "redis://127.0.0.1:6379/0, rediss://… (TLS) or unix:///path"
        )
    return value


def _admin_key(environment: Environment) -> str | None:
    value = _credential(environment, "PORTICO_ADMIN_KEY")
    if value is not None and len(value) < SHORTEST_ADMIN_KEY:
        raise SettingsError(
            f"PORTICO_ADMIN_KEY must have at least {SHORTEST_ADMIN_KEY} characters: whoever "
            "guesses it owns the gateway"
        )
    return value
