"""The model `embed`: vectors from the hashes of words, so that similar texts lie close.

Feature hashing with random signs, several places a word: Weinberger et al. (2009),
https://arxiv.org/abs/0902.2206.
"""

import hashlib
import math
import re
import struct

from portico.contract.errors import InvalidRequest

DIMENSIONS = 256
"""Length of a vector where the request names none."""
MAX_DIMENSIONS = 4096

_PLACES = 16
_HASHES = struct.Struct(f"<{_PLACES}I")
_WORD = re.compile(r"\w+")


def embed(text: str, dimensions: int | None = None) -> list[float]:
    """A vector of length 1. Equal texts give equal vectors; word order does not matter.

    Raises InvalidRequest for dimensions out of bounds.
    """
    length = DIMENSIONS if dimensions is None else dimensions
    if not 1 <= length <= MAX_DIMENSIONS:
        raise InvalidRequest(
            f"The simulator embeds in 1 to {MAX_DIMENSIONS} dimensions, not {length}.",
            field="dimensions",
        )
    vector = [0.0] * length
    for word in _WORD.findall(text.casefold()) or [""]:
        for place in _HASHES.unpack(_digest(word)):
            vector[(place >> 1) % length] += 1.0 if place & 1 else -1.0
    norm = math.sqrt(sum(value * value for value in vector))
    if norm == 0:
        # Opposite signs met in every place, as they may in few dimensions.
        return [1.0] + [0.0] * (length - 1)
    return [value / norm for value in vector]


def _digest(word: str) -> bytes:
    data = word.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=_HASHES.size, person=b"portico-embed").digest()
