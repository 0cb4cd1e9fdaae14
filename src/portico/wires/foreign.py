"""What one provider made and another would refuse: signatures, and ids of tool calls.

A conversation may move to another provider at any turn, and its caller sends back what it got.
So what it got says who can read it:

- a signature that begins with a name and a colon was made by the provider of that name
  (`gemini:`). Base64 has no colon, so a signature as it is was made by Claude, on Anthropic's
  own API or on Bedrock, which read each other's. An empty one stands for reasoning that nobody
  signed, at a door whose blocks must have one.
- the id of a tool call may carry the signature of the call, after `_thought_`.

Law of the file: an id is rewritten from its own text alone, so that a call and its result agree,
in every request of the conversation.

https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption
"""

import hashlib
import re
from collections.abc import Callable
from typing import Final

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation, Part, Reasoning, ToolCall, ToolResult
from portico.contract.wires import Outgoing, Target

GEMINI: Final = "gemini:"
THOUGHT: Final = "_thought_"
_NAMED: Final = re.compile(r"[a-z_]+:")
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_-]")
_DIGITS: Final = 12

IN_IDS: Final = (THOUGHT.encode(),)
"""What a body holds that has the signature of a call in an id."""
IN_BLOCKS: Final = (b'"gemini:', b'"signature":""', b'"signature": ""')
"""What a body holds that has another provider's signature in a block."""


def by_claude(signature: str) -> bool:
    """Whether a signature is one that Claude reads."""
    return bool(signature) and _NAMED.match(signature) is None


def by_gemini(signature: str) -> bool:
    """Whether a signature is one that Gemini reads."""
    return signature.startswith(GEMINI)


def is_signed(call_id: str) -> bool:
    """Whether the id of a tool call carries the call's signature."""
    return THOUGHT in call_id


def fitted(call_id: str, most: int) -> str:
    """An id of at most `most` characters, letters, digits, `_` and `-` only, and no signature.

    One that is so stays; another ends in a hash of all of it, so that no two become one.
    """
    clean = _NOT_IN_IDS.sub("_", call_id.partition(THOUGHT)[0])
    if clean == call_id and 0 < len(clean) <= most:
        return call_id
    digest = hashlib.blake2b(call_id.encode("utf-8", "replace"), digest_size=_DIGITS // 2)
    return f"{clean[: most - _DIGITS - 1]}_{digest.hexdigest()}"


def is_foreign(part: Part, reads: Callable[[str], bool]) -> bool:
    """Whether a part has a signature that a provider cannot read. `reads`: one that it can."""
    if isinstance(part, ToolCall):
        return is_signed(part.id)
    if isinstance(part, ToolResult):
        return is_signed(part.call_id)
    return isinstance(part, Reasoning) and part.signature is not None and not reads(part.signature)


def cleaned(
    passthrough: Callable[[WireRequest, Target], Outgoing],
    anew: tuple[Callable[[WireRequest], Conversation], Callable[[Conversation, Target], Outgoing]],
    hints: tuple[bytes, ...],
    reads: Callable[[str], bool],
) -> Callable[[WireRequest, Target], Outgoing]:
    """A passthrough for conversations that may have been with another provider before.

    A body without any of `hints` passes through. Of one with a hint the conversation is read,
    and where it has a foreign part it is written `anew`, without what cannot be read.
    """
    read, write = anew

    def pass_on(request: WireRequest, target: Target) -> Outgoing:
        for hint in hints:
            if hint in request.body:
                said = read(request)
                if any(is_foreign(part, reads) for turn in said.turns for part in turn.parts):
                    return write(said, target)
        return passthrough(request, target)

    return pass_on
