"""Requests from the other doors to a Gemini model, and from Gemini's own."""

import json
from typing import Any

import pytest
from google.genai import types

from portico.contract.errors import InvalidRequest
from portico.contract.wires import Target
from portico.wires import anthropic_messages, gemini, openai_chat
from portico.wires.gemini import signatures, tables

Body = dict[str, Any]
USER: Body = {"role": "user", "content": "Hi"}
PNG: Body = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def target(model: str = "gemini-3.8-flash") -> Target:
    return Target(model_id=model, stream=False, max_output_tokens=77)


def openai(model: str = "gemini-3.8-flash", **members: Any) -> tuple[Body, tuple[str, ...]]:
    body = {"model": "m", "messages": [USER], **members}
    request = openai_chat.DOOR.read(json.dumps(body).encode(), 100)
    written = gemini.WIRE.write_request(openai_chat.DOOR.conversation(request), target(model))
    return checked(json.loads(written.body)), written.dropped


def anthropic(model: str = "gemini-3.8-flash", **members: Any) -> tuple[Body, tuple[str, ...]]:
    body = {"model": "m", "max_tokens": 50, "messages": [USER], **members}
    request = anthropic_messages.DOOR.read(json.dumps(body).encode(), 100)
    conversation = anthropic_messages.DOOR.conversation(request)
    written = gemini.WIRE.write_request(conversation, target(model))
    return checked(json.loads(written.body)), written.dropped


def checked(body: Body) -> Body:
    """The body, after Google's own types have taken it."""
    for content in body["contents"]:
        types.Content.model_validate(content)
    types.GenerationConfig.model_validate(body["generationConfig"])
    for tool in body.get("tools", ()):
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(body.get("toolConfig", {}))
    return body


def test_sampling_goes_as_it_is() -> None:
    body, dropped = openai(
        max_tokens=9,
        temperature=1.5,
        top_p=0.5,
        seed=3,
        n=2,
        stop=["x"],
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        logprobs=True,
        top_logprobs=4,
    )
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 1.5,
        "topP": 0.5,
        "seed": 3,
        "candidateCount": 2,
        "stopSequences": ["x"],
        "presencePenalty": 0.5,
        "frequencyPenalty": -0.5,
        "responseLogprobs": True,
        "logprobs": 4,
    }
    assert dropped == ()
    assert anthropic(top_k=7)[0]["generationConfig"]["topK"] == 7


def test_a_call_without_a_cap_gets_the_one_in_force() -> None:
    assert openai()[0]["generationConfig"] == {"maxOutputTokens": 77}


def test_system_text_from_anywhere_is_the_system_instruction_and_roles_are_merged() -> None:
    messages = [
        {"role": "system", "content": "A"},
        {"role": "user", "content": "1"},
        {"role": "developer", "content": "B"},
        {"role": "user", "content": "2"},
        {"role": "assistant", "content": "3"},
        {"role": "user", "content": ""},
    ]
    body, _ = openai(messages=messages)
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "1"}, {"text": "2"}]},
        {"role": "model", "parts": [{"text": "3"}]},
    ]


def test_media_goes_inline() -> None:
    pdf = {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
    }
    audio = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    body, dropped = openai(messages=[{"role": "user", "content": [PNG, pdf, audio]}])
    kinds = [part["inlineData"]["mimeType"] for part in body["contents"][0]["parts"]]
    assert kinds == ["image/png", "application/pdf", "audio/wav"]
    assert dropped == ("document.title",)


def test_a_text_document_is_text_with_its_title() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "body"}
    block = {"type": "document", "source": source, "title": "T", "citations": {"enabled": True}}
    body, dropped = anthropic(messages=[{"role": "user", "content": [block]}])
    assert body["contents"][0]["parts"] == [{"text": "T\n\nbody"}]
    assert dropped == ("document.citations",)


def test_https_and_googles_own_addresses_are_fetched_and_no_others() -> None:
    files = "https://generativelanguage.googleapis.com/v1beta/files/x"
    for url in ("gs://bucket/a.png", files, "https://example.com/a.png?signed=1"):
        image = {"type": "image_url", "image_url": {"url": url}}
        body, _ = openai(messages=[{"role": "user", "content": [image]}])
        assert body["contents"][0]["parts"][0]["fileData"]["fileUri"] == url
    image = {"type": "image_url", "image_url": {"url": "http://example.com/a.png"}}
    with pytest.raises(InvalidRequest) as refused:
        openai(messages=[USER, {"role": "user", "content": [image]}])
    assert refused.value.field == "messages[1].content[0]"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"logit_bias": {"1": 5}}, "logit_bias"),
        ({"stop": list("abcd"), "messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"reasoning_effort": "endless"}, "reasoning_effort"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]"),
        (
            {"messages": [USER, {"role": "tool", "tool_call_id": "zz", "content": "x"}]},
            "messages[1].content[0]",
        ),
    ],
)
def test_what_gemini_cannot_say_is_refused_by_name(members: Body, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        openai(**members)
    assert refused.value.field == field
    assert "Gemini" in refused.value.message


def test_more_stop_sequences_than_gemini_takes_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="at most 5"):
        anthropic(stop_sequences=list("abcdef"))


def test_arguments_that_are_no_object_are_refused() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "[1]"}}
    messages = [USER, {"role": "assistant", "content": None, "tool_calls": [call]}]
    with pytest.raises(InvalidRequest) as refused:
        openai(messages=messages)
    assert refused.value.field == "messages[1].tool_calls[0]"


def calling(*calls: tuple[str, str], results: list[tuple[str, str]]) -> list[Body]:
    made = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": "{}"}}
        for id_, name in calls
    ]
    answered = [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in results]
    return [USER, {"role": "assistant", "content": None, "tool_calls": made}, *answered]


def test_parallel_results_follow_their_calls_in_order_with_names() -> None:
    messages = calling(("a", "f"), ("b", "g"), results=[("b", '{"x":1}'), ("a", "plain")])
    body, _ = openai(messages=messages)
    responses = [part["functionResponse"] for part in body["contents"][2]["parts"]]
    assert responses == [
        {"id": "a", "name": "f", "response": {"output": "plain"}},
        {"id": "b", "name": "g", "response": {"x": 1}},
    ]


def test_a_call_of_another_model_gets_googles_placeholder_signature_once() -> None:
    messages = calling(("a", "f"), ("b", "g"), results=[("a", "1"), ("b", "2")])
    body, _ = openai(messages=messages)
    first, second = body["contents"][1]["parts"]
    assert first["thoughtSignature"] == signatures.SKIP
    assert "thoughtSignature" not in second
    body, _ = openai("gemini-2.5-flash", messages=messages)
    assert "thoughtSignature" not in body["contents"][1]["parts"][0]


def test_a_signature_that_came_the_way_of_googles_openai_layer_goes_back() -> None:
    messages = calling(("a", "f"), results=[("a", "1")])
    google = {"google": {"thought_signature": "c2ln"}}
    messages[1]["tool_calls"][0]["extra_content"] = google
    body, dropped = openai(messages=messages)
    assert body["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"
    assert dropped == ()


def test_media_of_a_result_goes_within_it_and_before_gemini_3_after_it() -> None:
    png = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    content = [{"type": "text", "text": "see"}, {"type": "image", "source": png}]
    result = {"type": "tool_result", "tool_use_id": "a", "content": content}
    messages = [
        USER,
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    inline = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    body, _ = anthropic(messages=messages)
    assert body["contents"][2]["parts"][0]["functionResponse"]["parts"] == [inline]
    body, _ = anthropic("gemini-2.5-pro", messages=messages)
    response, after = body["contents"][2]["parts"]
    assert response["functionResponse"]["response"] == {"output": "see"}
    assert after == inline


def test_tools_and_their_choice_are_exact_and_strictness_is_listed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    function = {"name": "f", "description": "d", "parameters": schema, "strict": True}
    tools = [{"type": "function", "function": function}]
    body, dropped = openai(tools=tools, tool_choice="required", parallel_tool_calls=False)
    declared = {"name": "f", "description": "d", "parametersJsonSchema": schema}
    assert body["tools"] == [{"functionDeclarations": [declared]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert dropped == ("tool.strict", "parallel_tool_calls")
    named = {"type": "function", "function": {"name": "f"}}
    body, _ = openai(tools=tools, tool_choice=named)
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["f"]


def test_structured_output_is_exact() -> None:
    schema = {"type": "object"}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    body, dropped = openai(response_format=wanted)
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert body["generationConfig"]["responseJsonSchema"] == schema
    assert dropped == ("output.name",)
    body, _ = openai(response_format={"type": "json_object"})
    assert body["generationConfig"]["responseMimeType"] == "application/json"


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", "max", {"thinkingLevel": "HIGH"}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH"}),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192}),
        ("models/gemini-2.5-flash", "max", {"thinkingBudget": 24576}),
        ("gemini-9-unheard-of", "high", {"thinkingLevel": "HIGH"}),
    ],
)
def test_effort_is_said_in_the_words_of_the_models_generation(
    model: str, effort: str, thinking: Body
) -> None:
    body, dropped = openai(model, reasoning_effort=effort)
    assert body["generationConfig"]["thinkingConfig"] == {"includeThoughts": True, **thinking}
    assert dropped == ()


def test_thinking_is_turned_off_where_a_model_can_and_said_where_it_cannot() -> None:
    off = {"thinking": {"type": "disabled"}}
    body, dropped = anthropic("gemini-2.5-flash", **off)
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}
    assert dropped == ()
    body, dropped = anthropic("gemini-3.8-flash", **off)
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW"}
    assert dropped == ("reasoning.disabled",)
    body, dropped = openai("gemini-2.5-flash", reasoning_effort="none")
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}
    body, dropped = openai("gemma-4-31b-it", reasoning_effort="high")
    assert "thinkingConfig" not in body["generationConfig"]
    assert dropped == ("reasoning.unsupported",)


def test_a_budget_is_kept_within_a_models_bounds_or_becomes_a_level() -> None:
    asked = {"thinking": {"type": "enabled", "budget_tokens": 40}}
    body, _ = anthropic("gemini-2.5-pro", **asked)
    assert body["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 128
    asked["thinking"]["budget_tokens"] = 9000
    body, _ = anthropic("gemini-4-argon", max_tokens=10_000, **asked)
    assert body["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "HIGH"


def test_reasoning_and_hints_of_another_provider_are_dropped_and_listed() -> None:
    thought = {"type": "thinking", "thinking": "x", "signature": "theirs"}
    sealed = {"type": "redacted_thinking", "data": "zz"}
    hint = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    messages = [
        {"role": "user", "content": [hint]},
        {"role": "assistant", "content": [thought, sealed, {"type": "text", "text": "b"}]},
        USER,
    ]
    body, dropped = anthropic(messages=messages, metadata={"user_id": "u"}, service_tier="auto")
    assert body["contents"][1]["parts"] == [{"text": "b"}]
    assert dropped == ("cache", "reasoning", "service_tier.unknown", "user")


def test_service_tiers_have_equals() -> None:
    assert openai(service_tier="priority")[0]["serviceTier"] == "priority"
    assert anthropic(service_tier="standard_only")[0]["serviceTier"] == "standard"


def test_every_drop_is_a_row_of_the_table() -> None:
    assert {rule.fate for rule in tables.RULES_LIST} == {
        "exact",
        "translated",
        "dropped",
        "refused",
    }
    assert len(tables.RULES) == len(tables.RULES_LIST)
