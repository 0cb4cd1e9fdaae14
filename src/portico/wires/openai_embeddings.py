"""The OpenAI embeddings wire: checked at the door, passed through, skimmed for its usage.

Embeddings of one provider are of no use to another's model, so nothing is translated.

Source: https://platform.openai.com/docs/api-reference/embeddings.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation, Json
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.events import Answer
from portico.contract.ports import (
    Door,
    Outgoing,
    ProviderWire,
    Relay,
    Skim,
    StreamReader,
    StreamWriter,
    Target,
)
from portico.wires import members
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


_requests = msgspec.json.Decoder(_Request)
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


def passthrough(request: WireRequest, target: Target) -> bytes:
    """The caller's own bytes but for the model's name and the `portico` member."""
    model = msgspec.json.encode(target.model_id)
    return members.edit(request.body, request.members, {"model": model}, ("portico",))


def skim(body: bytes) -> Skim:
    """Usage and model of an answer; one that is none sets `failed`."""
    try:
        found = _answers.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Skim(failed=failures.not_an_answer())
    if found.error is not None:
        return Skim(failed=failures.read_stream_error(found.error))
    if found.data is None:
        return Skim(failed=failures.not_an_answer())
    return Skim(
        model=found.model or "",
        usage=usage.read(found.usage),
        has_content=bool(found.data),
        complete=True,
    )


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


def _no_translation() -> NoReturn:
    raise InvalidRequest(
        "Embeddings are not translated between wires; name a model of a provider that serves "
        "the OpenAI embeddings API.",
        field="model",
    )


class _Door:
    """The caller's side. See the port `Door`."""

    name = NAME

    def read(self, body: bytes, nesting: int) -> WireRequest:
        return read(body, nesting)

    def conversation(self, request: WireRequest) -> Conversation:
        _no_translation()

    def write_answer(self, answer: Answer) -> bytes:
        _no_translation()

    def stream_writer(self, request: WireRequest) -> StreamWriter:
        _no_translation()

    def write_error(self, error: PorticoError, call: str) -> bytes:
        return failures.write_error(error, call)


class _Wire:
    """The provider's side. See the port `ProviderWire`."""

    name = NAME

    def write_request(self, conversation: Conversation, target: Target) -> Outgoing:
        _no_translation()

    def passthrough(self, request: WireRequest, target: Target) -> bytes:
        return passthrough(request, target)

    def read_answer(self, body: bytes) -> Answer:
        _no_translation()

    def skim(self, body: bytes) -> Skim:
        return skim(body)

    def relay(self, request: WireRequest) -> Relay:
        _no_translation()

    def stream_reader(self) -> StreamReader:
        _no_translation()

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
        return failures.read_error(status, headers, body)


DOOR: Door = _Door()
WIRE: ProviderWire = _Wire()
