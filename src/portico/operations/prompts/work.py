"""How much a rendering may do: bounded by work, not by time, so that it ends the same everywhere.

The law of this file: every step of a template is paid for before it is done. A unit is about
one node of an expression, or sixteen characters that are copied, or one member of a list.
Values that share members (`[x, x]` of `[y, y]` of …) are paid for as often as they are walked,
which is what printing or comparing them would cost.
"""

import re
from collections.abc import Iterable

MAX_UNITS = 500_000
"""Of one rendering: some tens of milliseconds at the very most."""
MAX_TEXT = 4 * 1024 * 1024
"""Characters of a rendered prompt, and of any text that is made on the way."""
MAX_BITS = 4096
"""Of a whole number."""
MAX_WIDTH = 1000
"""Of a padded field in a format."""

_FIELD = re.compile(r"%(?P<key>\([^()]{0,200}\))?[-+ #0]*(\*|\d+)?(?:\.(\*|\d+))?")
_DIGITS = re.compile(r"\d+")


class Exhausted(Exception):
    """The template asked for more than a rendering may do."""


class Work:
    """The account of one rendering at a time. `open` starts the next one."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_UNITS

    def open(self, units: int) -> None:
        self._left = MAX_UNITS - units

    def spend(self, units: int) -> bool:
        """Always true, so that it can stand in a condition. Raises Exhausted."""
        self._left -= units
        if self._left < 0:
            raise Exhausted
        return True

    def weigh(self, value: object) -> None:
        """Pays for one walk over a value."""
        if isinstance(value, str):
            self.spend((len(value) >> 4) + 1)
        elif isinstance(value, (list, tuple)):
            self.spend(len(value) + 1)
            for item in value:
                self.weigh(item)
        elif isinstance(value, dict):
            self.spend(2 * len(value) + 1)
            for key, item in value.items():
                self.weigh(key)
                self.weigh(item)
        elif isinstance(value, range):
            self.spend(len(value) + 1)
        else:
            self.spend(1)

    def weighed(self, value: object) -> object:
        self.weigh(value)
        return value

    def fits(self, characters: int) -> None:
        """Pays for a text before it is made."""
        if characters > MAX_TEXT:
            raise Exhausted
        self.spend((characters >> 4) + 1)

    def concat(self, pieces: Iterable[str]) -> str:
        """`"".join`, of what fits."""
        kept: list[str] = []
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > MAX_TEXT:
                raise Exhausted
            kept.append(piece)
        self.fits(size)
        return "".join(kept)

    def joined(self, values: Iterable[object]) -> str:
        """What `~` does."""
        texts: list[str] = []
        for value in values:
            self.weigh(value)
            texts.append(str(value))
        return self.concat(texts)


def added(work: Work, left: object, right: object) -> object:
    if isinstance(left, (str, list, tuple)):
        if isinstance(right, (str, list, tuple)):
            work.fits(len(left) + len(right))
    else:
        _small(work, left, right, 0)
    return left + right  # type: ignore[operator]


def multiplied(work: Work, left: object, right: object) -> object:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, (str, list, tuple)) and isinstance(times, int):
            size = len(many) * max(times, 0)
            work.fits(size)
            if not isinstance(many, str):
                work.spend(size)
            return many * times
    if isinstance(left, int) and isinstance(right, int):
        _small(work, left, right, left.bit_length() + right.bit_length())
    return left * right  # type: ignore[operator]


def raised(work: Work, left: object, right: object) -> object:
    if isinstance(left, int) and isinstance(right, int):
        _small(work, left, right, left.bit_length() * abs(right))
    return left**right  # type: ignore[operator]


def remainder(work: Work, left: object, right: object) -> object:
    """`%`: of numbers, or of a format and its values."""
    if not isinstance(left, str):
        return left % right  # type: ignore[operator]
    work.weigh(left)
    work.weigh(right)
    fields = left.replace("%%", "")
    keys = 0
    for field in _FIELD.finditer(fields):
        work.spend(1)
        keys += field["key"] is not None
        for width in field.groups()[1:]:
            bounded_width(width or "0")
    if keys != fields.count("%("):
        raise ValueError("the key of a format is too long or has parentheses")
    text: str = left % right
    work.fits(len(text))
    return text


def bounded_width(text: str) -> None:
    """Raises Exhausted where a width, or a number in a format's specification, is too great."""
    if text == "*" or any(len(n) > 4 or int(n) > MAX_WIDTH for n in _DIGITS.findall(text)):
        raise Exhausted


def _small(work: Work, left: object, right: object, bits: int) -> None:
    work.spend(1)
    if bits > MAX_BITS:
        raise Exhausted
    for value in (left, right):
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise Exhausted
