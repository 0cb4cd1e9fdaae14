"""Whether words look like a value that was filled in, rather than like written instructions."""

import re
from collections.abc import Sequence
from typing import Final

from portico.operations.observed.vocabulary import (
    ABBREVIATED,
    CONNECTING,
    EMPHASIS,
    PLAIN_VALUES,
)
from portico.operations.observed.words import SLOT, Words

LONGEST_VALUE: Final = 16
"""Words of a value that stands inside a sentence."""
LONGEST_INLINE: Final = 200
"""Characters of such a value."""
QUOTES: Final = {
    '"': '"',
    "`": "`",
    "[": "]",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u300c": "\u300d",
}
STOPS: Final = frozenset('.!?:;-*\u2022#>|(\u3002\uff01\uff1f\uff1a"\u201c')
_SENTENCE = re.compile(r"([^\s.!?]+)[.!?]\s+[^\W\d_a-z]")
_SIGNS = re.compile(r"[@/%&=#+$\u20ac]|\.\w|://")


def is_value(text: Words, start: int, end: int, *, data: bool = False) -> bool:
    """Whether the words look like a name, number, date, address, identifier or quotation.

    A capital at the beginning of a sentence says nothing, unless it is in a place of data.
    """
    words = text.words[start:end]
    spoken = [word for word in words if word[0].isalnum()]
    if not 0 < len(words) <= LONGEST_VALUE:
        return False
    if quoted(text, start, end):
        return "\n" not in text.text(start, end)
    if not spoken:
        return all(word in "-\u2013\u2014/,.+#$\u20ac\u00a3%" for word in words)
    strong = 0
    for index in range(start, end):
        word = text.words[index]
        if not word[0].isalnum() or word == SLOT:
            continue
        if _strong(word, opens=not data and _opens(text, index)):
            strong += 1
        elif word.lower() not in CONNECTING and not _capital(word):
            return False
    return strong > 0


def quoted(text: Words, start: int, end: int) -> bool:
    """Whether quotation marks or brackets stand right around the words."""
    if start == 0 or end >= len(text.words):
        return False
    return QUOTES.get(text.words[start - 1]) == text.words[end]


def fits_inline(value: str) -> bool:
    """Whether a text can be what an inline slot was filled with: no line break, no new sentence."""
    if len(value) > LONGEST_INLINE or "\n" in value:
        return False
    stops = "." in value or "!" in value or "?" in value
    return not stops or all(_abbreviated(found[1]) for found in _SENTENCE.finditer(value))


def _strong(word: str, *, opens: bool) -> bool:
    if any(map(str.isdigit, word)) or _SIGNS.search(word) or word.lower() in PLAIN_VALUES:
        return True
    return _capital(word) and not opens


def _capital(word: str) -> bool:
    """A capital that is a name's, not emphasis."""
    return word[0].isupper() and (word.lower() not in EMPHASIS or word == "May")


def _opens(text: Words, index: int) -> bool:
    """Whether a sentence, line or item begins here, so that a capital says nothing."""
    if index == 0 or "\n" in text.spaces[index - 1]:
        return True
    before = text.words[index - 1]
    if before == "." and index > 1 and _abbreviated(text.words[index - 2]):
        return False
    return before in STOPS


def _abbreviated(word: str) -> bool:
    return len(word) == 1 or word.lower() in ABBREVIATED


def extended(text: Words, start: int, end: int) -> tuple[int, int]:
    """The run with the equal words around it that belong to the same name, date or number."""
    while start > 0 and "\n" not in text.spaces[start - 1] and _belongs(text, start - 1):
        start -= 1
    while end < len(text.words) and "\n" not in text.spaces[end - 1] and _belongs(text, end):
        end += 1
    return start, end


def _belongs(text: Words, index: int) -> bool:
    word = text.words[index]
    if not word[0].isalnum():
        return False
    return _strong(word, opens=_opens(text, index)) and word.lower() not in PLAIN_VALUES


def may_follow(words: Sequence[str]) -> bool:
    """Whether equal words between two values are so slight that they are one value."""
    return len(words) <= 2 and all(not word[0].isalnum() for word in words)
