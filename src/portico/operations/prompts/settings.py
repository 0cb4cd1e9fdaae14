"""What a prompt's front matter may set on a call: parameters, tools, output."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from portico.contract.conversation import OutputFormat, ReasoningRequest, Sampling, Tool
from portico.contract.prompt import Parameters
from portico.methods.nearest import nearest
from portico.methods.yaml12 import Data, Path
from portico.operations.prompts.variables import BadSchema, validator

Report = Callable[[Path, str, str], None]
"""Takes a fault: where in the front matter, what, and a hint."""

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MAX_STOPS: Final = 16
MAX_TOOLS: Final = 128
TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Range(msgspec.Struct, frozen=True):
    low: float
    high: float = math.inf
    whole: bool = False

    def refuses(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        if self.whole and not isinstance(value, int):
            return True
        return not self.low <= value <= self.high

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g}" + (f" to {self.high:g}" if self.high < 2**31 - 1 else "")


COUNT: Final = _Range(1, 2**31 - 1, whole=True)
NUMBERS: Final[Mapping[str, _Range]] = {
    "temperature": _Range(0, 2),
    "top_p": _Range(0, 1),
    "top_k": COUNT,
    "max_output_tokens": COUNT,
    "seed": _Range(-(2**63), 2**63 - 1, whole=True),
    "frequency_penalty": _Range(-2, 2),
    "presence_penalty": _Range(-2, 2),
    "reasoning_budget": COUNT,
}
PARAMETERS: Final = (*NUMBERS, "stop", "reasoning_effort")
TOOL: Final = ("name", "description", "parameters", "schema", "strict")
OUTPUT: Final = ("name", "description", "schema", "strict")


def parameters(data: Data, report: Report) -> Parameters:
    at: Path = ("parameters",)
    if not isinstance(data, dict):
        report(at, "parameters must be a mapping, such as {temperature: 0.2}", "")
        return Parameters()
    unknown(data, PARAMETERS, at, "a parameter", report)
    kept: dict[str, Any] = {}
    for name, allowed in NUMBERS.items():
        if name not in data:
            continue
        if allowed.refuses(data[name]):
            report((*at, name), f"{name} must be {allowed}", "")
        else:
            kept[name] = data[name]
    if "stop" in data:
        kept["stop"] = _stops(data["stop"], report)
    effort = data.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        near = nearest(str(effort), EFFORTS)
        hint = f"did you mean {near[0]}?" if near else ""
        message = f"reasoning_effort must be one of {', '.join(EFFORTS)}"
        report((*at, "reasoning_effort"), message, hint)
        effort = None
    budget = kept.pop("reasoning_budget", None)
    wanted = effort is not None or budget is not None
    return Parameters(
        sampling=Sampling(**kept),
        reasoning=ReasoningRequest(
            enabled=effort != "none", effort=str(effort) if effort else None, budget=budget
        )
        if wanted
        else None,
    )


def tools(data: Data, report: Report) -> tuple[Tool, ...]:
    if not isinstance(data, list):
        report(("tools",), "tools must be a list of {name, description, parameters}", "")
        return ()
    if len(data) > MAX_TOOLS:
        report(("tools",), f"there are {len(data)} tools; the most is {MAX_TOOLS}", "")
        return ()
    made: list[Tool] = []
    for index, item in enumerate(data):
        tool = _tool(item, ("tools", index), report)
        if tool is not None and any(tool.name == each.name for each in made):
            report(("tools", index, "name"), f"a tool named {tool.name} stands before it", "")
        elif tool is not None:
            made.append(tool)
    return tuple(made)


def _tool(data: Data, at: Path, report: Report) -> Tool | None:
    if not isinstance(data, dict):
        report(at, "a tool must be a mapping of name, description and parameters", "")
        return None
    unknown(data, TOOL, at, "a key of a tool", report)
    name = data.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        place = (*at, "name") if "name" in data else at
        report(place, "a tool needs a name of letters, digits, _ and -, at most 64", "")
        return None
    if "parameters" in data and "schema" in data:
        report((*at, "schema"), "parameters and schema are the same: keep one", "")
    key = "schema" if "schema" in data else "parameters"
    return Tool(
        name=name,
        description=_text(data, "description", at, report),
        schema=_schema(data[key], (*at, key), report) if key in data else None,
        strict=_flag(data, at, report),
    )


def output(data: Data, report: Report) -> OutputFormat | None:
    at: Path = ("output",)
    if data == "json":
        return OutputFormat(kind="json")
    if not isinstance(data, dict):
        report(at, "output must be json, or the JSON Schema of the answer", "")
        return None
    if "schema" not in data:
        schema = _schema(data, at, report)
        return OutputFormat(kind="schema", schema=schema) if schema else None
    unknown(data, OUTPUT, at, "a key of output", report)
    name = _text(data, "name", at, report) or "answer"
    if not TOOL_NAME.fullmatch(name):
        report((*at, "name"), "name must be letters, digits, _ and -, at most 64", "")
    return OutputFormat(
        kind="schema",
        name=name,
        description=_text(data, "description", at, report),
        schema=_schema(data["schema"], (*at, "schema"), report),
        strict=_flag(data, at, report),
    )


def unknown(
    data: Mapping[str, Data], known: Iterable[str], at: Path, what: str, report: Report
) -> None:
    """Reports the keys that are not known, with the one that may have been meant."""
    known = tuple(known)
    for key in data:
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            report((*at, key), f"{key[:60]} is not {what}", hint)


def _schema(data: Data, at: Path, report: Report) -> dict[str, Data] | None:
    if not isinstance(data, dict):
        report(at, "expected a JSON Schema, a mapping", "")
        return None
    try:
        validator(dict(data))
    except BadSchema as error:
        report((*at, *error.path), error.message, "")
        return None
    return data


def _stops(data: Data, report: Report) -> tuple[str, ...]:
    texts = data if isinstance(data, list) else [data]
    good = [each for each in texts if isinstance(each, str) and each]
    if len(good) < len(texts) or len(texts) > MAX_STOPS:
        report(("parameters", "stop"), f"stop must be a text or a list of at most {MAX_STOPS}", "")
    return tuple(good)


def _text(data: Mapping[str, Data], key: str, at: Path, report: Report) -> str | None:
    value = data.get(key)
    if value is None or isinstance(value, str):
        return value
    report((*at, key), f"{key} must be text", "")
    return None


def _flag(data: Mapping[str, Data], at: Path, report: Report) -> bool | None:
    value = data.get("strict")
    if value is None or isinstance(value, bool):
        return value
    report((*at, "strict"), "strict must be true or false", "")
    return None
