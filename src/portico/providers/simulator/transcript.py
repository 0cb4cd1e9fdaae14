"""A conversation as plain text, and its size in simulated tokens.

Turns are joined by line breaks, without their roles. A tool call reads `call NAME {…}`, a tool
result `result: …`; what is not text reads as its kind in brackets.
"""

from portico.contract.conversation import (
    Audio,
    Conversation,
    Document,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

TOKEN_BYTES = 4


def size(text: str) -> int:
    """UTF-8 bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def tokens(text: str) -> int:
    """Simulated tokens: four UTF-8 bytes each, rounded up."""
    return -(-size(text) // TOKEN_BYTES)


def clip(text: str, limit: int) -> str:
    """The longest beginning of `text` that fits into `limit` tokens, characters kept whole."""
    room = limit * TOKEN_BYTES
    if size(text) <= room:
        return text
    if text.isascii():
        return text[:room]
    return text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")


def pieces(text: str) -> list[str]:
    """`text` in its tokens. A character that crosses the border of a token stays whole."""
    if text.isascii():
        return [text[at : at + TOKEN_BYTES] for at in range(0, len(text), TOKEN_BYTES)]
    found: list[str] = []
    start, held = 0, 0
    for at, character in enumerate(text):
        width = size(character)
        if held + width > TOKEN_BYTES:
            found.append(text[start:at])
            start, held = at, 0
        held += width
    found.append(text[start:])
    return found


def render(conversation: Conversation) -> str:
    """The whole conversation."""
    return "\n".join([turn_text(turn) for turn in conversation.turns])


def turn_text(turn: Turn) -> str:
    if len(turn.parts) == 1:
        return part_text(turn.parts[0])
    return "\n".join([part_text(part) for part in turn.parts])


def part_text(part: Part) -> str:
    if isinstance(part, Text | Refusal | Reasoning):
        return part.text
    if isinstance(part, ToolCall):
        return f"call {part.name} {part.arguments}"
    if isinstance(part, ToolResult):
        return f"result: {result_text(part)}"
    if isinstance(part, Document) and part.text is not None:
        return part.text
    if isinstance(part, Audio) and part.transcript is not None:
        return part.transcript
    return _placeholder(part)


def _placeholder(part: Image | Document | Audio | object) -> str:
    return f"[{type(part).__name__.lower()}]"


def result_text(result: ToolResult) -> str:
    return "\n".join([part_text(part) for part in result.content])
