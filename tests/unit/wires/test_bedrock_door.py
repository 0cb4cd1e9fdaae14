"""The Converse door: what it takes, what it names at fault, and that nothing it took is lost."""

import json
from typing import Any

import pytest

from portico.contract.conversation import CacheHint, Text
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Target
from portico.wires.bedrock_converse import DOOR, WIRE


def target(cap: int = 4096) -> Target:
    return Target(model_id="anthropic.claude-opus-5", stream=False, max_output_tokens=cap)


OWN: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [
            {"guardContent": {"text": {"text": "x"}}},
            {"cachePoint": {"type": "default"}},
            {"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}},
            {"video": {"format": "mp4", "source": {"bytes": "AA=="}}},
            {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
            {"document": {"name": "d", "source": {"content": [{"text": "x"}]}}},
            {"document": {"name": "d", "source": {"text": "x"}}},
            {"document": {"name": "d", "format": "pdf", "source": {"s3Location": {
                "uri": "s3://b/k", "bucketOwner": "123456789012"}}, "context": "c"}},
            {"image": {"format": "tiff", "source": {"bytes": "AA=="}}},
            {"audio": {"format": "wav", "source": {"bytes": "AA=="}}},
            {"toolResult": {"toolUseId": "t", "status": "success", "content": [
                {"json": {"a": [1]}}, {"video": {}}, {"text": ""}]}},
            {"toolResult": {"toolUseId": "t", "type": "x", "content": []}},
        ]},
        {"role": "assistant", "content": [
            {"citationsContent": {"content": [{"text": "x"}], "citations": [
                {"title": "t", "location": {"web": {"url": "https://a"}}}]}},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "type": "server_tool_use"}},
            {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
            {"newKind": {"a": 1}},
        ]},
        {"role": "system", "content": [{"text": "later"}]},
    ],
    "system": [{"text": "s"}, {"guardContent": {}}],
    "inferenceConfig": {"maxTokens": 5, "newKnob": 1},
    "toolConfig": {
        "tools": [{"systemTool": {"name": "x"}}, {"cachePoint": {"type": "default"}},
                  {"toolSpec": {"name": "f", "inputSchema": {"json": True}, "new": 1}}],
        "toolChoice": {"auto": {"new": 1}},
    },
    "additionalModelRequestFields": {"thinking": {"type": "adaptive"}, "top_k": 5, "other": {}},
    "outputConfig": {"effort": "low", "new": 1},
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
    "requestMetadata": {"team": "care"},
    "performanceConfig": {"latency": "optimized"},
    "promptVariables": {"a": {"text": "b"}},
    "serviceTier": {"type": "reserved"},
}  # fmt: skip


def test_a_body_that_is_written_anew_keeps_every_member() -> None:
    request = DOOR.read(json.dumps(OWN).encode(), 100)
    outgoing = WIRE.write_request(DOOR.conversation(request), target())
    assert json.loads(outgoing.body) == OWN
    assert outgoing.dropped == ()


def test_the_model_and_the_wish_to_stream_are_not_in_the_body() -> None:
    request = DOOR.read(json.dumps({**OWN, "portico": {"session": "s"}}).encode(), 100)
    assert (request.model, request.stream, request.max_output_tokens) == ("", False, 5)
    assert request.options.session == "s"


@pytest.mark.parametrize(
    ("config", "left"),
    [
        ("", ',"inferenceConfig":{"maxTokens":9}'),
        (',"inferenceConfig": null', ',"inferenceConfig": {"maxTokens":9}'),
        (',"inferenceConfig": { }', ',"inferenceConfig": {"maxTokens":9 }'),
        (
            ',"inferenceConfig": {"topP": 0.10}',
            ',"inferenceConfig": {"topP": 0.10,"maxTokens":9}',
        ),
        (
            ',"inferenceConfig":{"maxTokens":null,"topP":0.10}',
            ',"inferenceConfig":{"maxTokens":9,"topP":0.10}',
        ),
        (',"inferenceConfig":{ "maxTokens" : 3}', ',"inferenceConfig":{ "maxTokens" : 3}'),
    ],
)
def test_a_passthrough_adds_the_cap_where_none_is_and_takes_portico_out(
    config: str, left: str
) -> None:
    head = '{ "messages":[{"role":"user","content":[{"text":"\\u00e9"}]}]'
    request = DOOR.read((head + config + ',"portico":{}}').encode(), 9)
    assert WIRE.passthrough(request, target(cap=9)).body.decode() == head + left + "}"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": []}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"image": {"format": "png"}}]}]},
            "messages[0].content[0].image.source",
        ),
        ({"inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
        ({"inferenceConfig": {"temperature": 2}}, "inferenceConfig.temperature"),
        ({"toolConfig": {"tools": []}}, "toolConfig.tools"),
        ({"toolConfig": {"tools": [{"toolSpec": {}}]}}, "toolConfig.tools[0].toolSpec.name"),
        ({"portico": {"sesion": "x"}}, "portico.sesion"),
    ],
)
def test_the_door_names_the_member_at_fault(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        DOOR.read(json.dumps({**OWN, **change}).encode(), 100)
    assert refused.value.field is not None
    assert refused.value.field.replace("[...]", "") == field


def test_a_schema_that_is_no_json_is_refused_when_it_must_be_read() -> None:
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}
    body = {**OWN, "outputConfig": {"textFormat": form}}
    with pytest.raises(InvalidRequest, match="JSON object as text"):
        DOOR.conversation(DOOR.read(json.dumps(body).encode(), 100))


def test_a_cache_point_is_the_hint_of_what_it_follows() -> None:
    found = DOOR.conversation(DOOR.read(json.dumps(OWN).encode(), 100))
    texts = [part for turn in found.turns for part in turn.parts if isinstance(part, Text)]
    assert texts[1].cache == CacheHint(lifetime="1h")
