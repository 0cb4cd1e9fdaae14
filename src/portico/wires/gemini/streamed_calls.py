"""Function calls whose arguments come in pieces, put together into calls that are whole.

A call begins with its name and `willContinue`; then come `partialArgs`, each a value and the
JSON Path of its place; an empty `functionCall`, or one without `willContinue`, ends it. Where a
path does not fit what came before, there is no telling what the model meant.

https://googleapis.github.io/js-genai/release_docs/interfaces/types.PartialArg.html
"""

import re
from itertools import pairwise
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.wires.gemini.failures import not_an_answer

Block = dict[str, Json]
Step = str | int

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of one call's pieces: their paths and texts."""
MOST_STEPS: Final = 64
_COST: Final = 16
"""Bytes that a piece costs beside its texts."""
_STEP: Final = re.compile(
    r"""\.([^.\[\]'"\s]+)|\[(\d{1,7})\]|\[("(?:[^"\\]|\\.)*+")\]|\['((?:[^'\\]|\\.)*+)'\]"""
)
"""Of a singular query in RFC 9535: a name, an index, or a quoted name."""
_VALUES: Final = ("stringValue", "numberValue", "boolValue", "nullValue")


_NOTHING: Final[tuple[Json, ...]] = ({"text": ""}, {"functionCall": {}})
"""Parts that say nothing, such as the one that stands beside a finish reason."""


class _Words:
    """A text that may go on. Joined at the end, so that many pieces cost no more than few."""

    def __init__(self, text: str) -> None:
        self.pieces = [text]


class _Call:
    """A call that goes on: the part it began with, and its arguments so far."""

    def __init__(self, block: Block, call: Block) -> None:
        given = call.get("args")
        self._block = block
        self._call = call
        self._arguments: Json = dict(given) if isinstance(given, dict) else {}
        self._bytes = 0

    def add(self, block: Block, call: Block) -> None:
        """Raises UpstreamFailed for a piece that does not fit."""
        if "thoughtSignature" in block:
            self._block.setdefault("thoughtSignature", block["thoughtSignature"])
        pieces = call.get("partialArgs")
        for piece in pieces if isinstance(pieces, list) else ():
            if not isinstance(piece, dict) or not isinstance(path := piece.get("jsonPath"), str):
                raise not_an_answer("between_chunks")
            name = next((name for name in _VALUES if name in piece), None)
            if name is not None:
                self._count(path, piece[name])
                self._put(_steps(path), _value(name, piece[name]))

    def whole(self) -> Block:
        unknown = {name: value for name, value in self._call.items() if name not in _PIECES}
        text = msgspec.json.encode(self._arguments, enc_hook=_joined)
        call: Block = {**unknown, "args": msgspec.json.decode(text)}
        return {**self._block, "functionCall": call}

    def _count(self, path: str, value: Json) -> None:
        said = len(value) if isinstance(value, str) else 0
        self._bytes += len(path) + said + _COST
        if self._bytes > MOST_BYTES:
            raise not_an_answer("between_chunks")

    def _put(self, steps: list[Step], value: Json | _Words) -> None:
        here = self._arguments
        for step, after in pairwise(steps):
            held = _at(here, step)
            if held is None:
                held = [] if isinstance(after, int) else {}
                _set(here, step, held)
            here = held
        held = _at(here, steps[-1])
        if isinstance(held, _Words) and isinstance(value, _Words):
            held.pieces += value.pieces
        elif held is None:
            _set(here, steps[-1], value)
        else:
            raise not_an_answer("between_chunks")


_PIECES = frozenset(("args", "partialArgs", "willContinue"))


class StreamedCalls:
    """Of one candidate: hands on parts as they are, but for calls that are not whole yet."""

    def __init__(self) -> None:
        self._open: _Call | None = None

    def take(self, block: Json) -> list[Json]:
        """The parts that are whole with this one. Raises UpstreamFailed for a misfit."""
        call = block.get("functionCall") if isinstance(block, dict) else None
        if not isinstance(block, dict) or not isinstance(call, dict):
            return [block] if block in _NOTHING else [*self.close(), block]
        if self._open is None and block in _NOTHING:
            return []
        if self._open is None or "name" in call:
            if not _PIECES - {"args"} & call.keys():
                return [*self.close(), block]
            if not isinstance(call.get("name"), str):
                raise not_an_answer("between_chunks")  # goes on with a call that never began
            ended = self.close()
            self._open = _Call(dict(block), call)
        else:
            ended = []
        self._open.add(block, call)
        return [*ended, *([] if call.get("willContinue") is True else self.close())]

    def close(self) -> list[Json]:
        """The call that is open, with what there is of it; normally none."""
        opened, self._open = self._open, None
        return [] if opened is None else [opened.whole()]


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    place = 1
    while path[:1] == "$" and len(steps) <= MOST_STEPS:
        found = _STEP.match(path, place)
        if found is None:
            break
        name, index, quoted, single = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name if name is not None else _name(quoted, single))
        place = found.end()
    if not steps or place < len(path) or len(steps) > MOST_STEPS:
        raise not_an_answer("between_chunks")
    return steps


def _name(quoted: str | None, single: str | None) -> str:
    if quoted is None:
        plain = (single or "").replace("\\'", "'")
        quoted = '"' + re.sub(r'(?<!\\)"', r"\"", plain) + '"'
    try:
        return msgspec.json.decode(quoted, type=str)
    except msgspec.DecodeError:
        raise not_an_answer("between_chunks") from None


def _value(name: str, value: Json) -> Json | _Words:
    if name == "stringValue" and isinstance(value, str):
        return _Words(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (name == "numberValue" and number) or (name == "boolValue" and isinstance(value, bool)):
        return value
    if name == "nullValue":
        return _NULL
    raise not_an_answer("between_chunks")


class _Null:
    """A null that was said, which is another thing than a place where nothing is yet."""


_NULL = _Null()


def _at(here: Json, step: Step) -> Json:
    """What stands at a step; None where nothing is yet and may be."""
    if isinstance(here, dict) and isinstance(step, str):
        return here.get(step)
    if isinstance(here, list) and isinstance(step, int) and step <= len(here):
        return here[step] if step < len(here) else None
    raise not_an_answer("between_chunks")


def _set(here: Json, step: Step, value: Json) -> None:
    if isinstance(here, dict):
        here[step] = value
    elif isinstance(here, list) and isinstance(step, int):
        here[step : step + 1] = [value]


def _joined(value: object) -> Json:
    return "".join(value.pieces) if isinstance(value, _Words) else None
