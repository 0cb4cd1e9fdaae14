"""What we write for a caller is what AWS's own SDK expects.

Answers, streams and errors are parsed as boto3 would parse them; nothing is sent.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.model import OperationModel
from botocore.parsers import EventStreamJSONParser, create_parser

from portico.contract.errors import (
    DeadlineExceeded,
    InternalFault,
    InvalidRequest,
    Overloaded,
    PorticoError,
    QuotaExhausted,
    Unauthenticated,
    UpstreamFailed,
)
from portico.contract.events import Event
from portico.contract.wires import Door, ProviderWire
from portico.wires import anthropic_messages, openai_chat
from portico.wires.bedrock_converse import DOOR, WIRE
from portico.wires.event_stream import frame

REQUEST = DOOR.read(b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}', 9)
ASKED = {
    "model": "support",
    "max_tokens": 10,
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}


@cache
def operation(name: str = "Converse") -> OperationModel:
    session = botocore.session.get_session()
    return session.get_service_model("bedrock-runtime").operation_model(name)


ANSWER: dict[str, Any] = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "c2VhbGVk"}},
                {
                    "citationsContent": {
                        "content": [{"text": "It is."}],
                        "citations": [
                            {
                                "title": "notes",
                                "sourceContent": [{"text": "All."}],
                                "location": {
                                    "documentChar": {"documentIndex": 0, "start": 0, "end": 4}
                                },
                            }
                        ],
                    }
                },
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"a": 1}}},
                {"toolUse": {"toolUseId": "t2", "name": "look", "input": {}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {
        "inputTokens": 3,
        "outputTokens": 5,
        "totalTokens": 117,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 9,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 5}],
    },
    "metrics": {"latencyMs": 12},
    "serviceTier": {"type": "default"},
}


def parsed(body: bytes, status: int = 200) -> dict[str, Any]:
    response = {"body": body, "headers": {}, "status_code": status}
    shape = operation().output_shape
    assert shape is not None
    found: dict[str, Any] = create_parser("rest-json").parse(response, shape)
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def test_an_answer_that_is_read_and_written_is_the_same_to_the_sdk() -> None:
    came = json.dumps(ANSWER).encode()
    assert parsed(DOOR.write_answer(WIRE.read_answer(came))) == parsed(came)


@pytest.mark.parametrize(
    ("door", "wire"),
    [
        (openai_chat.DOOR, openai_chat.WIRE),
        (anthropic_messages.DOOR, anthropic_messages.WIRE),
    ],
    ids=["openai", "anthropic"],
)
def test_an_answer_passes_another_door_and_is_one_to_the_sdk(
    door: Door, wire: ProviderWire
) -> None:
    there = door.write_answer(WIRE.read_answer(json.dumps(ANSWER).encode()))
    found = parsed(DOOR.write_answer(wire.read_answer(there)))
    assert found["stopReason"] == "tool_use"
    content = found["output"]["message"]["content"]
    tools = [block["toolUse"] for block in content if "toolUse" in block]
    assert [(tool["toolUseId"], tool["input"]) for tool in tools] == [("t1", {"a": 1}), ("t2", {})]
    assert found["usage"]["totalTokens"] == 117


STREAM: tuple[tuple[str, dict[str, Any]], ...] = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}),
    (
        "contentBlockDelta",
        {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "sig"}}},
    ),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    (
        "contentBlockDelta",
        {"contentBlockIndex": 1, "delta": {"reasoningContent": {"redactedContent": "c2VhbGVk"}}},
    ),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"text": "It is."}}),
    (
        "contentBlockDelta",
        {
            "contentBlockIndex": 2,
            "delta": {
                "citation": {
                    "title": "notes",
                    "sourceContent": [{"text": "All."}],
                    "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
                }
            },
        },
    ),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    *(
        (kind, {"contentBlockIndex": index, **body})
        for index, call in ((3, "t1"), (4, "t2"))
        for kind, body in (
            ("contentBlockStart", {"start": {"toolUse": {"toolUseId": call, "name": "look"}}}),
            ("contentBlockDelta", {"delta": {"toolUse": {"input": '{"a":'}}}),
            ("contentBlockDelta", {"delta": {"toolUse": {"input": "1}"}}}),
            ("contentBlockStop", {}),
        )
    ),
    ("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": {"x": 1}}),
    (
        "metadata",
        {
            "usage": {
                "inputTokens": 3,
                "outputTokens": 5,
                "totalTokens": 108,
                "cacheReadInputTokens": 100,
                "cacheWriteInputTokens": 0,
            },
            "metrics": {"latencyMs": 12},
        },
    ),
)


def streamed(events: Iterable[tuple[str, dict[str, Any]]]) -> bytes:
    return b"".join(
        frame(
            {
                ":event-type": kind,
                ":content-type": "application/json",
                ":message-type": "event",
            },
            json.dumps(body).encode(),
        )
        for kind, body in events
    )


def by_the_sdk(data: bytes) -> list[Any]:
    """The events of a stream as boto3 hands them to its user."""
    output = operation("ConverseStream").output_shape
    assert output is not None
    shape = output.members["stream"]
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    messages: Iterable[Any] = buffer
    return [
        EventStreamJSONParser().parse(message.to_response_dict(), shape) for message in messages
    ]


def events(data: bytes) -> list[Event]:
    reader = WIRE.stream_reader()
    found = [event for at in range(0, len(data), 7) for event in reader.feed(data[at : at + 7])]
    return found + reader.close()


def test_a_stream_that_is_read_and_written_is_the_same_to_the_sdk() -> None:
    came = streamed(STREAM)
    writer = DOOR.stream_writer(REQUEST)
    written = b"".join(map(writer.write, events(came))) + writer.finish(b'{"call":"c"}')
    assert by_the_sdk(written) == by_the_sdk(came)
    assert b'"portico":{"call":"c"}' in written


def test_a_relayed_stream_is_the_same_to_the_sdk() -> None:
    came = streamed(STREAM)
    relay = WIRE.relay(REQUEST)
    passed = relay.feed(came) + relay.close() + relay.finish(b'{"call":"c"}')
    assert by_the_sdk(passed) == by_the_sdk(came)
    assert b'"portico":{"call":"c"}' in passed


@pytest.mark.parametrize("door", [openai_chat.DOOR, anthropic_messages.DOOR], ids=lambda d: d.name)
def test_a_bedrock_stream_reaches_the_other_doors_and_comes_back(door: Door) -> None:
    there = door.stream_writer(door.read(json.dumps(ASKED).encode(), 100))
    data = b"".join(map(there.write, events(streamed(STREAM)))) + there.finish(b"{}")
    wire = openai_chat.WIRE if door is openai_chat.DOOR else anthropic_messages.WIRE
    reader = wire.stream_reader()
    back = DOOR.stream_writer(REQUEST)
    heard = [*reader.feed(data), *reader.close()]
    found = by_the_sdk(b"".join(map(back.write, heard)) + back.finish(b"{}"))
    inputs = [
        event["contentBlockDelta"]["delta"].get("toolUse")
        for event in found
        if "contentBlockDelta" in event
    ]
    assert "".join(one["input"] for one in inputs if one) == '{"a":1}{"a":1}'
    starts = [
        event["contentBlockStart"]["start"]["toolUse"]
        for event in found
        if "contentBlockStart" in event
    ]
    assert [start["toolUseId"] for start in starts] == ["t1", "t2"]
    assert found[-2]["messageStop"]["stopReason"] == "tool_use"


def test_reasoning_with_its_signature_passes_the_anthropic_door_and_back() -> None:
    door = anthropic_messages.DOOR
    there = door.stream_writer(door.read(json.dumps(ASKED).encode(), 100))
    data = b"".join(map(there.write, events(streamed(STREAM)))) + there.finish(b"{}")
    reader = anthropic_messages.WIRE.stream_reader()
    back = DOOR.stream_writer(REQUEST)
    heard = [*reader.feed(data), *reader.close()]
    found = by_the_sdk(b"".join(map(back.write, heard)) + back.finish(b"{}"))
    deltas = [
        event["contentBlockDelta"]["delta"] for event in found if "contentBlockDelta" in event
    ]
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    assert thoughts == [{"text": "Hm."}, {"signature": "sig"}, {"redactedContent": b"sealed"}]


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (InvalidRequest("No."), "ValidationException"),
        (Unauthenticated("No."), "UnrecognizedClientException"),
        (QuotaExhausted("No."), "ThrottlingException"),
        (Overloaded("No."), "ServiceUnavailableException"),
        (UpstreamFailed("No."), "ModelErrorException"),
        (DeadlineExceeded("No."), "ModelTimeoutException"),
        (InternalFault("No."), "InternalServerException"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, PorticoError) else "",
)
def test_our_errors_are_exceptions_of_the_sdk(error: PorticoError, word: str) -> None:
    found = parsed(DOOR.write_error(error, "call_1"), error.status)
    assert found["Error"] == {"Message": "No.", "Code": word}


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (InvalidRequest("No."), "validationException"),
        (QuotaExhausted("No."), "throttlingException"),
        (Overloaded("No."), "serviceUnavailableException"),
        (UpstreamFailed("No."), "modelStreamErrorException"),
        (DeadlineExceeded("No."), "modelStreamErrorException"),
        (InternalFault("No."), "internalServerException"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, PorticoError) else "",
)
def test_our_errors_end_a_stream_as_exceptions_of_the_sdk(error: PorticoError, word: str) -> None:
    (relayed,) = by_the_sdk(WIRE.relay(REQUEST).fail(error))
    (written,) = by_the_sdk(DOOR.stream_writer(REQUEST).fail(error))
    assert relayed == written
    assert relayed["Error"] == {"Code": word, "Message": "No."}
