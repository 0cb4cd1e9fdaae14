"""`portico doctor --live`: what a model really does, asked through the running server.

Six short calls a model, each judged by what an application would rely on. What only some models
can do is a warning where it fails; what every model must do is a failure.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from portico.contract.snapshot import Model, Snapshot
from portico.main.cli.exits import Ending
from portico.main.cli.findings import Finding, fail, ok, warn
from portico.main.cli.server import Reply, Server, lines, read_whole

PATH = "/v1/chat/completions"
CALL_S = 60.0
MOST_MODELS = 20
LONG = (
    "Count from one to five hundred in words, one number a line, "
    "without leaving any out and without a remark of your own."
)
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "capital",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"capital": {"type": "string"}},
            "required": ["capital"],
            "additionalProperties": False,
        },
    },
}


class Function(msgspec.Struct, frozen=True):
    name: str = ""
    arguments: str = ""


class ToolCall(msgspec.Struct, frozen=True):
    function: Function = Function()


class Message(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct, frozen=True):
    message: Message = Message()
    finish_reason: str | None = None


class Tokens(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Completion(msgspec.Struct, frozen=True):
    """A whole answer, or a chunk of one: what of it is judged."""

    choices: list[Choice] = []
    usage: Tokens | None = None


class Capital(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    capital: str


class City(msgspec.Struct, frozen=True):
    city: str


class Unlike(Exception):
    """The answer is not what was asked for; the message says how."""


def listed(snapshot: Snapshot) -> list[Model]:
    """The models to ask: the named ones that answer in text, simulated ones only if no other."""
    simulated = {p.name for p in snapshot.providers if p.kind == "simulator"}
    chat = [
        model
        for model in snapshot.models
        if model.listed and (model.facts is None or "text" in model.facts.output)
    ]
    real = [model for model in chat if model.provider not in simulated]
    return (real or chat)[:MOST_MODELS]


def conformance(server: Server, snapshot: Snapshot) -> Iterator[Finding]:
    """Six rows a model."""
    for model in listed(snapshot):
        for name, (judge, needed) in PROBES.items():
            yield _row(f"{model.name}: {name}", judge, needed, server, model)


Probe = Callable[[Server, str], str]


def _row(check: str, judge: Probe, needed: bool, server: Server, model: Model) -> Finding:
    try:
        return ok(check, judge(server, f"{model.provider}/{model.id}"))
    except (Unlike, Ending) as failure:
        if needed:
            return fail(check, str(failure), "`portico calls tail` has the call")
        return warn(check, str(failure), "do not rely on it with this model")


def _whole(server: Server, model: str) -> str:
    answer = _answer(server, {"model": model, "messages": _say("Say hello.")})
    if not _first(answer).message.content:
        raise Unlike("the answer has no text")
    return _usage(answer)


def _stream(server: Server, model: str) -> str:
    body = {
        "model": model,
        "messages": _say("Say hello."),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    last = Completion()
    with server.open("POST", PATH, body=body, timeout=CALL_S) as reply:
        if reply.status != 200:
            _good(read_whole(reply, server))
        for line in lines(reply, server):
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return _usage(last)
            if line.startswith(b"data:"):
                last = _read(data)
    raise Unlike("the stream ended without its last event")


def _tool(server: Server, model: str) -> str:
    body = {
        "model": model,
        "messages": _say("What is the weather in Oslo?"),
        "tools": [TOOL],
        "tool_choice": "required",
    }
    calls = _first(_answer(server, body)).message.tool_calls or []
    if not calls or calls[0].function.name != "weather":
        raise Unlike("the model did not call the tool")
    try:
        msgspec.json.decode(calls[0].function.arguments, type=City)
    except msgspec.DecodeError as failure:
        raise Unlike("the tool's arguments do not fit its schema") from failure
    return "called, arguments fit the schema"


def _structured(server: Server, model: str) -> str:
    body = {
        "model": model,
        "messages": _say("What is the capital of Norway? Answer as JSON."),
        "response_format": FORMAT,
    }
    try:
        msgspec.json.decode(_first(_answer(server, body)).message.content or "", type=Capital)
    except msgspec.DecodeError as failure:
        raise Unlike("the answer does not fit the schema") from failure
    return "the answer fits the schema"


def _stop(server: Server, model: str) -> str:
    # also as the system text: the simulator's `extract` answers from what came before
    messages = [{"role": "system", "content": LONG}, *_say(LONG)]
    body = {"model": model, "messages": messages, "max_tokens": 16}
    reason = _first(_answer(server, body)).finish_reason
    if reason != "length":
        raise Unlike(f"finish_reason is {reason!r}, not 'length'")
    return "stopped at the cap and said so"


def _invalid(server: Server, model: str) -> str:
    body = {"model": model, "messages": _say("Hello."), "temperature": 1000}
    reply = server.request("POST", PATH, body=body, timeout=CALL_S)
    if reply.status < 300:
        raise Unlike("an absurd temperature was taken")
    error = reply.error()
    if not 400 <= reply.status < 500 or not error.message:
        raise Unlike(f"an absurd temperature got HTTP {reply.status} {error.code}")
    return f"refused with HTTP {reply.status} {error.code}"


PROBES: Mapping[str, tuple[Probe, bool]] = {
    "whole answer": (_whole, True),
    "stream with usage": (_stream, True),
    "tool call": (_tool, False),
    "structured output": (_structured, False),
    "stop at max_tokens": (_stop, True),
    "invalid request": (_invalid, False),
}
"""What is asked, by whom it is judged, and whether every model must do it."""


def _say(text: str) -> list[object]:
    return [{"role": "user", "content": text}]


def _answer(server: Server, body: Mapping[str, object]) -> Completion:
    return _read(_good(server.request("POST", PATH, body=body, timeout=CALL_S)).body)


def _good(reply: Reply) -> Reply:
    if reply.status != 200:
        error = reply.error()
        raise Unlike(f"HTTP {reply.status} {error.code}: {error.message}")
    return reply


def _read(data: bytes) -> Completion:
    try:
        return msgspec.json.decode(data, type=Completion)
    except msgspec.DecodeError as failure:
        raise Unlike("the answer is not a chat completion") from failure


def _first(answer: Completion) -> Choice:
    if not answer.choices:
        raise Unlike("the answer has no choice")
    return answer.choices[0]


def _usage(answer: Completion) -> str:
    usage = answer.usage
    if usage is None or usage.prompt_tokens <= 0 or usage.completion_tokens <= 0:
        raise Unlike("the answer has no usage")
    return f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out"
