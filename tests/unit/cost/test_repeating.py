"""What a call says, as a fingerprint that an agent in a circle does not change."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portico.cost.repeating import fingerprint
from portico.gateway.wires import DOORS

Steps = list[tuple[str, str, str, str]]
"""Of an agent: what it says, a tool call's id, its arguments as JSON, the tool's result."""


def openai(question: str, steps: Steps) -> Any:
    messages: list[Any] = [{"role": "user", "content": question}]
    for text, id_, arguments, result in steps:
        call = {"id": id_, "type": "function", "function": {"name": "f", "arguments": arguments}}
        messages.append({"role": "assistant", "content": text, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": id_, "content": result})
    return {"model": "m", "messages": messages}


def anthropic(question: str, steps: Steps) -> Any:
    messages: list[Any] = [{"role": "user", "content": question}]
    for text, id_, arguments, result in steps:
        call = {"type": "tool_use", "id": id_, "name": "f", "input": json.loads(arguments)}
        messages.append({"role": "assistant", "content": [{"type": "text", "text": text}, call]})
        told = {"type": "tool_result", "tool_use_id": id_, "content": result}
        messages.append({"role": "user", "content": [told]})
    return {"model": "m", "max_tokens": 100, "messages": messages}


def bedrock(question: str, steps: Steps) -> Any:
    messages: list[Any] = [{"role": "user", "content": [{"text": question}]}]
    for text, id_, arguments, result in steps:
        call = {"toolUse": {"toolUseId": id_, "name": "f", "input": json.loads(arguments)}}
        messages.append({"role": "assistant", "content": [{"text": text}, call]})
        told = {"toolResult": {"toolUseId": id_, "content": [{"text": result}]}}
        messages.append({"role": "user", "content": [told]})
    return {"messages": messages}


def gemini(question: str, steps: Steps) -> Any:
    contents: list[Any] = [{"role": "user", "parts": [{"text": question}]}]
    for text, id_, arguments, result in steps:
        call = {"functionCall": {"id": id_, "name": "f", "args": json.loads(arguments)}}
        contents.append({"role": "model", "parts": [{"text": text}, call]})
        told = {"functionResponse": {"id": id_, "name": "f", "response": {"result": result}}}
        contents.append({"role": "user", "parts": [told]})
    return {"contents": contents}


WIRES: dict[str, Callable[[str, Steps], Any]] = {
    "openai_chat": openai,
    "anthropic_messages": anthropic,
    "bedrock_converse": bedrock,
    "gemini": gemini,
}
every_wire = pytest.mark.parametrize("wire", WIRES)
LOOK = ("I will look.", "call_1", '{"city": "Paris", "unit": "c"}', "18 degrees")


def of(wire: str, question: str, steps: Steps) -> str:
    return of_body(wire, WIRES[wire](question, steps))


def of_body(wire: str, body: Any) -> str:
    door = DOORS[wire]
    return fingerprint(door.conversation(door.read(json.dumps(body).encode(), 100)))


@every_wire
def test_an_agent_that_does_the_same_again_says_the_same(wire: str) -> None:
    again = ("I will look.", "call_2", '{"city": "Paris", "unit": "c"}', "18 degrees")
    assert of(wire, "How warm is it?", [LOOK]) == of(wire, "How warm is it?", [LOOK, again])


@every_wire
def test_what_came_before_the_last_answer_does_not_count(wire: str) -> None:
    other = ("Hm.", "call_0", '{"city": "Rome"}', "no such place")
    assert of(wire, "How warm is it?", [LOOK]) == of(wire, "And in Paris?", [other, LOOK])


@every_wire
def test_order_of_arguments_ids_and_white_space_do_not_count(wire: str) -> None:
    same = (" I will look.\n", "call_9", '{"unit":"c","city":"Paris"}', "18 degrees")
    assert of(wire, "How warm is it?", [LOOK]) == of(wire, "How warm is it?", [same])


@every_wire
@pytest.mark.parametrize(
    "step",
    [
        ("I will look again.", "call_1", '{"city": "Paris", "unit": "c"}', "18 degrees"),
        ("I will look.", "call_1", '{"city": "Paris", "unit": "f"}', "18 degrees"),
        ("I will look.", "call_1", '{"city": "Paris", "unit": "c"}', "19 degrees"),
    ],
    ids=["text", "arguments", "result"],
)
def test_another_text_argument_or_result_is_another_call(
    wire: str, step: tuple[str, str, str, str]
) -> None:
    assert of(wire, "How warm is it?", [LOOK]) != of(wire, "How warm is it?", [step])


@every_wire
def test_without_an_answer_the_whole_conversation_counts(wire: str) -> None:
    assert of(wire, "How warm is it?", []) == of(wire, " How warm is it? ", [])
    assert of(wire, "How warm is it?", []) != of(wire, "How cold is it?", [])


@every_wire
def test_a_call_with_an_answer_is_not_one_without(wire: str) -> None:
    assert of(wire, "How warm is it?", []) != of(wire, "How warm is it?", [LOOK])


def test_what_a_user_says_after_the_answer_counts() -> None:
    body = openai("How warm is it?", [LOOK])
    asked = {**body, "messages": [*body["messages"], {"role": "user", "content": "Go on."}]}
    assert of_body("openai_chat", body) != of_body("openai_chat", asked)


def test_thoughts_do_not_count() -> None:
    body = anthropic("How warm is it?", [LOOK])
    said = of_body("anthropic_messages", body)
    thought = {"type": "thinking", "thinking": "Paris, then.", "signature": "c2ln"}
    body["messages"][1]["content"].insert(0, thought)
    assert of_body("anthropic_messages", body) == said


def test_arguments_that_are_no_json_count_as_text() -> None:
    cut = ("I will look.", "call_1", '{"city": "Par', "18 degrees")
    assert of("openai_chat", "?", [cut]) == of("openai_chat", "?", [cut])
    assert of("openai_chat", "?", [cut]) != of("openai_chat", "?", [LOOK])


def test_another_image_is_another_call() -> None:
    def shown(data: str) -> str:
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        content = [{"type": "text", "text": "And this?"}, image]
        messages = [
            {"role": "assistant", "content": "A cat."},
            {"role": "user", "content": content},
        ]
        return of_body("openai_chat", {"model": "m", "messages": messages})

    assert shown("QUJD") == shown("QUJD")
    assert shown("QUJD") != shown("QUJE")


def test_a_fingerprint_is_short_and_says_nothing() -> None:
    said = of("openai_chat", "How warm is it?", [LOOK])
    assert len(said) == 32
    assert set(said) <= set("0123456789abcdef")
