"""Prompts that only put texts into places: rendered without the template's machinery.

Most prompts are of this kind. What comes out is what the compiled template gives; whatever is
not a plain text on the way is left to that.
"""

from collections.abc import Mapping, Sequence

from jinja2 import nodes

from portico.contract.conversation import Json
from portico.operations.prompts.language import GLOBALS
from portico.operations.prompts.sources import Parsed
from portico.operations.prompts.work import MAX_TEXT

CONTEXT = "context"
MOST_PIECES = 1000


class Flat:
    """Literals and names in their order: `names[i]` stands after `literals[i]`."""

    __slots__ = ("_literals", "_names")

    def __init__(self, pieces: Sequence[tuple[bool, str]]) -> None:
        literals, names, text = [], [], ""
        for named, piece in pieces:
            if named:
                literals.append(text)
                names.append(piece)
                text = ""
            else:
                text += piece
        self._literals = (*literals, text)
        self._names = tuple(names)

    def text(self, values: Mapping[str, Json]) -> str | None:
        """None where a value is no text, or all is too long: the template says what then."""
        literals = self._literals
        pieces: list[str] = []
        for index, name in enumerate(self._names):
            value = values.get(name)
            if type(value) is not str:
                return None
            pieces += (literals[index], value)
        pieces.append(literals[-1])
        text = "".join(pieces)
        return text if len(text) <= MAX_TEXT else None


def flattened(parsed: Parsed, main: str) -> Flat | None:
    """None for a prompt that does more. The trees are as they were parsed."""
    pieces: list[tuple[bool, str]] = []
    return Flat(pieces) if _collect(parsed, main, pieces) else None


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
