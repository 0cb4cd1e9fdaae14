"""Gemini's function calls whose arguments come in pieces."""

import json
from typing import Any

import pytest
from google.genai import types

from portico.contract.errors import UpstreamFailed
from portico.contract.events import Event, Failed, PartDelta, PartOpened, Stopped
from portico.contract.usage import StopReason
from portico.wires import gemini, openai_chat
from portico.wires.gemini import signatures, streamed_calls

Body = dict[str, Any]
SIGNATURE = "//4gb3BhcXVl"


def call(*pieces: Body, more: bool = True, **members: Any) -> Body:
    """A part with a piece of a call, as google-genai knows it."""
    body: Body = {"functionCall": {**members}}
    if pieces:
        body["functionCall"]["partialArgs"] = list(pieces)
    if more:
        body["functionCall"]["willContinue"] = True
    types.Part.model_validate(body)
    return body


def piece(path: str, **value: Any) -> Body:
    return {"jsonPath": path, **value}


END: Body = {"functionCall": {}}


def read(*parts: Body, finish: str = "STOP") -> list[Event]:
    """Each part in a chunk of its own, and then the end."""
    chunks: list[Body] = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    last = {"content": {"parts": [{"text": ""}]}, "finishReason": finish}
    chunks.append({"candidates": [last], "responseId": "r1"})
    reader = gemini.WIRE.stream_reader()
    data = b"".join(b"data: " + json.dumps(found).encode() + b"\r\n\r\n" for found in chunks)
    return [*reader.feed(data), *reader.close()]


def arguments(events: list[Event]) -> list[Any]:
    assert not [event for event in events if isinstance(event, Failed)]
    said = [e for e in events if isinstance(e, PartDelta) and e.field == "arguments"]
    return [json.loads(event.text) for event in said]


def failure(events: list[Event]) -> UpstreamFailed:
    last = events[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamFailed)
    return last.error


def test_arguments_that_come_in_pieces_are_one_call() -> None:
    events = read(
        {**call(name="light"), "thoughtSignature": SIGNATURE},
        call(piece("$.place", stringValue="Bos", willContinue=True)),
        call(piece("$.place", stringValue="ton, \u00e9"), piece("$.level", numberValue=50)),
        call(piece("$.on", boolValue=True), piece("$.until", nullValue="NULL_VALUE")),
        END,
    )
    assert arguments(events) == [
        {"place": "Boston, \u00e9", "level": 50, "on": True, "until": None}
    ]
    opened = [event for event in events if isinstance(event, PartOpened)]
    assert [(event.kind, event.name) for event in opened] == [("tool_call", "light")]
    assert signatures.split(opened[0].id) == (None, SIGNATURE)
    assert isinstance(stopped := events[-1], Stopped)
    assert stopped.reason is StopReason.TOOL_CALLS


def test_paths_lead_into_objects_and_lists() -> None:
    events = read(
        call(name="f", args={"kept": {"a": 1}}),
        call(
            piece("$.kept.b[0].c", stringValue="x"),
            piece("$.kept.b[0].c", stringValue="y"),
            piece("$.kept.b[1]", boolValue=False),
            piece("$['it\\'s \"so\"']", numberValue=1.5),
            piece('$["a.b"]["\\u00e9"]', numberValue=2),
            more=False,
        ),
    )
    assert arguments(events) == [
        {
            "kept": {"a": 1, "b": [{"c": "xy"}, False]},
            'it\'s "so"': 1.5,
            "a.b": {"\u00e9": 2},
        }
    ]


def test_calls_end_where_something_else_begins() -> None:
    events = read(
        call(name="f", id="one"),
        call(piece("$.a", numberValue=1)),
        call(name="g", id="two"),
        END,
        {"text": "Done."},
        call(name="h", id="three"),
        call(piece("$.b", stringValue="cut sh", willContinue=True)),
        finish="MAX_TOKENS",
    )
    assert arguments(events) == [{"a": 1}, {}, {"b": "cut sh"}]
    opened = [(e.kind, e.id) for e in events if isinstance(e, PartOpened)]
    assert opened == [
        ("tool_call", "one"),
        ("tool_call", "two"),
        ("text", ""),
        ("tool_call", "three"),
    ]


def test_a_call_that_came_in_pieces_reaches_another_wire_whole() -> None:
    body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
    writer = openai_chat.DOOR.stream_writer(openai_chat.DOOR.read(body, 10))
    events = read(call(name="f"), call(piece("$.a", stringValue="b")), END)
    text = b"".join(writer.write(event) for event in events).decode()
    assert '\\"a\\":\\"b\\"' in text


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("", numberValue=1)],
        [piece("$", numberValue=1)],
        [piece("a.b", numberValue=1)],
        [piece("$.a[*]", numberValue=1)],
        [piece("$..a", numberValue=1)],
        [piece("$.a[?@.b]", numberValue=1)],
        [piece("$.a[-1]", numberValue=1)],
        [piece("$.a[5]", numberValue=1)],
        [piece("$[0]", numberValue=1)],
        [piece('$["a', numberValue=1)],
        [piece("$" + ".a" * 100, numberValue=1)],
        [piece("$.a", numberValue=1), piece("$.a", numberValue=1)],
        [piece("$.a", stringValue="x"), piece("$.a.b", numberValue=1)],
        [piece("$.a.b", stringValue="x"), piece("$.a", stringValue="y")],
        [piece("$.a", nullValue="NULL_VALUE"), piece("$.a", stringValue="y")],
        [piece("$.a", stringValue=1)],
        [piece("$.a", numberValue="NaN")],
        [piece("$.a", numberValue=True)],
        [piece("$.a", boolValue="yes")],
        [{"stringValue": "x"}],
        ["$.a"],
    ],
)
def test_a_piece_that_does_not_fit_breaks_the_stream(pieces: list[Any]) -> None:
    block = {"functionCall": {"partialArgs": pieces, "willContinue": True}}
    error = failure(read(call(name="f"), block, END))
    assert error.detail["kind"] == "malformed"


def test_a_piece_of_a_call_that_never_began_breaks_the_stream() -> None:
    assert failure(read(call(piece("$.a", numberValue=1)))).detail["kind"] == "malformed"


def test_the_pieces_of_a_call_are_bounded() -> None:
    size = streamed_calls.MOST_BYTES // 4
    long = piece("$.a", stringValue="x" * size, willContinue=True)
    parts = [call(long) for _ in range(4)]
    assert failure(read(call(name="f"), *parts)).detail["kind"] == "malformed"
    assert len(arguments(read(call(name="f"), *parts[:3]))[0]["a"]) == 3 * size
