"""Gemini's batchEmbedContents: texts in, one vector for each.

The model stands in the URL and, as Google wants it, in each request of the batch.

Source: https://ai.google.dev/api/embeddings#method:-models.batchembedcontents.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from portico.contract.call import WireRequest
from portico.contract.conversation import Json
from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import InvalidRequest
from portico.contract.usage import Usage
from portico.contract.wires import Door, Outgoing, ProviderWire, Skim, Target
from portico.wires import members
from portico.wires.assembly import CallerSide, ProviderSide
from portico.wires.gemini import failures, usage
from portico.wires.gemini.tables import UNREADABLE

__all__ = ["DOOR", "WIRE"]

NAME = "gemini_embeddings"


class _Part(msgspec.Struct, frozen=True):
    text: str


class _Content(msgspec.Struct, frozen=True):
    parts: Annotated[list[_Part], Meta(min_length=1)]


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    content: _Content
    output_dimensionality: Annotated[int, Meta(ge=1)] | None = None


class _Batch(msgspec.Struct, frozen=True):
    requests: Annotated[list[_Request], Meta(min_length=1)]


class _Vector(msgspec.Struct, frozen=True):
    values: tuple[float, ...]


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    embeddings: list[_Vector] | None = None
    usage_metadata: Json = None
    error: Json = None


class _Counts(msgspec.Struct, frozen=True, rename="camel"):
    embeddings: list[msgspec.Raw] | None = None
    usage_metadata: Json = None
    error: Json = None


_batches = msgspec.json.Decoder(_Batch)
_answers = msgspec.json.Decoder(_Body)
_counts = msgspec.json.Decoder(_Counts)


def write_embedding(request: EmbeddingRequest, target: Target) -> Outgoing:
    """`user` has no place here and is dropped; how vectors are encoded is the door's matter."""
    model = target.model_id if "/" in target.model_id else f"models/{target.model_id}"
    more = {} if request.dimensions is None else {"outputDimensionality": request.dimensions}
    requests = [
        {"model": model, "content": {"parts": [{"text": text}]}, **more} for text in request.inputs
    ]
    dropped = () if request.end_user is None else ("user",)
    return Outgoing(body=msgspec.json.encode({"requests": requests}), dropped=dropped)


def read_vectors(body: bytes) -> EmbeddingAnswer:
    """The reply names no model. Raises UpstreamFailed for a body that holds no vectors."""
    try:
        found = _answers.decode(body)
    except UNREADABLE:
        raise failures.not_an_answer() from None
    if found.error is not None:
        raise failures.read_stream_error(found.error)
    if found.embeddings is None:
        raise failures.not_an_answer()
    vectors = tuple(vector.values for vector in found.embeddings)
    return EmbeddingAnswer(model="", vectors=vectors, usage=usage.read_usage(found.usage_metadata))


def skim(body: bytes) -> Skim:
    """Usage of an answer; one that is none sets `failed`."""
    try:
        found = _counts.decode(body)
    except UNREADABLE:
        return Skim(failed=failures.not_an_answer())
    if found.error is not None:
        counted = usage.read_usage(found.usage_metadata)
        return Skim(usage=counted, failed=failures.read_stream_error(found.error))
    if found.embeddings is None:
        return Skim(failed=failures.not_an_answer())
    return Skim(
        usage=usage.read_usage(found.usage_metadata),
        has_content=bool(found.embeddings),
        complete=True,
    )


def read(body: bytes, nesting: int) -> WireRequest:
    """Checks a batch. Raises InvalidRequest naming the member at fault. The model is in the
    URL: whoever reads a body sets it on the result."""
    found, spans = members.scan(body, nesting)
    try:
        _batches.decode(body)
    except msgspec.DecodeError as error:
        raise members.refusal(error) from None
    return WireRequest(
        wire=NAME,
        operation="embeddings",
        body=body,
        model="",
        max_output_tokens=0,
        options=members.options(found.get("portico")),
        members=spans,
    )


def embedding(request: WireRequest) -> EmbeddingRequest:
    """The texts of a batch. Raises InvalidRequest where its requests ask for vectors of
    different lengths."""
    batch = _batches.decode(request.body)
    lengths = {entry.output_dimensionality for entry in batch.requests}
    if len(lengths) > 1:
        field = "requests[].outputDimensionality"
        raise InvalidRequest(f"`{field}` must be the same in all requests.", field=field)
    inputs = ("\n".join(part.text for part in entry.content.parts) for entry in batch.requests)
    return EmbeddingRequest(wire=NAME, inputs=tuple(inputs), dimensions=lengths.pop())


def write_vectors(answer: EmbeddingAnswer) -> bytes:
    found = answer.usage or Usage()
    body: dict[str, Json] = {"embeddings": [{"values": vector} for vector in answer.vectors]}
    if answer.usage is not None:
        body["usageMetadata"] = {"promptTokenCount": found.input + found.cached_read}
    return msgspec.json.encode(body)


def passthrough(request: WireRequest, target: Target) -> Outgoing:
    """The caller's own texts; the model is named anew in each request."""
    asked = embedding(request)
    return Outgoing(body=write_embedding(asked, target).body)


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
