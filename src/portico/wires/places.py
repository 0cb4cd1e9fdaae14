"""Where a member that a provider's wire refuses stands in the caller's own body.

Law of the file: writers of requests name members as the canonical conversation has them, which
is OpenAI's way; here those names become the ones that the caller wrote.
"""

import re
from collections.abc import Mapping
from typing import Final

from portico.contract.conversation import Conversation
from portico.contract.errors import InvalidRequest

MEMBERS: Final[Mapping[str, Mapping[str, str]]] = {
    # https://platform.claude.com/docs/en/api/messages/create
    "anthropic_messages": {
        "stop": "stop_sequences",
        "response_format": "output_config.format",
        "reasoning_effort": "output_config.effort",
    },
}
"""By wire: the canonical name of a member, and the caller's."""
BESIDE: Final = frozenset(("anthropic_messages",))
"""Wires whose system text has a member of its own, and is the first turn of a conversation."""
_MESSAGE: Final = re.compile(r"messages\[(\d+)\]")


def in_words_of(conversation: Conversation, refused: InvalidRequest) -> InvalidRequest:
    """The same refusal, with the field named as the caller has it."""
    if refused.field is None or (field := _named(conversation, refused.field)) == refused.field:
        return refused
    return type(refused)(
        refused.message.replace(f"`{refused.field}`", f"`{field}`"),
        field=field,
        retry_after=refused.retry_after,
        detail=refused.detail,
    )


def _named(conversation: Conversation, field: str) -> str:
    found = _MESSAGE.match(field)
    if found is None:
        return MEMBERS.get(conversation.wire, {}).get(field, field)
    if conversation.wire not in BESIDE or conversation.turns[0].role != "system":
        return field
    index = int(found[1])
    return f"messages[{index - 1}]{field[found.end() :]}" if index else "system"
