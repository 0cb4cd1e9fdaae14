"""Prompts that only put texts into places: rendered without the template's machinery.

Most prompts are of this kind. What comes out is what the compiled template gives, cut into its
turns; whatever is not a plain text on the way is left to that.
"""

from collections.abc import Mapping, Sequence

from jinja2 import nodes

from portico.contract.conversation import Json
from portico.contract.prompt import RenderedTurn
from portico.operations.prompts.language import GLOBALS
from portico.operations.prompts.sources import Parsed
from portico.operations.prompts.turns import ROLES, Role, edges, trimmed
from portico.operations.prompts.work import MAX_TEXT

CONTEXT = "context"
MOST_PIECES = 1000


class Flat:
    """The turns of a prompt, made of literals and names. `pieces` are what the trees hold, in
    order: (whether it is a name, the name or the text)."""

    __slots__ = ("_longest", "_turns")

    def __init__(self, pieces: Sequence[tuple[bool, str]], fence: str) -> None:
        turns = [_Turn("system", "")]
        written = 0
        for named, piece in pieces:
            if named:
                turns[-1].put(piece)
                continue
            written += len(piece)
            text, *begun = piece.split(fence)
            turns[-1].last += text
            turns += [_Turn(ROLES[each[0]], each[1:]) for each in begun]
        for turn in turns:
            turn.trim()
        self._turns = tuple(turns)
        self._longest = MAX_TEXT - written + sum(turn.written for turn in turns)

    def render(self, values: Mapping[str, Json]) -> tuple[RenderedTurn, ...] | None:
        """None where a value is no text, or all is too long: the template says what then."""
        rendered: list[RenderedTurn] = []
        size = 0
        for turn in self._turns:
            pieces: list[str] = []
            for literal, name in turn.places:
                value = values.get(name)
                if type(value) is not str:
                    return None
                pieces += (literal, value)
            pieces.append(turn.last)
            text = "".join(pieces)
            size += len(text)
            if not turn.trimmed:
                text = trimmed(text)
            if text:
                rendered.append(RenderedTurn(role=turn.role, text=text))
        return tuple(rendered) if size <= self._longest else None


class _Turn:
    """`places` are (literal, the name after it), `last` is the literal after all of them."""

    __slots__ = ("last", "places", "role", "trimmed")

    def __init__(self, role: Role, text: str) -> None:
        self.role = role
        self.places: list[tuple[str, str]] = []
        self.last = text
        self.trimmed = False

    def put(self, name: str) -> None:
        self.places.append((self.last, name))
        self.last = ""

    def trim(self) -> None:
        """Takes the blank lines off once and for all, where no value can change what they are."""
        first = self.places[0][0] if self.places else self.last
        if first.strip() and self.last.strip():
            if self.places:
                self.places[0] = (first[edges(first)[0] :], self.places[0][1])
                self.last = self.last[: edges(self.last)[1]]
            else:
                self.last = trimmed(self.last)
            self.trimmed = True

    @property
    def written(self) -> int:
        return sum(len(literal) for literal, _ in self.places) + len(self.last)


def flattened(parsed: Parsed, main: str, fence: str) -> Flat | None:
    """None for a prompt that does more. The trees are as they were parsed."""
    pieces: list[tuple[bool, str]] = []
    return Flat(pieces, fence) if _collect(parsed, main, pieces) else None


def _collect(parsed: Parsed, path: str, pieces: list[tuple[bool, str]]) -> bool:
    for node in parsed.trees[path].body:
        if isinstance(node, nodes.Include):
            if not _included(parsed, node, pieces):
                return False
        elif not isinstance(node, nodes.Output) or not all(
            _placed(each, pieces) for each in node.nodes
        ):
            return False
        if len(pieces) > MOST_PIECES:
            return False
    return True


def _placed(node: nodes.Node, pieces: list[tuple[bool, str]]) -> bool:
    if isinstance(node, nodes.TemplateData):
        pieces.append((False, node.data))
        return True
    if isinstance(node, nodes.Name) and node.name not in GLOBALS and node.name != CONTEXT:
        pieces.append((True, node.name))
        return True
    return False


def _included(parsed: Parsed, node: nodes.Include, pieces: list[tuple[bool, str]]) -> bool:
    named = node.template
    if not isinstance(named, nodes.Const) or not node.with_context:
        return False
    return named.value in parsed.trees and _collect(parsed, str(named.value), pieces)
