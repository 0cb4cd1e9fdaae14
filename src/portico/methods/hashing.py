"""Content hashes and keyed hashes."""

import hashlib
import hmac

import msgspec


def content_hash(value: object, length: int = 32) -> str:
    """Hexadecimal SHA-256 of a value's canonical JSON, cut to `length` digits.

    Members are sorted, so that equal values hash equally whatever order they were built in.
    """
    body = msgspec.json.encode(value, order="sorted")
    return hashlib.sha256(body).hexdigest()[:length]


def keyed_hash(key: bytes, text: str) -> bytes:
    """HMAC-SHA-256 (RFC 2104), 32 bytes."""
    return hmac.digest(key, text.encode(), "sha256")
