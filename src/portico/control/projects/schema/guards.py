"""`workloads.*.guards` and `workloads.*.trust`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from portico.control.projects.schema.part import Part
from portico.control.projects.units import Duration, Share, Text, one_or_many, wrapped

Action = Literal["flag", "redact", "tokenise", "block"]


class Guard(Part):
    """A word stands for `{action: word}`."""

    action: Action | None = None
    threshold: Share | None = None
    mode: Literal["enforce", "monitor"] = "enforce"
    on_error: Literal["close", "open"] = "close"
    timeout: Duration | None = None


class Links(Part):
    allow: Annotated[list[Text], BeforeValidator(one_or_many)] = Field(default_factory=list)
    action: Literal["flag", "redact", "block"] = "redact"


Check = Annotated[Guard | None, BeforeValidator(wrapped("action"))]


class InputGuards(Part):
    pii: Check = None
    secrets: Check = None
    injection: Check = None
    harm: Check = None
    topics: Check = None
    words: Check = None
    uninspected: Check = None


class OutputGuards(Part):
    pii: Check = None
    secrets: Check = None
    harm: Check = None
    topics: Check = None
    words: Check = None
    links: Links | None = None
    html: Check = None
    prompt_leak: Check = None
    uninspected: Check = None


class Guards(Part):
    input: InputGuards | None = None
    output: OutputGuards | None = None


class Trust(Part):
    checks: list[
        Literal[
            "grounding",
            "citation",
            "arithmetic",
            "agreement",
            "confidence",
            "contradiction",
            "format",
            "tools",
            "judge",
        ]
    ] = Field(default_factory=list)
    risk: Share = 0.05
    otherwise: list[Literal["escalate", "regenerate", "repair", "abstain", "withhold", "flag"]] = (
        Field(default_factory=list)
    )
    stream: Literal["verify", "sentence", "after"] = "after"
    message: Text = ""
