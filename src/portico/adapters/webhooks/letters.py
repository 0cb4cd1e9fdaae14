"""A happening as the bytes that are sent, and their signature.

Signed as the Standard Webhooks specification says, version v1, symmetric:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.deployment import Happening

BASE64: Final = "whsec_"
"""Before a secret that is base64 of its bytes. Any other is its own bytes."""
NANO: Final = 10**9

Headers = tuple[tuple[str, str], ...]


class Letter(msgspec.Struct, frozen=True):
    """The same at every attempt to deliver it."""

    id: str
    kind: str
    body: bytes


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body in the shape `portico`."""

    id: str
    at: str
    """When it happened, RFC 3339 in UTC."""
    kind: str
    project: str
    workload: str
    subject: str
    detail: Mapping[str, Json]
    number: int = 0


def portico(id_: str, happening: Happening, project: str) -> bytes:
    return msgspec.json.encode(
        Payload(
            id=id_,
            at=_written(happening.at_ns),
            kind=happening.kind,
            project=project,
            workload=happening.workload,
            subject=happening.subject,
            detail=happening.detail,
            number=happening.number,
        )
    )


def slack(_: str, happening: Happening, project: str) -> bytes:
    """One sentence; names in it cannot mention anybody or link anywhere.

    Escaped as https://docs.slack.dev/messaging/formatting-message-text says.
    """
    sentence = f"Portico, project {project}: {SENTENCES[happening.kind](happening)}"
    safe = sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return msgspec.json.encode({"text": safe})


SHAPES: Final[Mapping[str, Callable[[str, Happening, str], bytes]]] = {
    "portico": portico,
    "slack": slack,
}


def headers(letter: Letter, secret: str, now_ns: int) -> Headers:
    """Of one attempt. Raises ValueError for a secret that is no base64 after `whsec_`."""
    at = str(now_ns // NANO)
    named = (
        ("content-type", "application/json"),
        ("webhook-id", letter.id),
        ("webhook-timestamp", at),
    )
    if not secret:
        return named
    content = b".".join((letter.id.encode(), at.encode(), letter.body))
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return (*named, ("webhook-signature", f"v1,{base64.b64encode(digest).decode()}"))


def _key(secret: str) -> bytes:
    if secret.startswith(BASE64):
        return base64.b64decode(secret[len(BASE64) :], validate=True)
    return secret.encode()


def _written(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, NANO)
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _observed(happening: Happening) -> str:
    return (
        f"the workload {happening.workload} is called with a system prompt that was not seen"
        f" before ({happening.subject})."
    )


def _threshold(happening: Happening) -> str:
    return f"the budget {happening.subject} has passed {_said(happening, 'a threshold')}."


def _exhausted(happening: Happening) -> str:
    return f"the budget {happening.subject} is used up: {_said(happening, 'all of it')}."


SENTENCES: Final[Mapping[str, Callable[[Happening], str]]] = {
    "prompt_observed": _observed,
    "budget_threshold": _threshold,
    "budget_exhausted": _exhausted,
}


def _said(happening: Happening, otherwise: str) -> str:
    """What the happening says of itself: "80% of 50 USD in 2026-11"."""
    said = happening.detail.get("said")
    return said if isinstance(said, str) else otherwise
