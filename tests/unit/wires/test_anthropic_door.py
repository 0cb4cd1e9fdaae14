"""What the Anthropic door accepts, refuses, and reads."""

import json
from typing import Any

import pytest

from portico.contract.conversation import (
    CacheHint,
    Document,
    FileReference,
    Image,
    Inline,
    Link,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Target
from portico.wires.anthropic_messages import DOOR, WIRE

HELLO: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
TARGET = Target(model_id="claude-haiku-4-5", stream=False, max_output_tokens=4096)


def body(**members: Any) -> bytes:
    return json.dumps({**HELLO, **members}).encode()


def user(*blocks: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def test_a_request_is_opened_with_what_the_pipeline_needs() -> None:
    request = DOOR.read(body(stream=True, portico={"session": "s-1"}), 100)
    assert (request.wire, request.operation) == ("anthropic_messages", "chat")
    assert (request.model, request.stream, request.max_output_tokens) == (
        "claude-sonnet-4-5",
        True,
        100,
    )
    assert request.options.session == "s-1"
    assert [name for name, *_ in request.members] == [*HELLO, "stream", "portico"]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": user({"type": "text"})}, "messages[0].content[0].text"),
        ({"messages": user({"text": "x"})}, "messages[0].content[0].type"),
        ({"messages": user({"type": "image"})}, "messages[0].content[0].source"),
        (
            {"messages": user({"type": "image", "source": {"type": "base64", "data": "AA=="}})},
            "messages[0].content[0].source.media_type",
        ),
        (
            {"messages": user({"type": "browser_state"}, {"type": "text", "text": 5})},
            "messages[0].content[1].text",
        ),
        (
            {"messages": user({"type": "tool_use", "id": "a", "name": "b", "input": "{}"})},
            "messages[0].content[0].input",
        ),
        (
            {"messages": user({"type": "tool_result", "content": "x"})},
            "messages[0].content[0].tool_use_id",
        ),
        ({"system": 5}, "system"),
        ({"system": [{"type": "image"}]}, "system[0].type"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "look"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking.budget_tokens"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
        ({"stream": "yes"}, "stream"),
        ({"model": ""}, "model"),
        ({"portico": {"deadline_ms": 0}}, "portico.deadline_ms"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(
    members: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        DOOR.read(body(**members), 100)
    assert refused.value.field == field
    assert field in refused.value.message


def test_a_missing_member_is_refused_by_name() -> None:
    for name in HELLO:
        rest = {key: value for key, value in HELLO.items() if key != name}
        with pytest.raises(InvalidRequest) as refused:
            DOOR.read(json.dumps(rest).encode(), 100)
        assert refused.value.field == name


def test_members_and_blocks_that_are_new_to_us_pass() -> None:
    raw = body(
        container="c-1",
        thinking={"type": "between_tools"},
        tool_choice={"type": "some"},
        tools=[{"type": "web_search_20260318", "name": "web_search"}],
        messages=user(
            {"type": "browser_state", "tabs": []},
            {"type": "image", "source": {"type": "hologram", "id": 1}},
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "tool_reference", "tool_name": "x"}],
            },
        ),
    )
    conversation = DOOR.conversation(DOOR.read(raw, 100))
    assert [type(part) for part in conversation.turns[0].parts] == [Opaque, Opaque, ToolResult]
    written = json.loads(WIRE.write_request(conversation, TARGET).body)
    sent = json.loads(raw)
    assert written == {**sent, "model": "claude-haiku-4-5"}


def test_passthrough_changes_the_model_and_removes_portico_and_nothing_else() -> None:
    raw = (
        b'{ "max_tokens":10,\n "portico": {"session":"a"}, "model" : "x", '
        b'"messages":[{"role":"user","content":"h\\u00e9"}], "new": 1.0 }\n'
    )
    assert WIRE.passthrough(DOOR.read(raw, 100), TARGET).body == (
        b'{ "max_tokens":10, "model" : "claude-haiku-4-5", '
        b'"messages":[{"role":"user","content":"h\\u00e9"}], "new": 1.0 }\n'
    )


BLOCKS: list[tuple[dict[str, Any], Part]] = [
    (
        {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        Text(text="Look", cache=CacheHint(lifetime="1h")),
    ),
    (
        {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
        Text(text="Look", cache=CacheHint(lifetime="5m")),
    ),
    (
        {"type": "text", "text": "Look", "cache_control": {"type": "eternal"}},
        Text(text="Look", extra={"cache_control": {"type": "eternal"}}),
    ),
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        Image(source=Inline(media_type="image/png", data="AA==")),
    ),
    (
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        Image(source=Link(url="https://x.test/a.png")),
    ),
    (
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        Image(source=FileReference(id="file_1")),
    ),
    (
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Plain"},
            "title": "T",
            "context": "C",
            "citations": {"enabled": True},
        },
        Document(text="Plain", title="T", context="C", citations=True),
    ),
    (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        },
        Document(source=Inline(media_type="application/pdf", data="JVBE")),
    ),
    (
        {"type": "document", "source": {"type": "content", "content": "Chunk"}},
        Document(text="Chunk", extra={"source": {"type": "content"}}),
    ),
    (
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        Reasoning(text="Hm", signature="sig"),
    ),
    ({"type": "redacted_thinking", "data": "sealed"}, Reasoning(sealed="sealed")),
    (
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1}},
        ToolCall(id="toolu_1", name="look", arguments='{"a":1}'),
    ),
    (
        {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "is_error": True,
            "content": [{"type": "text", "text": "No"}],
        },
        ToolResult(call_id="toolu_1", is_error=True, content=(Text(text="No"),)),
    ),
    (
        {"type": "search_result", "source": "x", "title": "t", "content": []},
        Opaque(
            wire="anthropic_messages",
            kind="search_result",
            body={"type": "search_result", "source": "x", "title": "t", "content": []},
        ),
    ),
]


@pytest.mark.parametrize(("block", "part"), BLOCKS)
def test_every_kind_of_block_has_its_part(block: dict[str, Any], part: Part) -> None:
    conversation = DOOR.conversation(DOOR.read(body(messages=user(block)), 100))
    assert conversation.turns == (Turn(role="user", parts=(part,)),)
    written = json.loads(WIRE.write_request(conversation, TARGET).body)
    assert written["messages"][0]["content"] == [block]


def test_system_text_is_the_first_turn() -> None:
    for system in ("Be brief.", [{"type": "text", "text": "Be brief."}]):
        conversation = DOOR.conversation(DOOR.read(body(system=system), 100))
        first = Turn(role="system", parts=(Text(text="Be brief."),))
        assert conversation.turns[0] == first


@pytest.mark.parametrize(
    "thinking",
    [
        {"type": "enabled", "budget_tokens": 2048},
        {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        {"type": "disabled"},
        {"type": "adaptive"},
        {"type": "adaptive", "display": "summarized"},
        {"type": "between_tools"},
    ],
)
@pytest.mark.parametrize("effort", [None, {"effort": "high"}])
def test_thinking_goes_out_as_it_came(
    thinking: dict[str, Any], effort: dict[str, str] | None
) -> None:
    members = {"thinking": thinking, **({"output_config": effort} if effort else {})}
    conversation = DOOR.conversation(DOOR.read(body(**members), 100))
    written = json.loads(WIRE.write_request(conversation, TARGET).body)
    assert {name: written.get(name) for name in members} == members


def test_the_members_of_a_request_have_their_place() -> None:
    schema = {"type": "object", "properties": {}}
    raw = body(
        tools=[{"name": "look", "input_schema": schema, "strict": True, "eager": 1}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": schema}},
        thinking={"type": "adaptive", "display": "omitted"},
        stop_sequences=["END"],
        metadata={"user_id": "u-1", "other": 2},
        service_tier="auto",
        inference_geo="eu",
    )
    conversation = DOOR.conversation(DOOR.read(raw, 100))
    assert conversation.tools == (
        Tool(name="look", schema=schema, strict=True, extra={"eager": 1}),
    )
    assert conversation.tool_choice == ToolChoice(mode="required")
    assert conversation.parallel_tool_calls is False
    assert conversation.output == OutputFormat(kind="schema", schema=schema, strict=True)
    assert conversation.reasoning is not None
    assert (conversation.reasoning.enabled, conversation.reasoning.effort) == (True, "low")
    assert conversation.sampling.stop == ("END",)
    assert (conversation.end_user, conversation.service_tier) == ("u-1", "auto")
    assert conversation.extra == {"inference_geo": "eu", "metadata": {"other": 2}}


def test_a_request_written_for_its_own_wire_keeps_every_member() -> None:
    raw = body(
        system=[{"type": "text", "text": "One"}, {"type": "text", "text": "Two", "new": 1}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Hi"}], "id": "m-1"},
            {"role": "system", "content": [{"type": "text", "text": "Now in French."}]},
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "tool_use",
                        "id": "t.1",
                        "name": "look",
                        "input": {"deep": [1, {"x": None}]},
                        "caller": {"type": "direct"},
                    },
                    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                ],
            },
            *user({"type": "tool_result", "tool_use_id": "t.1", "content": []}),
        ],
        tools=[{"name": "look", "input_schema": {}, "cache_control": {"type": "ephemeral"}}],
        tool_choice={"type": "tool", "name": "look", "disable_parallel_tool_use": False},
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "summarized"},
        output_config={"effort": "max", "task_budget": 5},
        temperature=1.0,
        top_p=0.9,
        top_k=5,
        service_tier="standard_only",
        metadata={"user_id": "u"},
        mcp_servers=[{"url": "https://x.test"}],
        stream=True,
    )
    conversation = DOOR.conversation(DOOR.read(raw, 100))
    target = Target(model_id="claude-sonnet-4-5", stream=True, max_output_tokens=1)
    outgoing = WIRE.write_request(conversation, target)
    assert json.loads(outgoing.body) == json.loads(raw)
    assert outgoing.dropped == ()
