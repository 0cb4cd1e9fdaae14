"""Texts to be embedded and their vectors, in one vocabulary for all wires."""

from typing import Literal

import msgspec

from portico.contract.usage import Usage


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`inputs` are texts; callers that send token ids cannot be translated."""

    wire: str
    inputs: tuple[str, ...]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    end_user: str | None = None


class EmbeddingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One vector for each input, in their order."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    encoding: Literal["float", "base64"] = "float"
    """How the caller wants them; set from the request."""
    usage: Usage | None = None
