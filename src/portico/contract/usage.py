"""Tokens and reasons to stop, in one vocabulary for all wires."""

from enum import StrEnum
from typing import Final, Literal

import msgspec


class StopReason(StrEnum):
    """Why an answer ended. Wires map their own words to these by tables."""

    END = "end"
    LENGTH = "length"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    CONTEXT_WINDOW = "context_window"
    OTHER = "other"


Side = Literal["input", "output"]
"""The two sides of a price."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Why reported numbers are not believed."""

    flags: tuple[str, ...]
    """"negative", "absurd", "not_a_number", "inconsistent"."""
    reported: str
    """The usage object as JSON, cut at 500 characters."""
    sides: tuple[Side, ...] = ("input", "output")
    """Whose numbers are doubted. Empty: only a sum, or a part that another count holds already."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one attempt. The fields do not overlap: their sum is what was processed.

    Three are parts of others: `reasoning` of `output`, `input_image` and `input_video` of `input`.
    """

    input: int = 0
    """Text and image tokens of the input that were neither read from nor written to a cache."""
    cached_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    cached_audio: int = 0
    output: int = 0
    """Output tokens but for audio and images; includes `reasoning`."""
    output_audio: int = 0
    output_image: int = 0
    reasoning: int = 0
    input_image: int = 0
    """The part of `input` that was images; charged apart only where images have their own price."""
    input_video: int = 0
    """The part of `input` that was video, as with images."""
    searches: int = 0
    """Searches and the like that the provider ran and bills by number, not by tokens."""
    service_tier: str = ""
    """The tier that the provider says it served: "batch", "flex", "priority". Empty: standard."""
    doubt: Doubt | None = None
    """None: nothing speaks against the numbers."""


SIDES: Final[dict[Side, tuple[str, ...]]] = {
    "input": (
        *("input", "cached_read", "cache_write_5m", "cache_write_1h"),
        *("input_audio", "cached_audio", "input_image", "input_video"),
    ),
    "output": ("output", "output_audio", "output_image", "reasoning"),
}
"""The counts of tokens in `Usage`, by side."""
