"""Valid requests of every door, for mutations to begin with."""

from typing import Any

TOOL_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PNG = "iVBORw0KGgo="

CHAT: dict[str, Any] = {
    "model": "support",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "Žluťoučký 😀"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm",
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Brno"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": "Sunny"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": TOOL_SCHEMA, "strict": True},
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    "max_completion_tokens": 50,
    "temperature": 0.5,
    "top_p": 1,
    "stop": ["a", "b"],
    "n": 1,
    "seed": 7,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50256": -100},
    "reasoning_effort": "low",
    "user": "u",
    "metadata": {"a": "b"},
    "stream": False,
    "stream_options": {"include_usage": True},
    "portico": {"session": "s", "tags": {"a": "b"}, "deadline_ms": 60000},
}
PLAIN_CHAT: dict[str, Any] = {
    "model": "deep",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
}
EMBEDDINGS: dict[str, Any] = {
    "model": "support",
    "input": ["one", "two"],
    "dimensions": 8,
    "encoding_format": "float",
    "user": "u",
    "portico": {"subject": "p"},
}
MESSAGE: dict[str, Any] = {
    "model": "deep",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Žluťoučký 😀"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                },
                {
                    "type": "document",
                    "title": "t",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Word"},
                    "citations": {"enabled": True},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "sealed"},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Brno"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": False,
                    "content": [{"type": "text", "text": "Sunny"}],
                }
            ],
        },
    ],
    "tools": [{"name": "weather", "description": "d", "input_schema": TOOL_SCHEMA}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 50},
    "temperature": 1,
    "top_k": 5,
    "stop_sequences": ["a"],
    "metadata": {"user_id": "u"},
    "stream": False,
    "portico": {"tags": ["a"]},
}
PLAIN_MESSAGE: dict[str, Any] = {
    "model": "support",
    "max_tokens": 9,
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}

CONVERSE: dict[str, Any] = {
    "messages": [
        {
            "role": "user",
            "content": [{"text": "Hi"}, {"image": {"format": "png", "source": {"bytes": PNG}}}],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                {"toolUse": {"toolUseId": "t", "name": "weather", "input": {"city": "Brno"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t", "content": [{"text": "Sunny"}, {"json": {}}]}}
            ],
        },
    ],
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
    "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 1, "stopSequences": ["a"]},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": TOOL_SCHEMA}}}],
        "toolChoice": {"auto": {}},
    },
}
GEMINI: dict[str, Any] = {
    "contents": [
        {
            "role": "user",
            "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}],
        },
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"a": 1}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "weather", "response": {"a": 1}}}],
        },
    ],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "generationConfig": {"maxOutputTokens": 5, "temperature": 1, "stopSequences": ["a"]},
    "tools": [{"functionDeclarations": [{"name": "weather", "parameters": TOOL_SCHEMA}]}],
}

REQUESTS: dict[str, tuple[dict[str, Any], ...]] = {
    "openai_chat": (CHAT, PLAIN_CHAT),
    "openai_embeddings": (EMBEDDINGS,),
    "anthropic_messages": (MESSAGE, PLAIN_MESSAGE),
}
NAMELESS: dict[str, tuple[dict[str, Any], ...]] = {
    "bedrock_converse": (CONVERSE,),
    "gemini": (GEMINI,),
}
"""Requests of wires whose URL names the model."""
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_embeddings": "/v1/embeddings",
    "anthropic_messages": "/v1/messages",
}
