"""A file encrypted under a passphrase, written and read as a stream of bounded memory.

Key: scrypt (RFC 7914) of the passphrase. Chunks: AES-256-GCM in the STREAM construction (Hoang,
Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-
Resistance, CRYPTO 2015): the nonce holds the chunk's number and whether it is the last, so
chunks cannot be left out, repeated, reordered or cut off unseen. The head is bound to every
chunk as associated data.
"""

import os
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from portico.contract.errors import InvalidRequest

MAGIC = b"PORTICO\x01"
CHUNK = 1024 * 1024
_HEAD = Struct("<8sBBBxI16s7sx")
"""Magic, log2 of scrypt's N, r, p, bytes a chunk, salt, the nonces' common start."""
_NONCE = Struct(">7sIB")
_TAG = 16
_SCRYPT_R = 8
_SCRYPT_P = 1
_LARGEST_LOG2_N = 20
"""1 GiB: more than that is a file that wants to exhaust the reader."""


class SealedWriter:
    """What tarfile needs of a file: `write`. `finish` writes the last chunk."""

    def __init__(self, raw: BinaryIO, passphrase: str, log2_n: int) -> None:
        salt, self._start = os.urandom(16), os.urandom(7)
        self._head = _HEAD.pack(MAGIC, log2_n, _SCRYPT_R, _SCRYPT_P, CHUNK, salt, self._start)
        self._cipher = AESGCM(_key(passphrase, salt, log2_n))
        self._raw = raw
        self._waiting = bytearray()
        self._number = 0
        raw.write(self._head)

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, data: bytes, *, last: bool) -> None:
        nonce = _NONCE.pack(self._start, self._number, last)
        self._raw.write(self._cipher.encrypt(nonce, data, self._head))
        self._number += 1


class SealedReader:
    """What tarfile needs of a file: `read`. Nothing is given out before it is authenticated."""

    def __init__(self, raw: BinaryIO, passphrase: str, path: Path) -> None:
        self._raw = raw
        self._path = path
        self._head = raw.read(_HEAD.size)
        if len(self._head) < _HEAD.size or not self._head.startswith(MAGIC):
            raise InvalidRequest(f"{path} is not a backup that this release can read.")
        _, log2_n, r, p, chunk, salt, self._start = _HEAD.unpack(self._head)
        if (r, p, chunk) != (_SCRYPT_R, _SCRYPT_P, CHUNK) or not 1 <= log2_n <= _LARGEST_LOG2_N:
            raise InvalidRequest(f"{path} has been altered: its head asks for the impossible.")
        self._cipher = AESGCM(_key(passphrase, salt, log2_n))
        self._number = 0
        self._ended = False
        self._ready = b""
        self._next = raw.read(CHUNK + _TAG)

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and not self._ended:
            self._ready += self._open()
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def expect_end(self) -> None:
        """Reads what tar pads with, up to the authenticated end of the file."""
        while self.read(CHUNK):
            pass

    def _open(self) -> bytes:
        sealed, self._next = self._next, self._raw.read(CHUNK + _TAG)
        self._ended = not self._next
        nonce = _NONCE.pack(self._start, self._number, self._ended)
        try:
            data = self._cipher.decrypt(nonce, sealed, self._head)
        except (InvalidTag, ValueError):
            raise InvalidRequest(self._damage()) from None
        self._number += 1
        return data

    def _damage(self) -> str:
        if self._number == 0:
            return f"The passphrase is wrong, or {self._path} is cut short or altered."
        return f"The backup {self._path} is cut short or altered; nothing of it was restored."


def _key(passphrase: str, salt: bytes, log2_n: int) -> bytes:
    scrypt = Scrypt(salt=salt, length=32, n=2**log2_n, r=_SCRYPT_R, p=_SCRYPT_P)
    return scrypt.derive(passphrase.encode())
