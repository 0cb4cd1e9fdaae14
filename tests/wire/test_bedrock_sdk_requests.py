"""What leaves for Bedrock fits AWS's own service model, which checks every member of it."""

import json
from base64 import b64decode
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from portico.contract.wires import Door, Target
from portico.wires import anthropic_messages, openai_chat
from portico.wires.bedrock_converse import WIRE

PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQ="

OPENAI: dict[str, Any] = {
    "model": "support",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                {
                    "type": "file",
                    "file": {
                        "filename": "a_report.pdf",
                        "file_data": f"data:application/pdf;base64,{PDF}",
                    },
                },
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": f"call {n}",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"n":1}'},
                }
                for n in (1, 2)
            ],
        },
        {"role": "tool", "tool_call_id": "call 1", "content": "one"},
        {"role": "tool", "tool_call_id": "call 2", "content": "two"},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "tool_choice": "required",
    "temperature": 0.5,
    "stop": ["END"],
    "reasoning_effort": "low",
    "service_tier": "priority",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}},
    },
}
ANTHROPIC: dict[str, Any] = {
    "model": "support",
    "max_tokens": 4000,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "All."},
                    "title": "notes.txt",
                    "citations": {"enabled": True},
                    "cache_control": {"type": "ephemeral", "ttl": "1h"},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "c2VhbGVk"},
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": [1]}},
                {"type": "tool_use", "id": "t2", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [
                        {"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                        },
                    ],
                },
                {"type": "tool_result", "tool_use_id": "t2", "content": "bad", "is_error": True},
            ],
        },
    ],
    "tools": [
        {
            "name": "look",
            "input_schema": {"type": "object"},
            "cache_control": {"type": "ephemeral"},
        }
    ],
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "top_k": 5,
}


@cache
def operation(name: str = "Converse") -> OperationModel:
    session = botocore.session.get_session()
    return session.get_service_model("bedrock-runtime").operation_model(name)


def with_bytes(value: Any) -> Any:
    """A body as the SDK has it: base64 of the wire is bytes there."""
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if isinstance(value, dict):
        return {
            name: b64decode(inner)
            if name in {"bytes", "redactedContent"} and isinstance(inner, str)
            else with_bytes(inner)
            for name, inner in value.items()
        }
    return value


def sent(door: Door, body: dict[str, Any], model: str) -> dict[str, Any]:
    request = door.read(json.dumps(body).encode(), 100)
    target = Target(model_id=model, stream=False, max_output_tokens=4096)
    written: dict[str, Any] = json.loads(
        WIRE.write_request(door.conversation(request), target).body
    )
    shape = operation().input_shape
    assert shape is not None
    report = ParamValidator().validate({"modelId": model, **with_bytes(written)}, shape)
    assert not report.has_errors(), report.generate_report()
    assert written.keys() <= shape.members.keys()
    return written


@pytest.mark.parametrize(
    "model",
    [
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-opus-5",
        "us.amazon.nova-2-lite-v1:0",
        "openai.gpt-oss-120b-1:0",
        "meta.llama3-3-70b-instruct-v1:0",
    ],
)
@pytest.mark.parametrize(
    ("door", "body"),
    [(openai_chat.DOOR, OPENAI), (anthropic_messages.DOOR, ANTHROPIC)],
    ids=["openai", "anthropic"],
)
def test_what_leaves_fits_the_service_model(door: Door, body: dict[str, Any], model: str) -> None:
    written = sent(door, body, model)
    assert written["inferenceConfig"]["maxTokens"] in {4000, 4096}
    assert [message["role"] for message in written["messages"]] == ["user", "assistant", "user"]


def test_reasoning_documents_results_and_cache_points_reach_a_bedrock_model() -> None:
    written = sent(anthropic_messages.DOOR, ANTHROPIC, "anthropic.claude-sonnet-4-5-v1:0")
    point = {"cachePoint": {"type": "default"}}
    assert written["system"] == [{"text": "Be brief."}, point]
    assert written["messages"][0]["content"] == [
        {
            "document": {
                "source": {"text": "All."},
                "name": "notes txt",
                "citations": {"enabled": True},
            }
        },
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"text": "notes txt"},
    ]
    assert written["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "c2VhbGVk"}},
        {"text": "Looking."},
        {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"a": [1]}}},
        {"toolUse": {"toolUseId": "t2", "name": "look", "input": {}}},
    ]
    assert written["messages"][2]["content"] == [
        {
            "toolResult": {
                "toolUseId": "t1",
                "content": [
                    {"text": "one"},
                    {"image": {"format": "png", "source": {"bytes": PNG}}},
                ],
            }
        },
        point,
        {"toolResult": {"toolUseId": "t2", "content": [{"text": "bad"}], "status": "error"}},
    ]
    assert written["toolConfig"]["tools"][1] == point
    assert written["additionalModelRequestFields"] == {
        "top_k": 5,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
