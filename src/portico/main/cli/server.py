"""How the command line finds a running Portico and speaks with it.

A server that was named (`--url`, PORTICO_URL) is reached with the key that was named; the one
on this machine is found by the file that it writes at start, which only the owner of the data
directory can read, with a token that ends with the process.
"""

import functools
import http.client
import os
import ssl
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click
import msgspec

from portico.main.cli.exits import NoAnswer, UsageFault
from portico.main.settings import (
    Settings,
    SettingsError,
    checked_url,
    data_directory,
    read_environment,
    read_settings,
)

SERVER_FILE = "server.json"
CONNECT_S = 5.0
ANSWER_S = 60.0
LARGEST_REPLY = 256 * 1024 * 1024
LONGEST_LINE = 16 * 1024 * 1024

BUSY = (408, 429)

Shape = TypeVar("Shape")

START_ONE = "start one with `portico up`, or name one with --url and --key"


class ServerFile(msgspec.Struct, frozen=True):
    """What `portico up` writes while it serves."""

    url: str
    token: str
    pid: int = 0


@dataclass(frozen=True)
class Server:
    """Where requests go, and what they show."""

    url: str
    token: str = field(repr=False)
    local: bool

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        timeout: float = ANSWER_S,
    ) -> "Reply":
        """One exchange, the reply read whole. Raises NoAnswer where none comes."""
        with self.open(method, path, body=body, query=query, timeout=timeout) as reply:
            return read_whole(reply, self)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        timeout: float = ANSWER_S,
    ) -> Iterator[http.client.HTTPResponse]:
        """One exchange whose reply is read by the caller. `timeout` bounds each wait."""
        connection, prefix = connect(self.url)
        target = prefix + path + (f"?{urlencode(query)}" if query else "")
        headers = {"authorization": f"Bearer {self.token}", "accept": "*/*"}
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(body)
        try:
            try:
                connection.connect()
                connection.sock.settimeout(timeout)
                connection.request(method, target, content, headers)
                reply = connection.getresponse()
            except (OSError, http.client.HTTPException) as failure:
                raise NoAnswer(self.unreachable(failure)) from failure
            yield reply
        finally:
            connection.close()

    def unreachable(self, failure: Exception) -> str:
        """What to tell a person when the exchange broke."""
        reason = getattr(failure, "strerror", None) or str(failure) or type(failure).__name__
        if isinstance(failure, TimeoutError):
            reason = "no answer in time"
        hint = f"it may have stopped: {START_ONE}" if self.local else "check the address"
        return f"Portico at {self.url} did not answer ({reason}); {hint}"


@dataclass(frozen=True)
class Reply:
    """A reply, read whole. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def error(self) -> "WireError":
        """The error in the body, in whichever wire's shape."""
        return read_error(self.status, self.headers, self.body)


class ErrorBody(msgspec.Struct, frozen=True):
    code: str | None = None
    type: str | None = None
    message: str = ""
    field: str | None = None
    retry: str | None = None


class ErrorEnvelope(msgspec.Struct, frozen=True):
    error: ErrorBody


class WireError(msgspec.Struct, frozen=True):
    """An error reply, as a person is told of it."""

    status: int
    code: str
    message: str


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> WireError:
    """An error of any door or of the administrative API."""
    code = headers.get("x-portico-error", "")
    try:
        shown = msgspec.json.decode(body, type=ErrorEnvelope).error
    except msgspec.DecodeError:
        phrase = http.client.responses.get(status, "no reason given")
        return WireError(status, code or "unknown", f"the server answered {status}: {phrase}")
    return WireError(status, code or shown.code or shown.type or "unknown", shown.message)


def find_server(settings: Settings, data: Path, url: str | None, key: str | None) -> Server:
    """The server that a command speaks with: the named one, or the one of a data directory.

    PORTICO_KEY belongs to a named server: applications have their key there, which may not
    administer. Raises UsageFault or NoAnswer.
    """
    named = checked_url(url, "--url") if url is not None else settings.url
    if named is not None:
        credential = key or settings.key
        if credential is None:
            raise UsageFault(f"{named} needs a key: give --key or set PORTICO_KEY")
        return Server(named, credential, local=False)
    path = data / SERVER_FILE
    written = read_server_file(path)
    if written is None:
        raise NoAnswer(f"no Portico is running here (there is no {path}); {START_ONE}")
    return Server(written.url, key or written.token, local=True)


def with_server(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --url and --key; the command gets `server`, by default the one of its directory."""

    @click.option("--url", help="Address of a Portico elsewhere (PORTICO_URL).")
    @click.option("--key", help="Key for it; better in PORTICO_KEY, where `ps` does not show it.")
    @functools.wraps(command)
    def found(*args: Any, url: str | None, key: str | None, **rest: Any) -> None:
        settings = read_settings(read_environment())
        data = data_directory(settings, rest.get("directory", Path()))
        command(*args, server=find_server(settings, data, url, key), **rest)

    return found


def succeeded(reply: Reply) -> Reply:
    """The reply, if it is a good one. Raises UsageFault or NoAnswer with the server's reason."""
    if reply.status < 300:
        return reply
    error = reply.error()
    if reply.status >= 500 or reply.status in BUSY:
        raise NoAnswer(f"{error.code}: {error.message}")
    raise UsageFault(f"{error.code}: {error.message}")


def read(reply: Reply, shape: type[Shape]) -> Shape:
    """The reply's body. Raises NoAnswer where it is something else."""
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except msgspec.DecodeError as failure:
        raise NoAnswer(
            "the reply is not what this version of the command expects; is it Portico, and of "
            "the same version?"
        ) from failure


def read_server_file(path: Path) -> ServerFile | None:
    """The running server's file, or None where there is none.

    One that others could have written is refused: it says where prompts and keys are sent.
    """
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_uid != os.getuid() or stat.S_IMODE(state.st_mode) & 0o077:
                raise UsageFault(
                    f"{path} is not private to you (owner and mode 0600); it did not come from "
                    "`portico up` run by you: remove it"
                )
            text = file.read(65_536)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as failure:
        raise UsageFault(f"{path} may not be read by you: {failure.strerror}") from failure
    try:
        written = msgspec.json.decode(text, type=ServerFile)
        return ServerFile(checked_url(written.url, str(path)), written.token, written.pid)
    except (msgspec.DecodeError, SettingsError) as failure:
        raise UsageFault(f"{path} is not what `portico up` writes; remove it") from failure


def path_of(*parts: str) -> str:
    """A path under the administrative API, each part quoted."""
    return "/admin/v1/" + "/".join(quote(part, safe="") for part in parts)


def lines(reply: http.client.HTTPResponse, server: Server) -> Iterator[bytes]:
    """The lines of a stream without their ends, each as it arrives."""
    readline: Callable[[int], bytes] = reply.readline
    while True:
        try:
            line = readline(LONGEST_LINE)
        except (OSError, http.client.HTTPException) as failure:
            raise NoAnswer(server.unreachable(failure)) from failure
        if not line:
            return
        yield line.rstrip(b"\r\n")


def connect(url: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not open yet, and the path before every target."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        secure = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=CONNECT_S, context=ssl.create_default_context()
        )
        return secure, parts.path
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=CONNECT_S), parts.path


def read_whole(reply: http.client.HTTPResponse, server: Server) -> Reply:
    """A reply's head and body. Raises NoAnswer where it breaks off or is too large."""
    try:
        body = reply.read(LARGEST_REPLY + 1)
    except (OSError, http.client.HTTPException) as failure:
        raise NoAnswer(server.unreachable(failure)) from failure
    if len(body) > LARGEST_REPLY:
        raise NoAnswer(f"the reply is larger than {LARGEST_REPLY >> 20} MiB; ask for less")
    headers = {name.lower(): value for name, value in reply.getheaders()}
    return Reply(reply.status, headers, body)
