"""A system prompt as words: what is compared, hashed and sketched. All of it in linear time."""

import hashlib
import re
from collections.abc import Sequence
from operator import eq
from typing import Final
from zlib import crc32

import msgspec

SLOT: Final = "\x00"
"""Stands among words where calls differ. Texts cannot hold it: their NUL becomes U+FFFD."""
MARK: Final = re.compile(r"\{\{ value_[0-9]{1,6} \}\}")
LONGEST: Final = 64 * 1024
"""Characters of a text that are compared; of a longer one the middle is a slot from the start."""
EDGE: Final = LONGEST // 2
MOST_WORDS: Final = 10_000
"""Words and signs that are compared; of more, the middle is a slot as well."""
BINS: Final = 64
EMPTY: Final = -1
NO_WORD: Final = ""

_IDEOGRAPHS = "\u2e80-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(
    rf"(\{{\{{ value_[0-9]{{1,6}} \}}\}}"  # a slot of a stored text
    rf"|[{_IDEOGRAPHS}]"  # scripts without spaces: one character is one word
    rf"|[^\W{_IDEOGRAPHS}](?:[\w.@:/%&=?#+'\u2019$-]*[^\W{_IDEOGRAPHS}])?"  # word, date, URL
    r"|[^\w\s])(\s*)"
)


class Words(msgspec.Struct, frozen=True):
    """A text cut into words and signs, with the white space that follows each."""

    words: tuple[str, ...]
    spaces: tuple[str, ...]

    def text(self, start: int = 0, end: int | None = None) -> str:
        """The characters of the words from `start` to before `end`, without the last space."""
        words, spaces = self.words[start:end], self.spaces[start:end]
        return "".join(w + s for w, s in zip(words, spaces, strict=True)).rstrip()


def words_of(text: str) -> Words:
    """The words of a text or of a stored skeleton. Outer white space is not kept."""
    found = _TOKEN.findall(shortened(text))
    if len(found) > MOST_WORDS:
        half = MOST_WORDS // 2
        found[half:-half] = [("{{ value_1 }}", "")]
    return Words(
        tuple(SLOT if MARK.fullmatch(word) else word for word, _ in found),
        tuple(space for _, space in found),
    )


def shortened(text: str) -> str:
    """The text as it is compared and kept: bounded in size."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if len(text) > LONGEST:
        text = f"{text[:EDGE]}{{{{ value_1 }}}}{text[-EDGE:]}"
    return text.strip()


def numbered(words: Words) -> str:
    """The text with its slots written as `{{ value_1 }}`, `{{ value_2 }}`, …"""
    parts: list[str] = []
    slots = 0
    for word, space in zip(words.words, words.spaces, strict=True):
        if word == SLOT:
            slots += 1
            parts.append(f"{{{{ value_{slots} }}}}{space}")
        else:
            parts.append(word + space)
    return "".join(parts)


def fingerprint(words: Sequence[str], *, exact: bool = False) -> str:
    """16 hexadecimal digits of SHA-256 over the words.

    White space does not count, nor, unless `exact`, words with a digit in them (dates, ids,
    numbers), so that most processes that meet the same template first with another date give it
    the same name.
    """
    plain = (
        "0" if not exact and any(map(str.isdigit, word)) else word for word in words if word != SLOT
    )
    return hashlib.sha256(" ".join(plain).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def sketch(words: Sequence[str]) -> tuple[int, ...]:
    """A MinHash of the words' 3-shingles in 64 bins; -1 where a bin got none.

    Resemblance by minima of hashes: A. Broder, "On the resemblance and containment of
    documents", 1997. One hash function whose range is cut into bins instead of 64 functions,
    so that a text is read once: P. Li, A. Owen, C.-H. Zhang, "One permutation hashing", 2012.
    """
    lows = [1 << 32] * BINS
    codes = {word: crc32(word.casefold().encode("utf-8", "surrogatepass")) for word in set(words)}
    plain = [codes[word] for word in words]
    second, third = [*plain[1:], 0], [*plain[2:], 0, 0]
    slots = [place for place, word in enumerate(words) if word == SLOT]
    skipped = {place - shift for place in slots for shift in range(3)}
    for place, (a, b, c) in enumerate(zip(plain, second, third, strict=False)):
        mixed = ((a * 0x85EBCA6B + b) * 0xC2B2AE35 + c) * 0x9E3779B1 & 0xFFFFFFFF
        if mixed < lows[mixed >> 26] and place not in skipped:
            lows[mixed >> 26] = mixed
    return tuple(low if low < 1 << 32 else EMPTY for low in lows)


def resemblance(left: Sequence[int], right: Sequence[int]) -> float:
    """The Jaccard similarity of two texts' shingles, estimated from their sketches: 0 to 1."""
    equal: int = sum(map(eq, left, right))
    if EMPTY not in left or EMPTY not in right:
        return equal / BINS
    empty = sum(a == b == EMPTY for a, b in zip(left, right, strict=False))
    return (equal - empty) / (BINS - empty) if empty < BINS else 0.0
