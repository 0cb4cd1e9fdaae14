"""The embeddings operation on the OpenAI wire.

https://platform.openai.com/docs/api-reference/embeddings/create
"""

import base64
import struct
from typing import Literal

import msgspec

from portico.contract.errors import InvalidRequest
from portico.providers.simulator.embed import embed
from portico.providers.simulator.settings import Base
from portico.providers.simulator.transcript import tokens

MAX_INPUTS = 2048


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Members that we do not know are not looked at, as servers of this wire do."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = None


class _Vector(msgspec.Struct, frozen=True, kw_only=True):
    object: str = "embedding"
    index: int
    embedding: list[float] | str


class _Usage(msgspec.Struct, frozen=True, kw_only=True):
    prompt_tokens: int
    total_tokens: int


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    object: str = "list"
    data: list[_Vector]
    model: str
    usage: _Usage
    simulated: bool = True


_READ = msgspec.json.Decoder(Request)


def read(body: bytes) -> Request:
    """Raises InvalidRequest, naming the member at fault."""
    try:
        return _READ.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not a request for embeddings: {error}.") from None


def write(request: Request, model: Base) -> bytes:
    """The answer. Raises InvalidRequest if the model does not embed or the input is bad."""
    if model != "embed":
        raise InvalidRequest(
            f"The simulated model '{model}' does not embed; use embed.", field="model"
        )
    texts = _texts(request)
    vectors = [embed(text, request.dimensions) for text in texts]
    packed = request.encoding_format == "base64"
    counted = sum(tokens(text) for text in texts)
    return msgspec.json.encode(
        _Answer(
            data=[
                _Vector(index=at, embedding=_packed(vector) if packed else vector)
                for at, vector in enumerate(vectors)
            ],
            model=request.model,
            usage=_Usage(prompt_tokens=counted, total_tokens=counted),
        )
    )


def _texts(request: Request) -> list[str]:
    """One text a vector. Token ids, which we cannot read, stand for themselves as words."""
    given = request.input
    if isinstance(given, str):
        return [given]
    if not 1 <= len(given) <= MAX_INPUTS:
        raise InvalidRequest(
            f"input must hold 1 to {MAX_INPUTS} texts, not {len(given)}.", field="input"
        )
    if all(isinstance(item, int) for item in given):
        return [" ".join(str(item) for item in given)]
    if any(isinstance(item, int) for item in given):
        raise InvalidRequest("input mixes texts and token ids; send one kind.", field="input")
    return [item if isinstance(item, str) else _joined(item) for item in given]


def _joined(item: int | list[int]) -> str:
    return " ".join(str(number) for number in item) if isinstance(item, list) else str(item)


def _packed(vector: list[float]) -> str:
    """Little-endian 32-bit floats in base64, which the SDK asks for by default."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
