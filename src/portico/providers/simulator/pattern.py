"""Whether a regular expression can take exponential time, told from how it is written.

A repeated group whose inside can match one text in several ways (because it repeats or
alternates itself) is what lets a backtracking engine try them all. We refuse every such group,
also the harmless ones: for the patterns of a script there is always another way to say it.
"""

import re

_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?#[^)]*\)|\((?:\?[^:)=!>]*[:=!>])?|\)"
    r"|\{\d*,?\d*\}[?+]?|[*+?][?+]?|\|",
    re.DOTALL,
)
"""Escapes, classes and comments are pieces, so that what they hold is not taken for syntax."""


def risk(pattern: str) -> str:
    """What is dangerous about a pattern that compiles; empty if nothing is."""
    if re.search(r"\\[1-9]|\(\?P=", pattern):
        return "it refers back to a group"
    inside = [False]
    closed = False
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        group_ended_here = closed and pattern[found.start() - 1] == ")"
        closed = False
        if piece.startswith("(") and not piece.startswith("(?#"):
            inside.append(False)
        elif piece == ")" and len(inside) > 1:
            ambiguous = inside.pop()
            inside[-1] = inside[-1] or ambiguous
            closed = ambiguous
        elif piece == "|":
            inside[-1] = True
        elif piece[0] in "*+?{" and not _fixed(piece):
            if group_ended_here and piece[0] != "?":
                return "it repeats a group that itself repeats or alternates"
            inside[-1] = True
        elif piece[0] == "{" and group_ended_here:
            return "it repeats a group that itself repeats or alternates"
    return ""


def _fixed(piece: str) -> bool:
    return piece.startswith("{") and "," not in piece
