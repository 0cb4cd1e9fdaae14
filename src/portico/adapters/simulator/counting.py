"""Requests to count tokens, opened as the chats that they stand for."""

from collections.abc import Callable

import msgspec


class Counting(msgspec.Struct, frozen=True):
    """How a wire asks for a count, and where the answer has it."""

    chat: Callable[[bytes], bytes]
    """The body of the chat whose input is counted."""
    member: str


def _with_cap(body: bytes) -> bytes:
    """A request to count carries no max_tokens, which the door of messages demands."""
    members = _members(body)
    if members is None:
        return body
    members.setdefault("max_tokens", msgspec.Raw(b"1"))
    return msgspec.json.encode(members)


def _generate_content(body: bytes) -> bytes:
    """Gemini takes contents alone, or a whole request as a member."""
    members = _members(body) or {}
    return bytes(members.get("generateContentRequest", body))


def _members(body: bytes) -> dict[str, msgspec.Raw] | None:
    """None for what is no JSON object; the door says so better."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


ANTHROPIC = Counting(_with_cap, "input_tokens")
"""https://docs.anthropic.com/en/api/messages-count-tokens"""
GEMINI = Counting(_generate_content, "totalTokens")
"""https://ai.google.dev/api/tokens#method:-models.counttokens"""
