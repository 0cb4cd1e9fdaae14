"""Turns: the lines that start them, and rendered text cut into them.

A mark is a control character, a nonce that no caller can know, and one letter. It stands in the
template's text only, so that nothing that a variable holds can begin a turn or end a span.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from portico.contract.prompt import RenderedTurn, Span

TURN: Final = re.compile(r"^[ \t]*---[ \t]+(user|assistant)[ \t]+---[ \t]*$", re.MULTILINE)
ALMOST: Final = re.compile(r"^[ \t]*---[ \t]*([A-Za-z][\w-]{0,30}?)[ \t]*---[ \t]*$", re.MULTILINE)
"""Lines that look like the start of a turn; those that TURN does not match are faults."""

Role = Literal["system", "user", "assistant"]
ROLES: Final[Mapping[str, Role]] = {"u": "user", "a": "assistant"}
OPEN: Final = "("
CLOSE: Final = ")"


def fence(nonce: str) -> str:
    """What every mark begins with. The first character is in no nonce, so that a text before
    it cannot run into it."""
    return f"\x02{nonce}"


def marked(template: str, fence: str) -> str:
    """The template with its turn lines turned into marks. Lines keep their numbers."""
    return TURN.sub(lambda line: fence + line[1][0], template)


def cut(text: str, fence: str) -> tuple[RenderedTurn, ...]:
    """The turns of a rendered text: marks gone, spans between OPEN and CLOSE counted."""
    first, *rest = text.split(fence)
    turns: list[RenderedTurn] = []
    turn = _Turn("system", 0)
    turn.add(first)
    for piece in rest:
        code = piece[:1]
        if code == OPEN:
            turn.depth += 1
        elif code == CLOSE:
            turn.depth -= 1
        else:
            turn.finish(turns)
            turn = _Turn(ROLES[code], turn.depth)
        turn.add(piece[1:])
    turn.finish(turns)
    return tuple(turns)


def cut_plain(text: str, fence: str) -> tuple[RenderedTurn, ...]:
    """The same as `cut` where no output is marked, in less time."""
    first, *rest = text.split(fence)
    turns = [*plain(first)]
    for piece in rest:
        body = piece[1:]
        start, end = edges(body)
        if end > start:
            turns.append(RenderedTurn(role=ROLES[piece[0]], text=body[start:end]))
    return tuple(turns)


def trimmed(text: str) -> str:
    """The text without the blank lines around it."""
    start, end = edges(text)
    return text[start:end]


def plain(text: str) -> tuple[RenderedTurn, ...]:
    """The turns of a text that has no marks: the system's, or none."""
    start, end = edges(text)
    return (RenderedTurn(role="system", text=text[start:end]),) if end > start else ()


class _Turn:
    """A turn while its pieces come in."""

    __slots__ = ("_pieces", "_role", "_size", "_spans", "depth")

    def __init__(self, role: Role, depth: int) -> None:
        self._role = role
        self._pieces: list[str] = []
        self._spans: list[list[int]] = []
        self._size = 0
        self.depth = depth

    def add(self, piece: str) -> None:
        if not piece:
            return
        end = self._size + len(piece)
        if self.depth > 0:
            if self._spans and self._spans[-1][1] == self._size:
                self._spans[-1][1] = end
            else:
                self._spans.append([self._size, end])
        self._pieces.append(piece)
        self._size = end

    def finish(self, turns: list[RenderedTurn]) -> None:
        text = "".join(self._pieces)
        start, end = edges(text)
        if end <= start:
            return
        spans = tuple(
            Span(max(a, start) - start, min(b, end) - start)
            for a, b in self._spans
            if min(b, end) > max(a, start)
        )
        turns.append(RenderedTurn(role=self._role, text=text[start:end], untrusted=spans))


def edges(text: str) -> tuple[int, int]:
    """Where the text begins and ends without the blank lines around it."""
    head = len(text) - len(text.lstrip())
    if head == len(text):
        return 0, 0
    start = text.rfind("\n", 0, head) + 1
    end = text.find("\n", len(text.rstrip()))
    return start, end if end >= 0 else len(text)
