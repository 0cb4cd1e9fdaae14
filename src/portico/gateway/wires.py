"""Which wire stands behind a name: the doors that callers use, the wires that providers speak."""

from collections.abc import Mapping
from typing import Final

from portico.contract.wires import Door, ProviderWire
from portico.wires import (
    anthropic_messages,
    bedrock_converse,
    bedrock_embeddings,
    gemini,
    gemini_embeddings,
    openai_chat,
    openai_embeddings,
)

DOORS: Final[Mapping[str, Door]] = {
    door.name: door
    for door in (
        openai_chat.DOOR,
        openai_embeddings.DOOR,
        anthropic_messages.DOOR,
        bedrock_converse.DOOR,
        gemini.DOOR,
    )
}
WIRES: Final[Mapping[str, ProviderWire]] = {
    wire.name: wire
    for wire in (
        openai_chat.WIRE,
        openai_embeddings.WIRE,
        anthropic_messages.WIRE,
        bedrock_converse.WIRE,
        bedrock_embeddings.WIRE,
        gemini.WIRE,
        gemini_embeddings.WIRE,
    )
}
