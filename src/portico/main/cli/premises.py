"""The doctor's look at this machine: directory, disk, permissions, store and running server."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from portico.adapters.store.connection import opened
from portico.adapters.store.data import DATABASE
from portico.adapters.store.migrate import REVISIONS
from portico.contract.errors import PorticoError
from portico.main.cli.exits import Ending
from portico.main.cli.findings import Finding, fail, ok, warn
from portico.main.cli.server import (
    SERVER_FILE,
    Server,
    find_server,
    path_of,
    read,
    read_server_file,
    succeeded,
)
from portico.main.settings import DEFAULT_HOST, DEFAULT_PORT, Settings

LITTLE_DISK = 1024**3
NO_DISK = 64 * 1024**2
STATUS_S = 5.0
MOST_FILES = 10_000
REVISION = "SELECT version_num FROM alembic_version"


class JournalStatus(msgspec.Struct, frozen=True):
    waiting: int = 0
    waiting_bytes: int = 0
    capacity_bytes: int = 0
    lost: int = 0
    error: str = ""


class Status(msgspec.Struct, frozen=True):
    """What of GET /admin/v1/status is looked at."""

    version: str = ""
    digest: str = ""
    drift: list[str] = []
    degraded: list[str] = []
    journal: JournalStatus | None = None


def premises(data: Path, settings: Settings) -> Iterator[Finding]:
    """All checks that need no provider."""
    yield disk(data)
    yield permissions(data)
    yield schema(data)
    yield from server(data, settings)


def disk(data: Path) -> Finding:
    """Room for the journal and the database."""
    place = next(path for path in (data, *data.parents) if path.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1024**3:.1f} GiB free at {place}"
    if free < NO_DISK:
        return fail("disk", found, "make room: with a full journal, calls are refused")
    if free < LITTLE_DISK:
        return warn("disk", found, "make room, or move the data with --data or PORTICO_DATA")
    return ok("disk", found)


def permissions(data: Path) -> Finding:
    """Keys, receipts and the local token are for their owner only."""
    check = "permissions"
    if not data.exists():
        return ok(check, f"{data} is not there yet; `portico up` makes it")
    if not data.is_dir() or not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return fail(check, f"{data} cannot be used by this user", "change its owner, or use --data")
    if stat.S_IMODE(data.stat().st_mode) & 0o077:
        return fail(check, f"{data} is open to other users", f"chmod 700 {data}")
    for count, path in enumerate(data.rglob("*")):
        if count >= MOST_FILES:
            break
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # the server renames and removes files while they are listed
        if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
            return warn(check, f"{path} is open to other users", f"chmod 600 {path}")
    return ok(check, f"{data} is private to its owner")


def schema(data: Path) -> Finding:
    """The store's schema against this version's."""
    check, newest = "schema", REVISIONS[-1]
    database = data / DATABASE
    if not database.is_file():
        return ok(check, f"no store yet; it will be made at {newest}")
    try:
        with opened(database, mode="ro") as connection:
            row = connection.execute(REVISION).fetchone()
    except PorticoError as failure:
        return fail(check, failure.message, "restore a backup with `portico restore`")
    revision = str(row[0]) if row else "none"
    if revision == newest:
        return ok(check, f"at {newest}")
    if revision in REVISIONS:
        return warn(check, f"at {revision}, older than {newest}", "run `portico migrate`")
    return fail(check, f"at {revision}, which this version does not know", "upgrade Portico")


def server(data: Path, settings: Settings) -> Iterator[Finding]:
    """The running server and its journal, or whether one could start."""
    try:
        written = None if settings.url else read_server_file(data / SERVER_FILE)
        if written is None and settings.url is None:
            yield _port()
            yield ok("journal", "not open; what waits in it is loaded at the next start")
            return
        if settings.url is not None:
            running = find_server(settings, data, None, None)
        else:
            assert written is not None
            running = Server(written.url, written.token, local=True)
        reply = running.request("GET", path_of("status"), timeout=STATUS_S)
        status = read(succeeded(reply), Status)
    except Ending as failure:
        todo = f"if it has stopped, remove {data / SERVER_FILE}, then `portico up`"
        yield fail("server", failure.message, todo)
        return
    yield from _running(running, status)


def _running(running: Server, status: Status) -> Iterator[Finding]:
    found = f"{status.version} runs at {running.url}"
    if status.degraded:
        yield warn("server", f"{found}, degraded", "; ".join(status.degraded))
    elif status.drift:
        yield warn("server", f"{found}; {'; '.join(status.drift)}", "`portico apply` ships them")
    else:
        yield ok("server", found)
    journal = status.journal
    if journal is None:
        yield warn("journal", "the server does not say", "use the same version on both sides")
    elif journal.error:
        found = f"{journal.waiting} entries wait: {journal.error}"
        yield fail("journal", found, "free the database or the disk; nothing is lost until then")
    elif journal.lost:
        yield warn(
            "journal", f"{journal.lost} receipts were lost", "see durability in portico.yaml"
        )
    else:
        used = f"{journal.waiting_bytes} of {journal.capacity_bytes} bytes"
        yield ok("journal", f"{journal.waiting} entries wait, {used}")


def _port() -> Finding:
    with socket.socket() as probe:
        try:
            probe.bind((DEFAULT_HOST, DEFAULT_PORT))
        except OSError:
            found = f"not running, and port {DEFAULT_PORT} is taken by something else"
            return warn("server", found, "`portico up --port 0` picks a free port")
    return ok("server", f"not running; port {DEFAULT_PORT} is free")
