"""The chat completions door: what it refuses, what it reads, and what a passthrough changes."""

import json
from typing import Any

import pytest

from portico.contract.call import WireRequest
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Target
from portico.wires.openai_chat import DOOR, WIRE

HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TARGET = Target(model_id="gpt-x", stream=False, max_output_tokens=99)
STREAMED = Target(model_id="gpt-x", stream=True, max_output_tokens=99)


def read(**members: object) -> WireRequest:
    return DOOR.read(json.dumps({**HELLO, **members}).encode(), 50)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        (
            {"messages": [HELLO["messages"][0], {"role": "tool", "content": "x"}]},
            "messages[1].tool_call_id",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "function"}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"stream": "yes"}, "stream"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"portico": {"sesion": "x"}}, "portico.sesion"),
    ],
)
def test_a_bad_request_is_refused_with_the_member_at_fault(
    members: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(**members)
    assert caught.value.field == field
    assert field in caught.value.message


def test_the_door_reads_what_the_pipeline_needs() -> None:
    request = read(
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=7,
        max_completion_tokens=9,
        n=2,
        portico={"session": "s"},
    )
    assert (request.stream, request.wants_usage, request.max_output_tokens) == (True, True, 9)
    assert (request.choices, request.model, request.options.session) == (2, "m", "s")


def test_a_passthrough_changes_the_model_and_no_other_byte() -> None:
    body = (
        b'{ "model" : "m",\n "x_new": {"a": [1 ]}, "max_tokens":5,"messages":'
        b'[{"role":"user","content":"\\u00e9"}] }\n'
    )
    request = DOOR.read(body, 50)
    assert WIRE.passthrough(request, TARGET).body == body.replace(b'"m"', b'"gpt-x"', 1)


def test_a_passthrough_removes_portico_and_adds_the_cap_in_the_providers_member() -> None:
    target = Target(
        model_id="gpt-x", stream=False, max_output_tokens=99, cap_field="max_completion_tokens"
    )
    sent = json.loads(WIRE.passthrough(read(portico={"session": "s"}), target).body)
    assert sent == {**HELLO, "model": "gpt-x", "max_completion_tokens": 99}


def test_a_cap_that_is_null_is_replaced_and_not_sent_twice() -> None:
    sent = WIRE.passthrough(read(max_tokens=None), TARGET).body
    assert (sent.count(b"max_tokens"), json.loads(sent)["max_tokens"]) == (1, 99)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": None}, {"include_usage": True}),
        ({"stream_options": {"include_usage": False}}, {"include_usage": True}),
        ({"stream_options": {"x": 1}}, {"x": 1, "include_usage": True}),
        ({"stream_options": {"include_usage": True, "x": 1}}, {"include_usage": True, "x": 1}),
    ],
)
def test_a_streamed_passthrough_always_asks_for_usage(
    given: dict[str, object], sent: dict[str, object]
) -> None:
    body = WIRE.passthrough(read(stream=True, **given), STREAMED).body
    assert json.loads(body)["stream_options"] == sent
