"""Embeddings: the texts of a request, their vectors, and the answer in the shape of its wire."""

import base64
import struct
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

from portico.adapters.simulator.dialects import NESTING
from portico.contract.conversation import Json
from portico.contract.embedding import EmbeddingAnswer
from portico.contract.errors import InvalidRequest
from portico.contract.usage import Usage
from portico.providers.simulator.embed import embed
from portico.providers.simulator.settings import Base
from portico.providers.simulator.transcript import tokens
from portico.wires.gemini_embeddings import DOOR as GEMINI_DOOR

MAX_INPUTS = 2048
T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request for embeddings, one text a vector."""

    texts: list[str]
    model: str = ""
    """"" where the URL names it."""
    dimensions: int | None = None
    listed: bool = False
    """The texts came as a list, which on Bedrock tells Cohere's shape from Titan's."""
    typed: bool = False
    """The caller names how its vectors are to come: OpenAI's base64, Cohere's types."""


class Vectors(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is answered with."""

    asked: Asked
    vectors: list[list[float]]
    tokens: int


class Shape(msgspec.Struct, frozen=True):
    """How a wire asks for embeddings and gets them."""

    read: Callable[[bytes], Asked]
    """Raises InvalidRequest, naming the member at fault."""
    write: Callable[[Vectors], bytes]


def answer(asked: Asked, model: Base) -> Vectors:
    """Raises InvalidRequest if the model does not embed, or not in these dimensions."""
    if model != "embed":
        raise InvalidRequest(
            f"The simulated model '{model}' does not embed; use embed.", field="model"
        )
    return Vectors(
        asked=asked,
        vectors=[embed(text, asked.dimensions) for text in asked.texts],
        tokens=sum(tokens(text) for text in asked.texts),
    )


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not a request for embeddings: {error}.") from None


# --- OpenAI: https://platform.openai.com/docs/api-reference/embeddings/create --------------


class _OpenAI(msgspec.Struct, frozen=True, kw_only=True):
    """Members that we do not know are not looked at, as servers of this wire do."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = None


_openai = msgspec.json.Decoder(_OpenAI)


def _read_openai(body: bytes) -> Asked:
    request = _decode(_openai, body)
    return Asked(
        texts=_texts(request.input),
        model=request.model,
        dimensions=request.dimensions,
        typed=request.encoding_format == "base64",
    )


def _texts(given: str | list[str | int | list[int]]) -> list[str]:
    """One text a vector. Token ids, which we cannot read, stand for themselves as words."""
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


def _write_openai(made: Vectors) -> bytes:
    encode: Callable[[list[float]], Json] = _packed if made.asked.typed else list
    answered: dict[str, Json] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": at, "embedding": encode(vector)}
            for at, vector in enumerate(made.vectors)
        ],
        "model": made.asked.model,
        "usage": {"prompt_tokens": made.tokens, "total_tokens": made.tokens},
    }
    return msgspec.json.encode(answered)


def _packed(vector: list[float]) -> str:
    """Little-endian 32-bit floats in base64, which the SDK asks for by default."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


# --- Bedrock: InvokeModel with the bodies of Titan and Cohere ------------------------------
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html


class _Invoke(msgspec.Struct, frozen=True, kw_only=True):
    input_text: str | None = msgspec.field(default=None, name="inputText")
    dimensions: int | None = None
    texts: list[str] | None = None
    embedding_types: list[str] | None = None
    output_dimension: int | None = None


_invoke = msgspec.json.Decoder(_Invoke)


def _read_invoke(body: bytes) -> Asked:
    request = _decode(_invoke, body)
    if request.input_text is not None:
        return Asked(texts=[request.input_text], dimensions=request.dimensions)
    if not request.texts:
        raise InvalidRequest("The body has neither inputText (Titan) nor texts (Cohere).")
    return Asked(
        texts=request.texts,
        dimensions=request.output_dimension,
        typed=request.embedding_types is not None,
        listed=True,
    )


def _write_invoke(made: Vectors) -> bytes:
    answered: dict[str, Json]
    if not made.asked.listed:
        found: Json = made.vectors[0]
        answered = {
            "embedding": found,
            "embeddingsByType": {"float": found},
            "inputTextTokenCount": made.tokens,
        }
    else:
        vectors: Json = made.vectors
        answered = {
            "id": "sim",
            "embeddings": {"float": vectors} if made.asked.typed else vectors,
            "texts": made.asked.texts,
            "response_type": "embeddings_by_type" if made.asked.typed else "embeddings_floats",
        }
    return msgspec.json.encode(answered)


# --- Gemini: https://ai.google.dev/api/embeddings ------------------------------------------


def _read_batch(body: bytes) -> Asked:
    found = GEMINI_DOOR.embedding(GEMINI_DOOR.read(body, NESTING))
    return Asked(texts=list(found.inputs), dimensions=found.dimensions)


def _read_single(body: bytes) -> Asked:
    """A request alone is a batch of one."""
    return _read_batch(b'{"requests":[' + body + b"]}")


def _write_batch(made: Vectors) -> bytes:
    return GEMINI_DOOR.write_vectors(
        EmbeddingAnswer(
            model="",
            vectors=tuple(tuple(vector) for vector in made.vectors),
            usage=Usage(input=made.tokens),
        )
    )


def _write_single(made: Vectors) -> bytes:
    return msgspec.json.encode({"embedding": {"values": made.vectors[0]}})


OPENAI = Shape(_read_openai, _write_openai)
BEDROCK = Shape(_read_invoke, _write_invoke)
GEMINI_BATCH = Shape(_read_batch, _write_batch)
GEMINI_SINGLE = Shape(_read_single, _write_single)
