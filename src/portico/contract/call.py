"""One request from an application, as it is known before any stage has looked at it."""

from typing import Literal

import msgspec

from portico.contract.conversation import Json

Operation = Literal["chat", "embeddings"]


class ContextDocument(msgspec.Struct, frozen=True):
    """A document that the answer must be grounded in."""

    text: str
    id: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `portico` member of a body or the header `x-portico-options`."""

    variables: dict[str, Json] = {}
    session: str | None = None
    subject: str | None = None
    context: list[str | dict[str, str]] = []
    labels: dict[str, Json] = {}
    tags: dict[str, str] | list[str] = {}
    deadline_ms: int | None = None
    data_class: str | None = None
    cache: Literal["bypass"] | None = None
    release: str | None = None
    approval: str | None = None
    idempotency_key: str | None = None


NO_OPTIONS = Options()


class WireRequest(msgspec.Struct, kw_only=True):
    """A body as its door read it: checked for types and bounds, not yet translated.

    `members` are the top-level members of the body in their order, each as
    (name, start of the member, start of its value, end of its value), in bytes of `body`;
    they let a passthrough change one member and leave every other byte equal.
    """

    wire: str
    operation: Operation
    body: bytes
    model: str
    stream: bool = False
    max_output_tokens: int | None = None
    choices: int = 1
    wants_usage: bool = False
    """The caller asked for a usage chunk on the stream (OpenAI: stream_options.include_usage)."""
    options: Options = NO_OPTIONS
    system: str = ""
    """The call's own system text, all its parts joined by blank lines."""
    members: tuple[tuple[str, int, int, int], ...] = ()


class Credential(msgspec.Struct, frozen=True):
    """What the caller showed. `secret` is never logged or stored."""

    secret: str
    scheme: Literal["bearer", "x-api-key", "x-goog-api-key"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, as established by `security`."""

    key: str
    kind: Literal["key", "admin", "metrics", "local"] = "key"
    name: str = ""
    team: str = "default"
    workloads: tuple[str, ...] = ()
