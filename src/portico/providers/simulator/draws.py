"""Reproducible chance: draw k of request n of a seeded sequence, with no state to carry."""

import hashlib
import struct

import msgspec

COUNT = 4
"""Draws of a digest. Each fault owns one, so that adding a setting moves no other fault."""

_PAIR = struct.Struct("<QQ")
_WORDS = struct.Struct(f"<{COUNT}Q")
_MASK = 2**64 - 1


class Draws(msgspec.Struct, frozen=True):
    """The sequence of one seed. Equal (seed, n) always gives equal draws, on every machine."""

    seed: int

    def at(self, n: int) -> tuple[float, ...]:
        """The first `COUNT` draws of request `n`, each uniform in [0, 1)."""
        return self._drawn(n, b"portico-sim")

    def beyond(self, n: int) -> tuple[float, ...]:
        """The next `COUNT` draws of request `n`."""
        return self._drawn(n, b"portico-sim-2")

    def _drawn(self, n: int, person: bytes) -> tuple[float, ...]:
        name = _PAIR.pack(self.seed & _MASK, n & _MASK)
        digest = hashlib.blake2b(name, digest_size=_WORDS.size, person=person).digest()
        # 53 bits are what a double holds exactly.
        return tuple((word >> 11) / 2**53 for word in _WORDS.unpack(digest))
