"""An answer, whole or as a stream of events, in one vocabulary for all wires.

The order on a stream: `Started`, then for each part `PartOpened`, `PartDelta`…, `PartClosed`,
then `Stopped` for each choice; `UsageReported` may come anywhere, the last one counts.
`Failed` ends a stream that broke after its first byte.
"""

from typing import Literal

import msgspec

from portico.contract.conversation import NOTHING, Citation, Extra, Json, Part
from portico.contract.errors import PorticoError
from portico.contract.usage import StopReason, Usage

PartKind = Literal["text", "reasoning", "refusal", "tool_call", "audio", "opaque"]
DeltaField = Literal["text", "signature", "sealed", "arguments", "audio"]


class Started(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    model: str
    created: int | None = None
    """Seconds since the epoch, where the wire says so."""
    extra: Extra = NOTHING


class PartOpened(msgspec.Struct, frozen=True, kw_only=True):
    """`part` counts from 0 within its choice, over all kinds. `id` and `name` are a tool call's."""

    part: int
    kind: PartKind
    choice: int = 0
    id: str = ""
    name: str = ""
    extra: Extra = NOTHING
    """For `opaque`: the wire's own block, and `wire` under the key "wire"."""


class PartDelta(msgspec.Struct, frozen=True, kw_only=True):
    part: int
    text: str
    choice: int = 0
    field: DeltaField = "text"
    logprobs: Json = None


class CitationAdded(msgspec.Struct, frozen=True, kw_only=True):
    part: int
    citation: Citation
    choice: int = 0


class PartClosed(msgspec.Struct, frozen=True, kw_only=True):
    part: int
    choice: int = 0


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    reason: StopReason
    choice: int = 0
    sequence: str | None = None
    """The stop sequence that was met, where the wire says which."""
    extra: Extra = NOTHING
    """Unknown members, and under the key "wire" the wire that they belong to."""


class UsageReported(msgspec.Struct, frozen=True, kw_only=True):
    usage: Usage


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    error: PorticoError


Event = (
    Started | PartOpened | PartDelta | CitationAdded | PartClosed | Stopped | UsageReported | Failed
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    parts: tuple[Part, ...]
    stop: StopReason
    sequence: str | None = None
    logprobs: Json = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `usage` is None where the upstream reported none."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int | None = None
    extra: Extra = NOTHING
