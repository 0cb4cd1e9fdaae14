"""Families of models on Bedrock: what differs between them, by how their ids begin."""

from typing import Literal

import msgspec

from portico.wires.bedrock_converse.tables import GUIDE, NOVA

Style = Literal["thinking", "nova", "effort"]


class Family(msgspec.Struct, frozen=True):
    """How models whose id begins so take what Converse itself has no member for.

    `reasoning`: "thinking" is Anthropic's object, with the effort in `outputConfig`; "nova" is
    `reasoningConfig`; "effort" is `reasoning_effort`; "" is not at all.
    """

    prefix: str
    top_k: tuple[str, ...]
    """The path of the member within `additionalModelRequestFields`; () where there is none."""
    reasoning: Style | Literal[""]
    source: str
    sequence: tuple[str, ...] = ()
    """Where its answers say which stop sequence was met, as a JSON pointer to be asked for."""


FAMILIES: tuple[Family, ...] = (
    Family("anthropic.claude", ("top_k",), "thinking",
           f"{GUIDE}/model-parameters-anthropic-claude-messages.html", ("/stop_sequence",)),
    Family("amazon.nova-2", ("inferenceConfig", "topK"), "nova",
           f"{NOVA}/nova2-userguide/extended-thinking.html"),
    Family("amazon.nova", ("inferenceConfig", "topK"), "",
           f"{NOVA}/userguide/complete-request-schema.html"),
    Family("openai.", (), "effort", f"{GUIDE}/model-parameters-openai.html"),
    Family("cohere.command-r", ("k",), "", f"{GUIDE}/model-parameters-cohere-command-r-plus.html"),
    Family("mistral.", ("top_k",), "", f"{GUIDE}/model-parameters-mistral-text-completion.html"),
)  # fmt: skip
"""The first that fits counts. Ids are looked at behind the region of an inference profile
("eu.") and behind the path of an ARN; an ARN that names no model has no family."""

NOVA_EFFORTS: dict[str, str] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "medium",
    "xhigh": "medium",
    "max": "medium",
}
"""Nova's `high` forbids `maxTokens`, and a call without a cap has no ceiling of cost."""


def is_claude(model_id: str) -> bool:
    """Whether a model is, or for an ARN that names none may be, one of Claude's."""
    row = family(model_id)
    if row is None:
        return model_id.startswith("arn:")
    return row.reasoning == "thinking"


def family(model_id: str) -> Family | None:
    """The family of a model id, an inference profile's id, or an ARN that names a model."""
    name = f".{model_id.rpartition('/')[2]}"
    return next((row for row in FAMILIES if f".{row.prefix}" in name), None)
