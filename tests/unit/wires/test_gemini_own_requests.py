"""Requests on Gemini's own wire: kept whole where they are written anew, passed where not."""

import json
from typing import Any

from google.genai import types

from portico.contract.conversation import ToolCall, ToolResult
from portico.contract.wires import Target
from portico.wires import gemini, openai_chat

Body = dict[str, Any]


def target(model: str = "gemini-3.8-flash") -> Target:
    return Target(model_id=model, stream=False, max_output_tokens=77)


def own(**members: Any) -> Body:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], **members}
    request = gemini.DOOR.read(json.dumps(body).encode(), 100)
    written = gemini.WIRE.write_request(gemini.DOOR.conversation(request), target())
    assert written.dropped == ()
    body = json.loads(written.body)
    for content in body["contents"]:
        types.Content.model_validate(content)
    return dict(body)


def test_our_own_wire_keeps_what_it_does_not_know() -> None:
    sent: Body = {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "a", "partMetadata": {"k": 1}},
                    {"inlineData": {"mimeType": "image/png", "data": "AA==", "displayName": "p"}},
                    {"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 2}},
                    {"fileData": {"fileUri": "gs://b/v", "mimeType": "video/mp4"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "t", "thought": True, "thoughtSignature": "c2ln"},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"text": "said", "thoughtSignature": "c2lo"},
                    {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2lp"},
                    {"functionCall": {"id": "i", "name": "g", "args": {"a": 1}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "f", "response": {"error": "no"}}},
                    {"functionResponse": {"id": "i", "name": "g", "response": {"output": "x"}}},
                    {"functionResponse": {"name": "lost", "response": {}}},
                ],
            },
        ],
        "systemInstruction": {"parts": [{"text": "S"}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "f", "parametersJsonSchema": {}, "behavior": "BLOCKING"}
                ]
            },
            {"googleSearch": {}},
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {}},
        "generationConfig": {
            "maxOutputTokens": 5,
            "thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True},
            "responseModalities": ["TEXT"],
            "responseMimeType": "text/x.enum",
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "cachedContent": "cachedContents/x",
        "labels": {"max_tokens": "1"},
        "serviceTier": "flex",
    }
    assert own(**sent) == sent


def test_calls_without_ids_get_stable_ones_and_results_find_them() -> None:
    calls = [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}]
    results = [
        {"functionResponse": {"name": "f", "response": {"n": 1}}},
        {"functionResponse": {"name": "f", "response": {"n": 2}}},
    ]
    contents = [{"role": "model", "parts": calls}, {"role": "user", "parts": results}]
    request = gemini.DOOR.read(json.dumps({"contents": contents}).encode(), 100)
    first, second = (gemini.DOOR.conversation(request) for _ in range(2))
    made = [part.id for part in first.turns[0].parts if isinstance(part, ToolCall)]
    found = [part.call_id for part in first.turns[1].parts if isinstance(part, ToolResult)]
    assert made == found
    assert len(set(made)) == 2
    assert first == second


def test_googles_schema_becomes_json_schema_for_other_wires() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"type": {"type": "STRING", "nullable": True}, "n": {"type": "ARRAY"}},
        "propertyOrdering": ["type"],
    }
    tools = [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]
    body = {"contents": [{"parts": [{"text": "x"}]}], "tools": tools}
    request = gemini.DOOR.read(json.dumps(body).encode(), 100)
    written = openai_chat.WIRE.write_request(gemini.DOOR.conversation(request), target("gpt-5"))
    assert json.loads(written.body)["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"type": {"type": ["string", "null"]}, "n": {"type": "array"}},
    }


def test_an_own_body_passes_through_but_for_the_cap_and_portico() -> None:
    text = b'{"contents": [{"parts":[{"text":"x"}]}] , "portico":{"session":"s"}, "model":"m"}'
    request = gemini.DOOR.read(text, 100)
    assert request.options.session == "s"
    passed = gemini.WIRE.passthrough(request, target()).body
    assert passed.startswith(b'{"contents": [{"parts":[{"text":"x"}]}]')
    assert json.loads(passed) == {
        "contents": [{"parts": [{"text": "x"}]}],
        "generationConfig": {"maxOutputTokens": 77},
    }
    for name in ("generationConfig", "generation_config"):
        body = {"contents": [{"parts": [{"text": "x"}]}], name: {"topK": 1}}
        request = gemini.DOOR.read(json.dumps(body).encode(), 100)
        body[name] = {"topK": 1, "maxOutputTokens": 77}
        assert json.loads(gemini.WIRE.passthrough(request, target()).body) == body
        body[name] = {"maxOutputTokens": 3}
        request = gemini.DOOR.read(json.dumps(body).encode(), 100)
        assert json.loads(gemini.WIRE.passthrough(request, target()).body) == body
