"""Which ids of models name one version for good. Pure.

An id without a version is an alias: its provider may move it to another model, and answers
change without a release.
"""

import re
from collections.abc import Mapping
from typing import Final

from portico.contract.snapshot import Model

PINNED: Final[Mapping[str, tuple[str, ...]]] = {
    # gpt-4o-2024-08-06, gpt-4-0613, gpt-4-0125-preview (month and day), and what was
    # fine-tuned from them (ft:MODEL:organisation:name:id):
    # https://developers.openai.com/api/docs/models
    "openai": (
        r"-20\d\d-[01]\d-[0-3]\d(:.*)?",
        r"-(0[1-9]|1[0-2])[0-3]\d(-preview)?(:.*)?",
    ),
    # claude-sonnet-4-5-20250929: https://docs.claude.com/en/docs/about-claude/models/overview
    "anthropic": (r"-20\d\d[01]\d[0-3]\d",),
    # anthropic.claude-sonnet-4-5-20250929-v1:0, amazon.nova-lite-v1:0, openai.gpt-oss-20b-1:0,
    # and variants of context size (:200k):
    # https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
    "bedrock": (r"-v?\d+:\d+(:\w+)?",),
    # gemini-2.0-flash-001, gemini-2.5-flash-preview-09-2025:
    # https://ai.google.dev/gemini-api/docs/models
    "gemini": (r"-\d\d\d", r"-preview-\d\d-\d\d(\d\d)?"),
}
"""By kind of provider: how the id of a pinned version ends."""

_ENDINGS: Final = {kind: re.compile(f".+(?:{'|'.join(ends)})") for kind, ends in PINNED.items()}


def pinned(kind: str, model: Model) -> bool | None:
    """Whether the model's id is that of one version; None where its provider has no versions.

    Of an inference profile or a provisioned ARN it is the model behind it that counts.
    """
    ending = _ENDINGS.get(kind)
    return None if ending is None else bool(ending.fullmatch(model.stands_for or model.id))
