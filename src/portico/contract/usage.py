"""Tokens and reasons to stop, in one vocabulary for all wires."""

from enum import StrEnum

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


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one attempt. The fields do not overlap: their sum is what was processed.

    `reasoning` is the exception: it is the part of `output` that was spent on reasoning.
    """

    input: int = 0
    """Text and image tokens of the input that were neither read from nor written to a cache."""
    cached_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    cached_audio: int = 0
    output: int = 0
    """Output tokens but for audio; includes `reasoning`."""
    output_audio: int = 0
    reasoning: int = 0
