"""Randomness for identifiers, asked of the system for many calls at once.

`os.urandom` lets go of the interpreter's lock for a few bytes; under load, getting it back costs
more than everything else that an identifier takes. Secrets are never made from this.
"""

import os
from collections.abc import Callable
from typing import Final

STORE: Final = 4096


class Entropy:
    """Random bytes in small pieces, each given out once."""

    __slots__ = ("_at", "_source", "_store")

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        self._source = source
        self._store = b""
        self._at = 0

    def __call__(self, size: int) -> bytes:
        """`size` bytes, at most STORE."""
        end = self._at + size
        if end > len(self._store):
            self._store, self._at, end = self._source(STORE), 0, size
        piece = self._store[self._at : end]
        self._at = end
        return piece
