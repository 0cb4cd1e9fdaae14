"""What a prompt is: an immutable version, and what rendering it adds to a call."""

from typing import Literal

import msgspec

from portico.contract.conversation import Json, OutputFormat, ReasoningRequest, Sampling, Tool

PromptSource = Literal["", "registered", "adopted", "observed"]
"""Where the prompt of a call comes from: rendered by Portico; sent by the application and known
as an adopted file's; sent by the application and only observed."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a prompt sets on calls that do not say otherwise themselves."""

    sampling: Sampling = Sampling()
    reasoning: ReasoningRequest | None = None


class PromptVersion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prompt as it is for ever. `version` is the hash of everything else in here."""

    name: str
    version: str = ""
    """`ver_` and 16 hexadecimal digits."""
    template: str
    """The Jinja text below the front matter, as written, turn marks included."""
    first_line: int = 1
    """The line of the file at which `template` begins, for messages. Not part of the hash."""
    includes: tuple[tuple[str, str], ...] = ()
    """Every template that is reached from it, by path in the project: (path, text), sorted."""
    variables: Json = None
    """JSON Schema (draft 2020-12) of the object of variables. None: it takes none."""
    untrusted: tuple[str, ...] = ()
    """Variables whose values are data that nobody vouches for."""
    parameters: Parameters = Parameters()
    tools: tuple[Tool, ...] = ()
    output: OutputFormat | None = None
    observed: str = ""
    """The fingerprint of the observed prompt that this was adopted from."""


class Span(msgspec.Struct, frozen=True):
    """Characters `start` to before `end` of a rendered turn that come from untrusted values."""

    start: int
    end: int


class RenderedTurn(msgspec.Struct, frozen=True, kw_only=True):
    """`untrusted` are the spans that came from untrusted variables or from `context`."""

    role: Literal["system", "user", "assistant"]
    text: str
    untrusted: tuple[Span, ...] = ()


class Dressing(msgspec.Struct, frozen=True, kw_only=True):
    """What a release sets on calls beside its turns, where a call names none of it."""

    parameters: Parameters = Parameters()
    tools: tuple[Tool, ...] = ()
    output: OutputFormat | None = None
