"""Chat completions as conversations, and conversations as requests of that wire."""

import json
from typing import Any

import pytest

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    Audio,
    CacheHint,
    Conversation,
    Document,
    FileReference,
    Image,
    Inline,
    Link,
    Opaque,
    Part,
    Reasoning,
    ReasoningRequest,
    Refusal,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Target
from portico.wires.openai_chat import DOOR, WIRE

HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TARGET = Target(model_id="gpt-x", stream=False, max_output_tokens=99)
STREAMED = Target(model_id="gpt-x", stream=True, max_output_tokens=99)


def read(**members: object) -> WireRequest:
    return DOOR.read(json.dumps({**HELLO, **members}).encode(), 50)


def conversation(*messages: object, **members: object) -> Conversation:
    return DOOR.conversation(read(messages=messages or HELLO["messages"], **members))


def written(talk: Conversation, target: Target = TARGET) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(WIRE.write_request(talk, target).body)
    return body


def foreign(*turns: Turn, **members: Any) -> Conversation:
    return Conversation(wire="anthropic_messages", turns=turns, **members)


def user(*parts: Part) -> Turn:
    return Turn(role="user", parts=parts)


FULL: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind"},
    {"role": "developer", "content": "Be brief", "name": "boss"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Look", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}, "x": 1},
            {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,CC==", "y": 2}},
            {"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}},
            {"type": "video_url", "video_url": {"url": "https://x.test/v.mp4"}},
        ],
        "vendor": {"k": "v"},
    },
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"sig": "s"},
            },
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "a", "z": 1}]},
    {"role": "assistant", "content": "Well", "reasoning": "so", "audio": {"id": "au"}},
    {"role": "assistant", "content": None, "refusal": "I cannot"},
    {"role": "user", "content": "Go on"},
]
MEMBERS: dict[str, Any] = {
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 4,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "logit_bias": {"50256": -100},
    "seed": 3,
    "stop": ["END"],
    "n": 2,
    "logprobs": True,
    "top_logprobs": 3,
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "d",
                "parameters": {"type": "object"},
                "strict": True,
                "new": 1,
            },
        },
        {"type": "custom", "custom": {"name": "g"}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
    },
    "reasoning_effort": "low",
    "user": "u",
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "verbosity": "low",
}


def test_a_conversation_of_this_wire_is_written_as_it_came() -> None:
    sent = written(conversation(*FULL, **MEMBERS))
    assert sent == {**MEMBERS, "model": "gpt-x", "messages": FULL}


def test_reading_what_was_written_gives_the_same_conversation() -> None:
    talk = conversation(*FULL, **MEMBERS)
    again = DOOR.conversation(DOOR.read(WIRE.write_request(talk, TARGET).body, 50))
    assert again == talk


def test_a_streamed_request_asks_for_usage_and_keeps_other_stream_options() -> None:
    talk = conversation(stream=True, stream_options={"x": 1})
    sent = written(talk, STREAMED)
    assert (sent["stream"], sent["stream_options"]) == (True, {"x": 1, "include_usage": True})
    assert "stream_options" not in written(talk)


@pytest.mark.parametrize("more", [{}, {"ttl": "12h"}])
def test_a_cache_hint_comes_back_and_only_what_the_hint_cannot_say_is_unknown(
    more: dict[str, str],
) -> None:
    part = {"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit", **more}}
    talk = conversation({"role": "user", "content": [part]})
    said = talk.turns[0].parts[0]
    assert isinstance(said, Text)
    assert said.cache == CacheHint()
    assert set(said.extra) == ({"prompt_cache_breakpoint"} if more else set())
    assert written(talk)["messages"][0]["content"] == [part]


def test_parts_are_read_into_the_words_of_the_contract() -> None:
    talk = conversation(*FULL)
    parts = talk.turns[2].parts
    assert parts[0] == Text(text="Look", cache=CacheHint())
    assert parts[1] == Image(source=Link("https://x.test/a.png"), detail="low")
    assert parts[2] == Image(source=Inline("image/png", "AAAA"), extra={"x": 1})
    assert parts[3] == Audio(source=Inline("audio/mp3", "BBBB"), format="mp3")
    assert isinstance(parts[4], Document)
    assert isinstance(parts[5], Document)
    assert (parts[4].source, parts[5].source) == (
        Inline("application/pdf", "CC=="),
        FileReference("file-1"),
    )
    assert isinstance(parts[6], Opaque)
    assert talk.turns[2].extra == {"vendor": {"k": "v"}}
    assert talk.turns[3].parts[0] == Reasoning(text="hm")
    assert talk.turns[7].parts == (Refusal(text="I cannot"),)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"messages": [{"role": "function", "name": "f", "content": "1"}]}, "messages[0].role"),
        (
            {"messages": [{"role": "assistant", "function_call": {"name": "f"}}]},
            "messages[0].function_call",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
    ],
)
def test_what_cannot_be_translated_is_refused_by_name_but_passes_through(
    members: dict[str, object], field: str
) -> None:
    request = read(**members)
    assert json.loads(WIRE.passthrough(request, TARGET).body)["model"] == "gpt-x"
    with pytest.raises(InvalidRequest) as caught:
        DOOR.conversation(request)
    assert caught.value.field == field


def test_another_wires_tool_results_come_before_the_rest_of_their_turn() -> None:
    image = Image(source=Inline("image/png", "AA"))
    sent = written(
        foreign(
            Turn(role="assistant", parts=(ToolCall(id="c", name="f", arguments=""),)),
            user(
                ToolResult(call_id="c", content=(Text(text="ok"), image)),
                ToolResult(call_id="d", content=(Text(text="no"),), is_error=True),
                Text(text="and now?"),
            ),
        )
    )["messages"]
    assert [message["role"] for message in sent] == ["assistant", "tool", "tool", "user"]
    assert sent[0]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert sent[1]["content"][0] == {"type": "text", "text": "ok"}
    assert sent[2]["content"] == "Error: no"
    assert [part["type"] for part in sent[3]["content"]] == ["text", "image_url", "text"]
    assert sent[3]["content"][2]["text"] == "and now?"


def test_media_of_tool_results_wait_until_all_results_are_given() -> None:
    image = Image(source=Link("https://x.test/a.png"))
    results = [
        Turn(role="tool", parts=(ToolResult(call_id=name, content=(image,)),)) for name in "ab"
    ]
    sent = written(foreign(*results, Turn(role="assistant", parts=(Text(text="x"),))))["messages"]
    assert [message["role"] for message in sent] == ["tool", "tool", "user", "assistant"]
    assert len(sent[2]["content"]) == 4


def test_what_is_dropped_is_listed() -> None:
    talk = foreign(
        user(Text(text="x", cache=CacheHint(), extra={"new": 1})),
        Turn(role="assistant", parts=(Reasoning(text="hm", signature="s"), Text(text="y"))),
        sampling=Sampling(top_k=4),
        service_tier="priority",
        extra={"inference_geo": "eu"},
        reasoning=ReasoningRequest(budget=3000, extra={"thinking": {"type": "enabled"}}),
    )
    out = WIRE.write_request(talk, TARGET)
    assert set(out.dropped) == {
        "cache",
        "messages[].content[].new",
        "reasoning",
        "reasoning.display",
        "top_k",
        "service_tier",
        "inference_geo",
    }
    sent = json.loads(out.body)
    assert sent == {
        "model": "gpt-x",
        "max_tokens": 99,
        "reasoning_effort": "medium",
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y"},
        ],
    }


@pytest.mark.parametrize(
    ("talk", "field"),
    [
        (foreign(user(Image(source=FileReference("f")))), "messages[0].content[0]"),
        (foreign(user(Document(source=Link("https://x.test")))), "messages[0].content[0]"),
        (foreign(user(Document(source=FileReference("f")))), "messages[0].content[0]"),
        (foreign(user(Audio(source=Link("https://x.test")))), "messages[0].content[0]"),
        (
            foreign(user(Opaque(wire="anthropic_messages", kind="x", body={}))),
            "messages[0].content[0]",
        ),
        (
            foreign(Turn(role="assistant", parts=(Image(source=Link("https://x.test")),))),
            "messages[0].content[0]",
        ),
        (
            foreign(
                user(Text(text="x")), tools=(Opaque(wire="anthropic_messages", kind="x", body={}),)
            ),
            "tools[0]",
        ),
        (foreign(user(Text(text="x")), sampling=Sampling(stop=tuple("abcde"))), "stop"),
        (foreign(user(Text(text="x")), extra={"mcp_servers": []}), "mcp_servers"),
        (foreign(user(Text(text="x")), extra={"container": "c"}), "container"),
    ],
)
def test_what_would_change_the_meaning_is_refused_by_name(talk: Conversation, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.write_request(talk, TARGET)
    assert caught.value.field == field


def test_a_text_document_becomes_text_with_its_title() -> None:
    talk = foreign(user(Document(text="body", title="Title", citations=True)))
    out = WIRE.write_request(talk, TARGET)
    assert json.loads(out.body)["messages"][0]["content"] == "Title\n\nbody"
    assert out.dropped == ("document.citations",)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(mode="required"), "required"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="tool", name="f"), {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_tool_choices_of_another_wire_are_translated(choice: ToolChoice, sent: object) -> None:
    talk = foreign(user(Text(text="x")), tools=(Tool(name="f"),), tool_choice=choice)
    assert written(talk)["tool_choice"] == sent


def test_numbers_that_no_float_can_hold_are_refused_and_do_not_crash() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"x":1e999}'
    request = DOOR.read(body, 50)
    with pytest.raises(InvalidRequest):
        DOOR.conversation(request)


def test_an_allowed_tools_choice_goes_back_to_the_same_wire() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
    talk = conversation(tool_choice=choice)
    assert (talk.tool_choice, written(talk)["tool_choice"]) == (None, choice)


def test_arguments_that_came_as_an_object_are_read_as_json_text() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}
    talk = conversation({"role": "assistant", "content": "", "tool_calls": [call]})
    assert talk.turns[0].parts == (ToolCall(id="c", name="f", arguments='{"a":1}'),)
