"""What a Messages request says of a conversation that came on another wire."""

import base64
import json
from typing import Any

import pytest

from portico.contract.conversation import (
    Audio,
    CacheHint,
    Citation,
    Conversation,
    Document,
    FileReference,
    Image,
    Inline,
    Link,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningRequest,
    Refusal,
    Role,
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
from portico.wires.anthropic_messages import WIRE
from portico.wires.anthropic_messages.tables import UNSUPPORTED
from portico.wires.foreign import fitted

TARGET = Target(model_id="claude-opus-5", stream=False, max_output_tokens=4096)


SECOND = "messages[0].content[1]"
ARGUMENTS = "messages[0].tool_calls[0].function.arguments"


def turn(role: Role, *parts: Part | str, **members: Any) -> Turn:
    found = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Turn(role=role, parts=found, **members)


def asked(*turns: Turn, **members: Any) -> Conversation:
    return Conversation(wire="openai_chat", turns=turns or (turn("user", "Hi"),), **members)


def write(
    conversation: Conversation, target: Target = TARGET
) -> tuple[dict[str, Any], tuple[str, ...]]:
    outgoing = WIRE.write_request(conversation, target)
    return json.loads(outgoing.body), outgoing.dropped


def text(content: str) -> dict[str, str]:
    return {"type": "text", "text": content}


def test_system_and_developer_text_is_hoisted_in_its_order() -> None:
    body, dropped = write(
        asked(
            turn("system", "One"),
            turn("user", "Hi"),
            turn("developer", "Two"),
            turn("user", "there"),
        )
    )
    assert body["system"] == [text("One"), text("Two")]
    assert body["messages"] == [{"role": "user", "content": [text("Hi"), text("there")]}]
    assert dropped == ()


def test_tool_turns_become_results_of_one_user_message() -> None:
    calls = turn(
        "assistant",
        "",
        ToolCall(id="call_1", name="a", arguments='{"x": 1.0}'),
        ToolCall(id="call:2", name="b", arguments=""),
    )
    picture = Image(source=Inline(media_type="image/png", data="AA=="))
    source = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    second = fitted("call:2", 64)
    body, _ = write(
        asked(
            turn("user", "Go"),
            calls,
            turn("tool", ToolResult(call_id="call_1", content=(Text(text="1"), picture))),
            turn("tool", ToolResult(call_id="call:2", content=(Text(text="2"),))),
            turn("user", "And?"),
        )
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "call_1", "name": "a", "input": {"x": 1.0}},
                {"type": "tool_use", "id": second, "name": "b", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_1",
                    "content": [text("1"), {"type": "image", "source": source}],
                },
                {"type": "tool_result", "tool_use_id": second, "content": [text("2")]},
                text("And?"),
            ],
        },
    ]


def test_pictures_and_documents_keep_their_source() -> None:
    notes = base64.b64encode("Grüße".encode()).decode()
    body, dropped = write(
        asked(
            turn(
                "user",
                Image(source=Link(url="https://x.test/a.png"), detail="high"),
                Document(source=Inline(media_type="application/pdf", data="JVBE"), title="a.pdf"),
                Document(source=Inline(media_type="text/markdown", data=notes)),
                Document(text="Plain", cache=CacheHint(lifetime="1h")),
            )
        )
    )
    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            "title": "a.pdf",
        },
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
        },
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Plain"},
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
    ]
    assert dropped == ("messages[].content[].image_url.detail",)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (Audio(source=Inline(media_type="audio/wav", data="AA==")), SECOND),
        (Image(source=FileReference(id="file-1")), SECOND),
        (Document(source=FileReference(id="file-1")), SECOND),
        (Document(source=Inline(media_type="application/zip", data="AA==")), SECOND),
        (Opaque(wire="gemini", kind="x", body={}), SECOND),
        (ToolCall(id="c", name="n", arguments='{"cut'), ARGUMENTS),
        (ToolCall(id="c", name="n", arguments="[1]"), ARGUMENTS),
    ],
)
def test_content_that_cannot_be_said_is_refused_at_its_place(part: Part, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        write(asked(turn("user", "Look", part)))
    assert refused.value.field == field


def test_every_row_of_the_sampling_table_acts() -> None:
    asking: dict[str, Any] = {
        "choices": 2,
        "logprobs": True,
        "top_logprobs": 3,
        "logit_bias": {"5": 1.0},
        "seed": 7,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
    }
    assert asking.keys() == {rule.member for rule in UNSUPPORTED}
    for rule in UNSUPPORTED:
        conversation = asked(sampling=Sampling(**{rule.member: asking[rule.member]}))
        if rule.fate == "dropped":
            assert write(conversation)[1] == (rule.field,)
            continue
        with pytest.raises(InvalidRequest) as refused:
            write(conversation)
        assert refused.value.field == rule.field
    harmless = Sampling(logprobs=False, top_logprobs=0, frequency_penalty=0, logit_bias={})
    assert write(asked(sampling=harmless))[1] == ()


def test_sampling_that_both_know_is_written() -> None:
    sampling = Sampling(
        max_output_tokens=50, temperature=0.5, top_p=0.9, top_k=3, stop=("END", "\n\nQ:")
    )
    body, dropped = write(asked(sampling=sampling))
    assert body["max_tokens"] == 50
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.5, 0.9, 3)
    assert body["stop_sequences"] == ["END", "\n\nQ:"]
    assert dropped == ()


def test_the_cap_in_force_is_written_where_the_caller_names_none() -> None:
    assert write(asked())[0] == {
        "model": "claude-opus-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [text("Hi")]}],
    }


def test_a_temperature_above_one_is_written_as_one_and_listed() -> None:
    body, dropped = write(asked(sampling=Sampling(temperature=1.4)))
    assert body["temperature"] == 1.0
    assert dropped == ("temperature above 1",)


def test_a_stop_sequence_of_white_space_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        write(asked(sampling=Sampling(stop=("\n",))))
    assert refused.value.field == "stop"


def test_a_schema_becomes_the_output_format_and_json_mode_is_refused() -> None:
    schema = {"type": "object", "additionalProperties": False}
    body, dropped = write(asked(output=OutputFormat(kind="schema", name="person", schema=schema)))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    assert dropped == ("response_format.json_schema.name",)
    with pytest.raises(InvalidRequest) as refused:
        write(asked(output=OutputFormat(kind="json")))
    assert refused.value.field == "response_format"
    assert "output_config" not in write(asked(output=OutputFormat(kind="text")))[0]


@pytest.mark.parametrize(
    ("model", "request_", "cap", "expected"),
    [
        (
            "claude-opus-5",
            ReasoningRequest(effort="minimal"),
            4096,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        (
            "claude-opus-5",
            ReasoningRequest(effort="xhigh"),
            4096,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
        ),
        (
            "claude-opus-5",
            ReasoningRequest(enabled=False, effort="none"),
            4096,
            {"thinking": {"type": "disabled"}},
        ),
        (
            "claude-sonnet-4-5",
            ReasoningRequest(effort="low"),
            4096,
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        ),
        (
            "claude-haiku-4-5-20251001",
            ReasoningRequest(effort="high"),
            4096,
            {"thinking": {"type": "enabled", "budget_tokens": 4095}},
        ),
        ("claude-haiku-4-5", ReasoningRequest(enabled=False, effort="none"), 4096, {}),
        ("claude-haiku-4-5", ReasoningRequest(effort="high"), 1000, {}),
    ],
)
def test_reasoning_effort_is_written_as_the_model_knows_it(
    model: str, request_: ReasoningRequest, cap: int, expected: dict[str, Any]
) -> None:
    target = Target(model_id=model, stream=False, max_output_tokens=cap)
    body, dropped = write(asked(reasoning=request_), target)
    found = {name: body[name] for name in ("thinking", "output_config") if name in body}
    assert found == expected
    assert dropped == (("reasoning_effort",) if cap <= 1024 else ())


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        write(asked(reasoning=ReasoningRequest(effort="heroic")))
    assert refused.value.field == "reasoning_effort"


def test_tools_and_their_choice_are_translated() -> None:
    tools = (
        Tool(name="a", description="A", schema={"type": "object", "properties": {}}, strict=True),
        Tool(name="b"),
    )
    body, _ = write(
        asked(
            tools=tools,
            tool_choice=ToolChoice(mode="tool", name="a"),
            parallel_tool_calls=False,
        )
    )
    assert body["tools"] == [
        {
            "name": "a",
            "description": "A",
            "strict": True,
            "input_schema": {"type": "object", "properties": {}},
        },
        {"name": "b", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {
        "type": "tool",
        "name": "a",
        "disable_parallel_tool_use": True,
    }


@pytest.mark.parametrize(
    ("mode", "parallel", "expected"),
    [
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, None, None),
        ("required", None, {"type": "any"}),
        ("none", False, {"type": "none"}),
        ("auto", True, {"type": "auto", "disable_parallel_tool_use": False}),
    ],
)
def test_parallel_tool_calls_ride_in_the_tool_choice(
    mode: Any, parallel: bool | None, expected: dict[str, Any] | None
) -> None:
    choice = None if mode is None else ToolChoice(mode=mode)
    conversation = asked(tools=(Tool(name="a"),), tool_choice=choice, parallel_tool_calls=parallel)
    assert write(conversation)[0].get("tool_choice") == expected


def test_a_tool_that_only_another_wire_knows_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        write(asked(tools=(Opaque(wire="openai_chat", kind="custom", body={}),)))
    assert refused.value.field == "tools[0]"


def test_what_has_no_place_is_listed() -> None:
    citation = Citation(url="https://x.test", body={"type": "url_citation"})
    body, dropped = write(
        asked(
            turn("user", "Hi", name="ann", extra={"x": 1}),
            turn(
                "assistant",
                Text(text="Yo", citations=(citation,)),
                Reasoning(text="unsigned"),
                Refusal(text="No."),
            ),
            turn("user", "Why?"),
            end_user="u-1",
            service_tier="flex",
            extra={"store": True, "verbosity": "low"},
        )
    )
    assert body["messages"][1]["content"] == [text("Yo"), text("No.")]
    assert body["metadata"] == {"user_id": "u-1"}
    turns = "name x annotations reasoning"
    assert set(dropped) == {
        *(f"messages[].{name}" for name in turns.split()),
        *("service_tier", "store", "verbosity"),
    }
    assert write(asked(service_tier="default"))[0]["service_tier"] == "standard_only"


def test_signed_reasoning_goes_back_untouched() -> None:
    body, dropped = write(
        asked(
            turn("user", "Hi"),
            turn("assistant", Reasoning(text="Hm", signature="s"), Reasoning(sealed="x"), "Yo"),
            turn("user", "Go on"),
        )
    )
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        text("Yo"),
    ]
    assert dropped == ()


@pytest.mark.parametrize("name", ["audio", "web_search_options", "tool_choice"])
def test_members_without_which_the_answer_is_another_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        write(asked(extra={name: {"on": True}}))
    assert refused.value.field == name


def test_a_conversation_without_content_is_refused() -> None:
    for turns in ((turn("system", "Only this"),), (turn("user", ""),)):
        with pytest.raises(InvalidRequest):
            write(asked(*turns))
