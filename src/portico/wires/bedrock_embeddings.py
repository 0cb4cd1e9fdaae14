"""Embeddings through Bedrock's InvokeModel: each family of models has a body of its own.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
The number of input tokens comes in the body where the family reports it (Titan); Cohere's
only comes in a header, which this wire does not see, so its usage is estimated.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import InvalidRequest
from portico.contract.usage import Usage
from portico.contract.wires import Outgoing, ProviderWire, Skim, Target
from portico.wires.assembly import ProviderSide, untranslatable
from portico.wires.bedrock_converse import failures
from portico.wires.bedrock_converse.tables import GUIDE, UNREADABLE
from portico.wires.counts import Audit
from portico.wires.losses import Losses

__all__ = ["FAMILIES", "NAME", "WIRE", "EmbeddingFamily"]

NAME: Final = "bedrock_embeddings"

Body = dict[str, Json]


class EmbeddingFamily(msgspec.Struct, frozen=True):
    """How models whose id begins so embed."""

    prefix: str
    write: Callable[[tuple[str, ...]], Body]
    most_inputs: int
    """Texts in one request."""
    dimensions: str
    """The member for the number of dimensions; "" where the model has one number only."""
    source: str


def _titan(inputs: tuple[str, ...]) -> Body:
    return {"inputText": inputs[0]}


def _cohere(inputs: tuple[str, ...]) -> Body:
    return {"texts": inputs, "input_type": "search_document", "embedding_types": ["float"]}


_TITAN_PAGE = f"{GUIDE}/model-parameters-titan-embed-text.html"
_COHERE_PAGE = f"{GUIDE}/model-parameters-embed.html"

FAMILIES: tuple[EmbeddingFamily, ...] = (
    EmbeddingFamily("amazon.titan-embed-text-v2", _titan, 1, "dimensions", _TITAN_PAGE),
    EmbeddingFamily("amazon.titan-embed", _titan, 1, "", _TITAN_PAGE),
    EmbeddingFamily(
        "cohere.embed-v4",
        _cohere,
        96,
        "output_dimension",
        f"{GUIDE}/model-parameters-embed-v4.html",
    ),
    EmbeddingFamily("cohere.embed", _cohere, 96, "", _COHERE_PAGE),
)
"""The first that fits counts; ids are looked at as in `bedrock_converse.families.family`."""


class _Body(msgspec.Struct, rename="camel"):
    embedding: tuple[float, ...] | None = None
    input_text_token_count: Json = None
    embeddings: dict[str, msgspec.Raw] | tuple[tuple[float, ...], ...] | None = None


_answers = msgspec.json.Decoder(_Body)
_vectors = msgspec.json.Decoder(tuple[tuple[float, ...], ...])


def write_embedding(request: EmbeddingRequest, target: Target) -> Outgoing:
    """Raises InvalidRequest for what the model's family cannot take, naming the member."""
    name = f".{target.family.rpartition('/')[2]}"
    row = next((row for row in FAMILIES if f".{row.prefix}" in name), None)
    if row is None:
        raise InvalidRequest(
            f"Portico does not know how the Bedrock model {target.model_id!r} embeds; name one "
            "of Titan or Cohere, by its model id.",
            field="model",
        )
    if len(request.inputs) > row.most_inputs or not request.inputs:
        raise InvalidRequest(
            f"`input` has {len(request.inputs)} texts; this Bedrock model takes from 1 to "
            f"{row.most_inputs} in a request. Send them in several calls.",
            field="input",
        )
    body = row.write(request.inputs)
    if request.dimensions is not None:
        if not row.dimensions:
            raise InvalidRequest(
                "`dimensions` cannot be chosen with this Bedrock model; leave it out.",
                field="dimensions",
            )
        body[row.dimensions] = request.dimensions
    losses = Losses(own=False)
    if request.end_user is not None:
        losses.drop("end_user")
    return Outgoing(body=msgspec.json.encode(body), dropped=losses.names)


def read_vectors(body: bytes) -> EmbeddingAnswer:
    """Vectors as floats, whatever the caller asked for. Raises UpstreamFailed for another body."""
    try:
        found = _answers.decode(body)
        if found.embedding is not None:
            vectors: tuple[tuple[float, ...], ...] = (found.embedding,)
        elif isinstance(found.embeddings, dict):
            vectors = _vectors.decode(found.embeddings.get("float", b"null"))
        else:
            vectors = found.embeddings or ()
    except UNREADABLE:
        raise failures.malformed() from None
    if not vectors:
        raise failures.malformed()
    return EmbeddingAnswer(model="", vectors=vectors, usage=_usage(found.input_text_token_count))


def skim(body: bytes) -> Skim:
    """Usage of an answer; one that is none sets `failed`."""
    try:
        found = _answers.decode(body)
    except UNREADABLE:
        return Skim(failed=failures.malformed())
    if not found.embedding and not found.embeddings:
        return Skim(failed=failures.malformed())
    return Skim(usage=_usage(found.input_text_token_count), has_content=True, complete=True)


def _usage(count: Json) -> Usage | None:
    if count is None:
        return None
    audit = Audit()
    usage = Usage(input=audit.count(count, "input"))
    return usage if audit.silent else audit.close(usage, {"inputTextTokenCount": count})


WIRE: ProviderWire = ProviderSide(
    name=NAME,
    passthrough=untranslatable,
    skim=skim,
    read_error=failures.read_error,
    write_embedding=write_embedding,
    read_vectors=read_vectors,
)
