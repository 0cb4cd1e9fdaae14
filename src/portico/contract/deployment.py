"""What is live and how it came to be: releases, pointers to them, who moved them and why."""

from typing import Literal

import msgspec

from portico.contract.conversation import Json
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Release

Action = Literal["apply", "rollback", "adopt", "key", "replay"]


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A project directory as it was applied: its files by relative path, and who did it."""

    project: str
    files: dict[str, str]
    digest: str
    applied_ns: int
    by: str


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """The pointer that says which release a workload serves. A workload has one."""

    workload: str
    project: str
    live: str
    """The id of a stored release."""
    candidate: str = ""
    share: float = 0.0
    """The part of the traffic that the candidate takes, 0 to 1."""
    since_ns: int = 0
    by: str = ""
    why: str = ""
    action: Action = "apply"
    """What moved it last: a rollback stays until an apply ships again."""


class StoredRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release with who shipped it first, when, and in which words."""

    release: Release
    created_ns: int
    by: str
    message: str = ""


class StoredVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt's version with its author, time and message."""

    prompt: PromptVersion
    project: str
    created_ns: int
    author: str
    message: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit trail: who did what to what, and why."""

    at_ns: int
    who: str
    action: Action
    project: str
    target: str
    """A workload, or empty where the act concerns the project."""
    why: str = ""
    before: str = ""
    after: str = ""
    number: int = 0
    """Its place in the trail, counted from 1; given by the store."""


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """One apply, stored whole or not at all."""

    applied: Applied
    base: str | None = None
    """The digest that must still be the project's live one ("" where nothing is live yet).
    None: whatever is live is replaced."""
    releases: tuple[StoredRelease, ...] = ()
    versions: tuple[StoredVersion, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    """All of the project's workloads: a pointer that is not among them is removed."""
    acts: tuple[Act, ...] = ()


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in the traffic and that somebody should hear of."""

    at_ns: int
    kind: Literal["prompt_observed", "budget_threshold", "budget_exhausted"]
    workload: str
    """Empty where it is about no workload."""
    subject: str
    """What it is about: the name of the observed prompt, or of the budget."""
    detail: dict[str, Json] = {}
    number: int = 0


class ObservedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A system prompt that an application sends itself, its templated values folded away."""

    workload: str
    fingerprint: str
    """16 hexadecimal digits; `observed:<fingerprint>` on receipts."""
    sketch: tuple[int, ...]
    """MinHash of its words' shingles: tells similar texts, not the text."""
    text: str
    """The text with `{{ value_1 }}` where calls differ. Kept encrypted by the store's adapter."""
    first_ns: int
    last_ns: int
    calls: int = 0


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What was said in a call, where its workload keeps transcripts. Kept encrypted."""

    call: str
    team: str
    workload: str
    door: str
    subject: str
    received_ns: int
    request: bytes
    """The body as the caller sent it, with its `portico` member."""
    options: bytes = b""
    """The header x-portico-options, if there was one."""
    answer: bytes
    """The body of the answer, or the events of a stream as they left."""
    stream: bool = False
    release: str = ""
