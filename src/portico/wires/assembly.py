"""A wire put together from its functions: the two objects that the gateway knows it by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.events import Answer
from portico.contract.ports import Outgoing, Relay, Skim, StreamReader, StreamWriter, Target


def untranslatable(*_: object) -> NoReturn:
    """For the functions of a wire whose requests no other wire can carry."""
    raise InvalidRequest(
        "Embeddings are not translated between wires; name a model of a provider that serves "
        "the API that was called.",
        field="model",
    )


@dataclass(frozen=True, slots=True)
class CallerSide:
    """Satisfies `contract.ports.Door`."""

    name: str
    read: Callable[[bytes, int], WireRequest]
    write_error: Callable[[PorticoError, str], bytes]
    conversation: Callable[[WireRequest], Conversation] = untranslatable
    write_answer: Callable[[Answer], bytes] = untranslatable
    stream_writer: Callable[[WireRequest], StreamWriter] = untranslatable


@dataclass(frozen=True, slots=True)
class ProviderSide:
    """Satisfies `contract.ports.ProviderWire`."""

    name: str
    passthrough: Callable[[WireRequest, Target], bytes]
    skim: Callable[[bytes], Skim]
    read_error: Callable[[int, Mapping[str, str], bytes], PorticoError]
    write_request: Callable[[Conversation, Target], Outgoing] = untranslatable
    read_answer: Callable[[bytes], Answer] = untranslatable
    relay: Callable[[WireRequest], Relay] = untranslatable
    stream_reader: Callable[[], StreamReader] = untranslatable
