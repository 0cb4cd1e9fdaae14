"""What the caller asks of a simulated model: its words, and the tools it is to call.

The convention that provokes tool calls (docs/simulator.md): a line of the last user message
that ends in `call NAME {json}`, NAME a tool that was offered. One call a line.
"""

import json
import re
from collections.abc import Sequence

from portico.contract.conversation import (
    Conversation,
    Text,
    Tool,
    ToolResult,
    Turn,
)
from portico.providers.simulator.transcript import result_text

_CALL = re.compile(r"(?:^|\s)call[ \t]+([A-Za-z0-9_.:/-]{1,128})(?:[ \t]+(\{.*))?[ \t]*$")
_DECODER = json.JSONDecoder()


def question(conversation: Conversation) -> str:
    """What `echo` repeats: the tool results that end the conversation, else the user's text."""
    last = conversation.turns[-1] if conversation.turns else None
    if last is not None and _has_results(last):
        return "\n".join(_trailing_results(conversation.turns))
    for turn in reversed(conversation.turns):
        if turn.role == "user":
            return _text(turn)
    return ""


def _has_results(turn: Turn) -> bool:
    return turn.role == "tool" or any(isinstance(part, ToolResult) for part in turn.parts)


def _trailing_results(turns: Sequence[Turn]) -> list[str]:
    start = len(turns)
    while start > 0 and _has_results(turns[start - 1]):
        start -= 1
    found: list[str] = []
    for turn in turns[start:]:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                found.append(result_text(part))
            elif isinstance(part, Text):
                found.append(part.text)
    return found


def _text(turn: Turn) -> str:
    return "\n".join([part.text for part in turn.parts if isinstance(part, Text)])


def calls(conversation: Conversation) -> list[tuple[str, str]]:
    """The tool calls to answer with, as (name, arguments); none if text is to be answered.

    A tool choice that demands a call is always met. Lines that ask for one count only while
    the user has the last word, so that an agent's loop ends once the results are there.
    """
    choice = conversation.tool_choice
    mode = choice.mode if choice is not None else "auto"
    if not conversation.tools or mode == "none":
        return []
    offered = [tool.name for tool in conversation.tools if isinstance(tool, Tool)]
    users = not _has_results(conversation.turns[-1])
    text = question(conversation) if users else ""
    found = _written(text, offered)
    if mode == "tool" and choice is not None and choice.name is not None:
        found = [call for call in found if call[0] == choice.name]
        offered = [choice.name]
    if not found and mode in ("required", "tool") and offered:
        found = [(offered[0], _arguments_of(text))]
    return found[:1] if conversation.parallel_tool_calls is False else found


def _written(text: str, offered: Sequence[str]) -> list[tuple[str, str]]:
    if "call" not in text:
        return []
    lines = [_CALL.search(line) for line in text.splitlines()]
    return [
        (line[1], _object(line[2] or "{}"))
        for line in lines
        if line is not None and line[1] in offered
    ]


def _object(written: str) -> str:
    """The JSON object at the start of `written`; `written` itself where it is none."""
    try:
        _, end = _DECODER.raw_decode(written)
    except (ValueError, RecursionError):
        # Models write broken arguments too: whoever asks for them gets them.
        return written.rstrip()
    return written[:end]


def _arguments_of(text: str) -> str:
    """A message that is itself a JSON object gives the arguments of a demanded call."""
    stripped = text.strip()
    return stripped if stripped.startswith("{") and is_json(stripped) else "{}"


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
