"""Content at rest: AES-256-GCM (NIST SP 800-38D) under the key of the data directory.

A sealed record is a format byte, a fresh nonce of 96 bits, ciphertext and tag. The place of the
record (table and key of its row) is bound to it as associated data, so that a record that was
moved to another row does not open. The format byte lets later releases change keys.
"""

import os
import secrets
import threading
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portico.contract.errors import InvalidRequest

KEY_FILE: Final = "content.key"
KEY_BYTES: Final = 32
FORMAT: Final = b"\x01"
NONCE_BYTES: Final = 12

_place = msgspec.msgpack.Encoder()


class NotOpened(Exception):
    """A record that does not open. The message says why, and nothing of what is in it."""


class Sealer:
    """Seals and opens. The key is read when it is first needed, and made when it is first needed
    to seal; a key that is there is never written over. Any thread may call."""

    def __init__(self, key_file: Path) -> None:
        self._file = key_file
        self._lock = threading.Lock()
        self._cipher: AESGCM | None = None

    def seal(self, content: bytes, *place: str) -> bytes:
        """Raises InvalidRequest where there is a key that cannot be used, or none can be made."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ready(make=True).encrypt(nonce, content, _bound(place))
        return b"".join((FORMAT, nonce, sealed))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Raises NotOpened for this record, InvalidRequest where the key cannot be used."""
        if sealed[:1] != FORMAT:
            raise NotOpened("it was sealed by a newer release, or was altered")
        cipher = self._ready(make=False)
        nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, rest, _bound(place))
        except (InvalidTag, ValueError):
            raise NotOpened(
                f"it was altered, or sealed under another key than the one in {self._file}"
            ) from None

    def _ready(self, *, make: bool) -> AESGCM:
        with self._lock:
            if self._cipher is None:
                self._cipher = AESGCM(self._key(make))
            return self._cipher

    def _key(self, make: bool) -> bytes:
        try:
            if make and not self._file.exists():
                _make(self._file)
            key = self._file.read_bytes()
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) and not make:
                missing = f"its key {self._file} is missing; put it back from a backup"
                raise NotOpened(missing) from None
            raise InvalidRequest(
                f"The key of stored content {self._file} cannot be used: {problem}. Put it right; "
                "without it nothing that was sealed can be read, and nothing new can be sealed."
            ) from problem
        if len(key) != KEY_BYTES:
            raise InvalidRequest(
                f"The key of stored content {self._file} has {len(key)} bytes in the place of "
                f"{KEY_BYTES}. Put it back from a backup, or move it away to go on with a new key; "
                "what was sealed under the old one then stays unreadable."
            )
        return key


def _bound(place: tuple[str, ...]) -> bytes:
    """Unambiguous: no two places have the same bytes."""
    return FORMAT + _place.encode(place)


def _make(file: Path) -> None:
    """The key appears under its name whole or not at all, and only where there is none yet."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as raw:
            raw.write(secrets.token_bytes(KEY_BYTES))
            raw.flush()
            os.fsync(fd)
        try:
            os.link(part, file)
        except FileExistsError:
            return  # somebody else was first, and theirs is the key
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        part.unlink(missing_ok=True)
