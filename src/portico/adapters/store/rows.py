"""Rows into the contract's data, and back."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from portico.contract.deployment import (
    Act,
    Applied,
    Deployment,
    Happening,
    ObservedPrompt,
    StoredRelease,
    StoredVersion,
    Transcript,
)
from portico.contract.errors import InvalidRequest
from portico.contract.feedback import Feedback
from portico.contract.ledger import Capacity
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Key, Release

Value = str | int | float | bytes | None
Row = tuple[Value, ...]
Found = tuple[Any, ...]
"""A row as it is read, before its columns are parsed."""

SEALED_TRANSCRIPTS: Final = "transcripts"
SEALED_OBSERVED: Final = "observed_prompts"
SEALED_FEEDBACK: Final = "feedback"
"""What is bound to a sealed record beside its row's key."""

HAPPENING_FIELDS: Final = ("at_ns", "kind", "workload", "subject", "detail", "number")

_names = msgspec.json.Decoder(tuple[str, ...])
_files = msgspec.json.Decoder(dict[str, str])
_release = msgspec.msgpack.Decoder(Release)
_version = msgspec.msgpack.Decoder(PromptVersion)
_transcript = msgspec.msgpack.Decoder(Transcript)
_sketch = msgspec.msgpack.Decoder(tuple[int, ...])


def packed(thing: Release | PromptVersion, name: str) -> bytes:
    """Raises InvalidRequest for what msgpack cannot hold: integers beyond 64 bits, broken text."""
    try:
        return msgspec.msgpack.encode(thing)
    except (OverflowError, ValueError) as problem:
        raise InvalidRequest(f"{name} cannot be stored: {problem}.") from None


def to_key(row: Found) -> Key:
    named = dict(zip(Key.__struct_fields__, row, strict=True))
    return msgspec.convert(named | {"workloads": _names.decode(named["workloads"])}, Key)


def of_key(key: Key) -> Row:
    row = msgspec.structs.astuple(key)
    return (*row[:4], _json(key.workloads), *row[5:])


def to_applied(row: tuple[str, str, str, int, str]) -> Applied:
    project, files, digest, applied_ns, by = row
    return Applied(
        project=project, files=_files.decode(files), digest=digest, applied_ns=applied_ns, by=by
    )


def of_applied(applied: Applied) -> Row:
    files = _json(applied.files)
    return (applied.project, files, applied.digest, applied.applied_ns, applied.by)


def to_deployment(row: Row) -> Deployment:
    return msgspec.convert(dict(zip(Deployment.__struct_fields__, row, strict=True)), Deployment)


def to_act(row: Row) -> Act:
    return msgspec.convert(dict(zip(Act.__struct_fields__, row, strict=True)), Act)


def of_act(act: Act) -> Row:
    """Without its number, which the store gives."""
    row: Row = msgspec.structs.astuple(act)[:-1]
    return row


def to_happening(row: Found) -> Happening:
    named = dict(zip(HAPPENING_FIELDS, row, strict=True))
    return msgspec.convert(named | {"detail": msgspec.json.decode(named["detail"])}, Happening)


def of_happening(happening: Happening) -> Row:
    """Without its number, which the store gives. Errors as `msgspec.json.encode`."""
    return (
        happening.at_ns, happening.kind, happening.workload, happening.subject,
        _json(happening.detail),
    )  # fmt: skip


def to_release(row: tuple[int, str, str, bytes]) -> StoredRelease:
    created_ns, by, message, body = row
    return StoredRelease(
        release=_release.decode(body), created_ns=created_ns, by=by, message=message
    )


def to_version(row: tuple[str, int, str, str, bytes]) -> StoredVersion:
    project, created_ns, author, message, body = row
    return StoredVersion(
        prompt=_version.decode(body),
        project=project,
        created_ns=created_ns,
        author=author,
        message=message,
    )


Seal = Callable[..., bytes]
"""`Sealer.seal` or `Sealer.open`: the content, then the place of the row."""


def of_transcript(transcript: Transcript, seal: Seal) -> Row:
    body = msgspec.msgpack.encode(transcript)
    return (
        transcript.call, transcript.workload, transcript.team, transcript.subject,
        transcript.received_ns, int(transcript.stream),
        seal(body, SEALED_TRANSCRIPTS, transcript.call),
    )  # fmt: skip


def to_transcript(row: tuple[str, bytes], open_: Seal) -> Transcript:
    call, sealed = row
    return _transcript.decode(open_(sealed, SEALED_TRANSCRIPTS, call))


def of_observed(observed: ObservedPrompt, seal: Seal) -> Row:
    place = (SEALED_OBSERVED, observed.workload, observed.fingerprint)
    return (
        observed.workload, observed.fingerprint, msgspec.msgpack.encode(observed.sketch),
        observed.first_ns, observed.last_ns, observed.calls,
        seal(observed.text.encode(), *place),
    )  # fmt: skip


def to_observed(row: tuple[str, str, bytes, int, int, int, bytes], open_: Seal) -> ObservedPrompt:
    workload, fingerprint, sketch, first_ns, last_ns, calls, sealed = row
    return ObservedPrompt(
        workload=workload,
        fingerprint=fingerprint,
        sketch=_sketch.decode(sketch),
        text=open_(sealed, SEALED_OBSERVED, workload, fingerprint).decode(),
        first_ns=first_ns,
        last_ns=last_ns,
        calls=calls,
    )


def sealed_comment(feedback: Feedback, seal: Seal) -> bytes:
    """Empty where nothing was said. Errors as `Sealer.seal`."""
    if not feedback.comment:
        return b""
    place = (SEALED_FEEDBACK, feedback.call, str(feedback.at_ns), feedback.by)
    return seal(feedback.comment.encode(), *place)


def of_feedback(feedback: Feedback, sealed: bytes) -> Row:
    return (
        feedback.call, feedback.at_ns, feedback.by, feedback.score, feedback.label, sealed,
    )  # fmt: skip


def to_feedback(row: Found) -> Feedback:
    """Without its comment."""
    return msgspec.convert(dict(zip(Feedback.__struct_fields__, row, strict=False)), Feedback)


def to_capacity(row: Found) -> Capacity:
    return msgspec.convert(dict(zip(Capacity.__struct_fields__, row, strict=True)), Capacity)


def names(of: Sequence[str]) -> str:
    """For `json_each`."""
    return _json(of)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
