"""Checks that every connection makes once, so that no request can be bent by configuration.

All failures are ValueErrors that name what is wrong and never quote a secret.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from portico import __version__

Headers = tuple[tuple[str, str], ...]

COMMON: Mapping[str, str] = {
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": f"portico/{__version__}",
}
"""Answers are asked for uncompressed: a stream must not wait for a compressor's block."""
RESERVED = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
"""Headers that only the HTTP client may write."""
NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
"""RFC 9110, section 5.6.2: the characters of a token (lower case)."""


def checked_base(base_url: str) -> str:
    """An absolute http(s) URL without a final slash."""
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in base_url):
        raise ValueError("base_url has white space or control characters in it")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an absolute URL such as https://api.example.com/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url must not carry a user or password; use api_key or headers")
    if parts.query or parts.fragment:
        raise ValueError("base_url must not have a query or a fragment")
    _ = parts.port  # raises ValueError where the port is no number
    return base_url.rstrip("/")


def checked_value(what: str, value: str) -> str:
    """A header's value: visible ASCII and inner spaces, so that it cannot start a new line."""
    stripped = value.strip()
    if not all(32 <= ord(letter) < 127 or letter == "\t" for letter in stripped):
        raise ValueError(f"{what} has characters that a header cannot carry (a line break?)")
    return stripped


def checked_name(name: str) -> str:
    lowered = name.lower()
    if not lowered or not set(lowered) <= NAME:
        raise ValueError(f"{name!r} is not the name of a header")
    if lowered in RESERVED:
        raise ValueError(f"the header {lowered} is written by the HTTP client and cannot be set")
    return lowered


def merged(own: Mapping[str, str], configured: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Our headers with the project's over them, every name in lower case and checked."""
    headers = {**COMMON, **own}
    for name, value in configured:
        headers[checked_name(name)] = checked_value(f"the header {name}", value)
    return headers


def as_headers(headers: Mapping[str, str], accept: str) -> Headers:
    return tuple({**headers, "accept": headers.get("accept", accept)}.items())
