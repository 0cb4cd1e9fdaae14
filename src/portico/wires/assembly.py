"""A wire put together from its functions: the two objects that the gateway knows it by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation
from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.events import Answer
from portico.contract.prompt import Dressing
from portico.contract.wires import (
    Dresser,
    Outgoing,
    Relay,
    Skim,
    StreamReader,
    StreamWriter,
    Target,
)


def untranslatable(*_: object) -> NoReturn:
    """For what a wire of embeddings has no words for."""
    raise InvalidRequest("This model embeds texts; it holds no conversation.", field="model")


def no_embeddings(*_: object) -> NoReturn:
    """For what a wire of conversations has no words for."""
    raise InvalidRequest("This model holds conversations; it embeds no texts.", field="model")


@dataclass(frozen=True, slots=True)
class CallerSide:
    """Satisfies `contract.wires.Door`."""

    name: str
    read: Callable[[bytes, int], WireRequest]
    write_error: Callable[[PorticoError, str], bytes]
    conversation: Callable[[WireRequest], Conversation] = untranslatable
    write_answer: Callable[[Answer], bytes] = untranslatable
    stream_writer: Callable[[WireRequest], StreamWriter] = untranslatable
    embedding: Callable[[WireRequest], EmbeddingRequest] = no_embeddings
    write_vectors: Callable[[EmbeddingAnswer], bytes] = no_embeddings
    dresser: Callable[[Dressing], Dresser] = untranslatable


@dataclass(frozen=True, slots=True)
class ProviderSide:
    """Satisfies `contract.wires.ProviderWire`."""

    name: str
    passthrough: Callable[[WireRequest, Target], Outgoing]
    skim: Callable[[bytes], Skim]
    read_error: Callable[[int, Mapping[str, str], bytes], PorticoError]
    write_request: Callable[[Conversation, Target], Outgoing] = untranslatable
    read_answer: Callable[[bytes], Answer] = untranslatable
    relay: Callable[[WireRequest], Relay] = untranslatable
    stream_reader: Callable[[], StreamReader] = untranslatable
    write_embedding: Callable[[EmbeddingRequest, Target], Outgoing] = no_embeddings
    read_vectors: Callable[[bytes], EmbeddingAnswer] = no_embeddings
