"""The OpenAI embeddings wire: checked at the door, passed through, or translated.

Texts can be embedded by a model of any wire. Token ids are one tokenizer's own, so they go only
to a provider of this wire.

Source: https://platform.openai.com/docs/api-reference/embeddings.
"""

import struct
from base64 import b64encode
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portico.contract.call import WireRequest
from portico.contract.conversation import Json
from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import InvalidRequest, UpstreamFailed
from portico.contract.usage import Usage
from portico.contract.wires import Door, Outgoing, ProviderWire, Skim, Target
from portico.wires import members
from portico.wires.assembly import CallerSide, ProviderSide
from portico.wires.openai_chat import failures, usage

__all__ = ["DOOR", "WIRE"]

NAME = "openai_embeddings"

Tokens = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=1)]
Item = Annotated[str, Meta(min_length=1)] | Tokens
MOST_INPUTS = 2048


class _Request(msgspec.Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1)]
    input: str | Annotated[list[int | str | Tokens], Meta(min_length=1)]
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


class _Body(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw] | None = None
    model: str | None = None
    usage: Json = None
    error: Json = None


class _Vector(msgspec.Struct, frozen=True):
    embedding: tuple[float, ...]
    index: int = 0


class _Vectors(msgspec.Struct, frozen=True):
    data: list[_Vector] | None = None
    model: str | None = None
    usage: Json = None
    error: Json = None


_requests = msgspec.json.Decoder(_Request)
_vectors = msgspec.json.Decoder(_Vectors)
_answers = msgspec.json.Decoder(_Body)


def read(body: bytes, nesting: int) -> WireRequest:
    """Checks types and bounds. Raises InvalidRequest naming the member at fault."""
    found, spans = members.scan(body, nesting)
    try:
        request = _requests.decode(body)
    except msgspec.DecodeError as error:
        raise members.refusal(error) from None
    _check(request.input)
    return WireRequest(
        wire=NAME,
        operation="embeddings",
        body=body,
        model=request.model,
        max_output_tokens=0,
        options=members.options(found.get("portico")),
        members=spans,
    )


def passthrough(request: WireRequest, target: Target) -> Outgoing:
    """The caller's own bytes but for the model's name and the `portico` member."""
    model = msgspec.json.encode(target.model_id)
    return Outgoing(
        body=members.edit(request.body, request.members, {"model": model}, ("portico",))
    )


def skim(body: bytes) -> Skim:
    """Usage and model of an answer; one that is none sets `failed`."""
    try:
        found = _answers.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Skim(failed=failures.not_an_answer())
    if found.error is not None:
        counted = usage.read(found.usage)
        return Skim(usage=counted, failed=failures.read_stream_error(found.error))
    if found.data is None:
        return Skim(failed=failures.not_an_answer())
    return Skim(
        model=found.model or "",
        usage=usage.read(found.usage),
        has_content=bool(found.data),
        complete=True,
    )


def embedding(request: WireRequest) -> EmbeddingRequest:
    """The texts to be embedded. Raises InvalidRequest for token ids, which only the tokenizer
    that made them can read."""
    asked = _requests.decode(request.body)
    given = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = tuple(text for text in given if isinstance(text, str))
    if len(texts) < len(given):
        raise InvalidRequest(
            "`input` has token ids, which a model of another provider cannot read; send text.",
            field="input",
        )
    return EmbeddingRequest(
        wire=NAME,
        inputs=texts,
        dimensions=asked.dimensions,
        encoding=asked.encoding_format or "float",
        end_user=asked.user,
    )


def write_vectors(answer: EmbeddingAnswer) -> bytes:
    """The vectors as an OpenAI list: numbers, or base64 of little-endian 32-bit floats.

    Raises UpstreamFailed for a number that 32 bits cannot hold.
    """
    encode = _base64 if answer.encoding == "base64" else list
    tokens = usage.write(answer.usage or Usage())["prompt_tokens"]
    body: dict[str, Json] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(vector)}
            for index, vector in enumerate(answer.vectors)
        ],
        "model": answer.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return msgspec.json.encode(body)


def write_embedding(request: EmbeddingRequest, target: Target) -> Outgoing:
    """A request of another wire as one of this; vectors come back as numbers."""
    body: dict[str, Json] = {
        "model": target.model_id,
        "input": request.inputs,
        "encoding_format": "float",
    }
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.end_user is not None:
        body["user"] = request.end_user
    return Outgoing(body=msgspec.json.encode(body))


def read_vectors(body: bytes) -> EmbeddingAnswer:
    """Raises what an error object means, and UpstreamFailed for a body without vectors."""
    try:
        found = _vectors.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise failures.not_an_answer() from None
    if found.error is not None:
        raise failures.read_stream_error(found.error)
    if found.data is None:
        raise failures.not_an_answer()
    ordered = sorted(found.data, key=lambda entry: entry.index)
    return EmbeddingAnswer(
        model=found.model or "",
        vectors=tuple(entry.embedding for entry in ordered),
        usage=usage.read(found.usage),
    )


def _base64(vector: tuple[float, ...]) -> str:
    try:
        return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (OverflowError, struct.error):
        raise UpstreamFailed(
            "The provider's vector has a number that 32 bits cannot hold; "
            "ask for `encoding_format` float.",
            detail={"stage": "body", "kind": "malformed"},
        ) from None


def _check(given: str | list[int | str | list[int]]) -> None:
    if not given:
        raise InvalidRequest("`input` is empty; send text or tokens.", field="input")
    if isinstance(given, str) or isinstance(given[0], int):
        kind: type = str if isinstance(given, str) else int
    else:
        kind = type(given[0])
        if len(given) > MOST_INPUTS:
            raise InvalidRequest(
                f"`input` has {len(given)} items; at most {MOST_INPUTS} are taken.", field="input"
            )
    if isinstance(given, list):
        for index, item in enumerate(given):
            if type(item) is not kind or item == "":
                field = f"input[{index}]"
                raise InvalidRequest(
                    f"`{field}`: all items must be texts, or tokens, or lists of tokens; "
                    "none may be empty.",
                    field=field,
                )


DOOR: Door = CallerSide(
    name=NAME,
    read=read,
    write_error=failures.write_error,
    embedding=embedding,
    write_vectors=write_vectors,
)
WIRE: ProviderWire = ProviderSide(
    name=NAME,
    passthrough=passthrough,
    skim=skim,
    read_error=failures.read_error,
    write_embedding=write_embedding,
    read_vectors=read_vectors,
)
