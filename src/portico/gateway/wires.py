"""Which wire stands behind a name: the doors that callers use, the wires that providers speak."""

from collections.abc import Mapping
from typing import Final

from portico.contract.ports import Door, ProviderWire
from portico.wires import anthropic_messages, openai_chat, openai_embeddings

DOORS: Final[Mapping[str, Door]] = {
    door.name: door for door in (openai_chat.DOOR, openai_embeddings.DOOR, anthropic_messages.DOOR)
}
WIRES: Final[Mapping[str, ProviderWire]] = {
    wire.name: wire for wire in (openai_chat.WIRE, openai_embeddings.WIRE, anthropic_messages.WIRE)
}
