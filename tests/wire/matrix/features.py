"""The features of the matrix as types, read from `features.yaml` beside this file."""

from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
import yaml

from portico.contract.conversation import Json
from portico.gateway import wires

HERE: Final = Path(__file__).parent
DOORS: Final = ("openai_chat", "anthropic_messages")
MODELS: Final = {
    "openai_chat": "gpt-5",
    "anthropic_messages": "claude-opus-5",
    "bedrock_converse": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "gemini": "gemini-3-pro",
}
"""The wires that hold conversations, and the model that each is asked for."""
WIRES: Final = tuple(name for name in MODELS if name in wires.WIRES)

Body = dict[str, Json]
Wanted = dict[str, Json]
"""Path: value."""


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error reply of a provider."""

    status: int
    body: Body
    headers: dict[str, str] = {}


class Feature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the head of `features.yaml`."""

    name: str
    only: Literal["both", "streamed"] = "both"
    asked: dict[str, Body] = {}
    arrives: dict[str, Wanted] = {}
    listed: tuple[str, ...] = ()
    answered: dict[str, Body] = {}
    failed: dict[str, Reply] = {}
    broken: dict[str, Body] = {}
    seen: dict[str, Wanted] = {}
    says: dict[str, dict[str, Wanted]] = {}
    lost: dict[str, str] = {}
    returns: dict[str, Wanted] = {}

    def shows(self, wire: str, door: str) -> Wanted | None:
        """What an answer must hold at a door; None where the feature is nothing there."""
        return self.says.get(wire, {}).get(door) or self.seen.get(door)


@cache
def features() -> tuple[Feature, ...]:
    text = (HERE / "features.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), tuple[Feature, ...])


def missing(body: Json, wanted: Wanted) -> list[str]:
    """The paths at which the body does not hold what is wanted."""
    return [path for path, value in wanted.items() if not _holds(body, path, value)]


def _holds(body: Json, path: str, value: Json) -> bool:
    if path.startswith("!"):
        return not _find(body, path[1:].split("."))
    kind = next((mark for mark in ("~", "{}") if path.endswith(mark)), "")
    bare = path.removesuffix(kind)
    found = _find(body, bare.split(".") if bare else [])
    if kind == "~":
        texts = value if isinstance(value, list) else [value]
        said = [_json(one) for one in found]
        return any(_json(text).strip('"') in one for text in texts for one in said)
    if kind == "{}":
        return any(isinstance(one, str) and msgspec.json.decode(one) == value for one in found)
    return value in found


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _find(value: Json, path: list[str]) -> list[Json]:
    if not path:
        return [value]
    step, *rest = path
    if isinstance(value, dict):
        inner = list(value.values()) if step == "*" else [value[step]] if step in value else []
    elif isinstance(value, list):
        chosen = step.isdecimal() and int(step) < len(value)
        inner = value if step == "*" else [value[int(step)]] if chosen else []
    else:
        inner = []
    return [found for one in inner for found in _find(one, rest)]
