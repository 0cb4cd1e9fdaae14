"""Turns that need no translation beyond their text."""

from portico.contract.conversation import Text, Turn


def plain_text(turn: Turn) -> str | None:
    """The text of a turn that is one text with nothing beside it, as most are; else None."""
    if len(turn.parts) != 1 or turn.extra or turn.name is not None:
        return None
    part = turn.parts[0]
    if type(part) is not Text or part.citations or part.cache is not None or part.extra:
        return None
    return part.text
