"""The OpenAI embeddings wire: checked at the door, passed through, skimmed for its usage.

Embeddings of one provider are of no use to another's model, so nothing is translated.

Source: https://platform.openai.com/docs/api-reference/embeddings.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portico.contract.call import WireRequest
from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.ports import Door, ProviderWire, Skim, Target
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


DOOR: Door = CallerSide(name=NAME, read=read, write_error=failures.write_error)
WIRE: ProviderWire = ProviderSide(
    name=NAME, passthrough=passthrough, skim=skim, read_error=failures.read_error
)
