"""A Converse request: what the door takes, what leaves, and each rule of the table."""

import json
from typing import Any

import pytest

from portico.contract.conversation import (
    Audio,
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
from portico.wires.bedrock_converse import WIRE, tables

CLAUDE = "eu.anthropic.claude-opus-5-v1:0"
HI = Turn(role="user", parts=(Text(text="Hi"),))
CALL = Turn(role="assistant", parts=(ToolCall(id="c", name="f", arguments="{}"),))
RESULT = Turn(role="tool", parts=(ToolResult(call_id="c", content=(Text(text="1"),)),))
TOOL = Tool(name="f", schema={"type": "object"})


def target(model: str = CLAUDE, cap: int = 4096) -> Target:
    return Target(model_id=model, stream=False, max_output_tokens=cap)


def of(*turns: Turn, **more: Any) -> Conversation:
    return Conversation(wire="other", turns=turns or (HI,), **more)


def saying(*parts: Part, role: Role = "user") -> Conversation:
    return of(Turn(role=role, parts=parts), *(() if role == "user" else (HI,)))


def written(conversation: Conversation, model: str = CLAUDE, cap: int = 4096) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(WIRE.write_request(conversation, target(model, cap)).body)
    return body


def dropped(conversation: Conversation, model: str = CLAUDE) -> tuple[str, ...]:
    return WIRE.write_request(conversation, target(model)).dropped


REFUSED: list[tuple[str, Conversation, str]] = [
    ("system.media", of(Turn(role="system", parts=(Image(source=Inline("image/png", "AA==")),)),
                        HI), "messages[0].content"),
    ("text.none", saying(Text(text=" ")), "messages[0].content"),
    ("text.none", of(Turn(role="system", parts=(Text(text="s"),))), "messages"),
    ("tool_call.arguments",
     of(Turn(role="assistant", parts=(ToolCall(id="c", name="f", arguments="[1]"),))),
     "messages[0].tool_calls[0].function.arguments"),
    ("image.type", saying(Image(source=Inline("image/bmp", "AA=="))), "messages[0].content[0]"),
    ("image.type", saying(Image(source=Link("s3://b/k"))), "messages[0].content[0]"),
    ("image.link", saying(Image(source=Link("https://a/b.png"))), "messages[0].content[0]"),
    ("document.type", saying(Document(source=Inline("video/mp4", "AA=="))),
     "messages[0].content[0]"),
    ("document.type", saying(Document()), "messages[0].content[0]"),
    ("document.type", saying(Document(text="")), "messages[0].content[0]"),
    ("document.link", saying(Document(source=Link("https://a/b.pdf"))), "messages[0].content[0]"),
    ("file", saying(Text(text="x"), Image(source=FileReference("file_1"))),
     "messages[0].content[1]"),
    ("audio.type", saying(Audio(source=Inline("audio/x", "AA=="))), "messages[0].content[0]"),
    ("audio.type", saying(Audio(source=Link("https://a"), format="wav")),
     "messages[0].content[0]"),
    ("opaque", saying(Opaque(wire="other", kind="k", body={})), "messages[0].content[0]"),
    ("tool.opaque", of(tools=(Opaque(wire="other", kind="k", body={}),)), "tools[0]"),
    ("tool_choice.none_later", of(HI, CALL, RESULT, tools=(TOOL,),
                                  tool_choice=ToolChoice(mode="none")), "tool_choice"),
    ("output.json", of(output=OutputFormat(kind="json")), "response_format"),
    ("stop.blank", of(sampling=Sampling(stop=("\n",))), "stop"),
    ("reasoning.effort.word", of(reasoning=ReasoningRequest(effort="huge")), "reasoning_effort"),
    ("n", of(sampling=Sampling(choices=2)), "n"),
    ("logprobs", of(sampling=Sampling(logprobs=True)), "logprobs"),
    ("top_logprobs", of(sampling=Sampling(top_logprobs=2)), "top_logprobs"),
    ("logit_bias", of(sampling=Sampling(logit_bias={"1": 1.0})), "logit_bias"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "conversation", "field"), REFUSED)
def test_what_the_table_refuses_is_refused_by_name(
    what: str, conversation: Conversation, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        WIRE.write_request(conversation, target())
    assert refused.value.field == field
    assert tables.BY_WHAT[what].how in refused.value.message


def test_every_refusal_of_the_table_is_tried() -> None:
    rows = {rule.what for rule in tables.RULES if rule.fate == "refused"}
    assert {what for what, _, _ in REFUSED} == rows


SIGNED = Turn(role="assistant", parts=(ToolCall(id="a_thought_c2ln", name="f", arguments=""),))
DROPPED: list[tuple[str, Conversation]] = [
    ("turn.name", of(Turn(role="user", name="ann", parts=(Text(text="Hi"),)))),
    ("image.detail", saying(Image(source=Inline("image/png", "AA=="), detail="high"))),
    ("reasoning.unsigned", of(HI, Turn(role="assistant", parts=(Reasoning(text="Hm."),)))),
    ("reasoning.unsigned", of(HI, Turn(role="assistant", parts=(Reasoning(sealed="ü"),)))),
    ("reasoning.foreign", of(HI, Turn(role="assistant", parts=(Reasoning(signature="gemini:x"),)))),
    ("tool_call.signature", of(HI, SIGNED)),
    ("citations", saying(Text(text="x", citations=(Citation(url="https://a"),)))),
    ("parallel_tool_calls", of(tools=(TOOL,), parallel_tool_calls=False)),
    ("temperature above 1", of(sampling=Sampling(temperature=2.0))),
    ("seed", of(sampling=Sampling(seed=1))),
    ("frequency_penalty", of(sampling=Sampling(frequency_penalty=1.0))),
    ("presence_penalty", of(sampling=Sampling(presence_penalty=1.0))),
    ("end_user", of(end_user="ann")),
    ("service_tier", of(service_tier="scale")),
    ("reasoning.budget", of(reasoning=ReasoningRequest(budget=2048))),
]


@pytest.mark.parametrize(("what", "conversation"), DROPPED)
def test_what_the_table_drops_is_dropped_and_listed(what: str, conversation: Conversation) -> None:
    assert dropped(conversation) == (what,)


@pytest.mark.parametrize(
    ("what", "conversation", "model"),
    [
        ("top_k", of(sampling=Sampling(top_k=5)), "meta.llama3-3-70b-instruct-v1:0"),
        ("reasoning.effort", of(reasoning=ReasoningRequest(effort="low")), "meta.llama3"),
        ("reasoning.disabled", of(reasoning=ReasoningRequest(enabled=False)), "openai.gpt-oss"),
        (
            "reasoning.foreign",
            of(HI, Turn(role="assistant", parts=(Reasoning(signature="c2ln"),))),
            "amazon.nova-2-lite-v1:0",
        ),
    ],
)
def test_what_a_family_has_no_word_for_is_dropped_and_listed(
    what: str, conversation: Conversation, model: str
) -> None:
    assert dropped(conversation, model) == (what,)


def test_everything_that_may_be_dropped_is_tried() -> None:
    tried = {what for what, _ in DROPPED} | {"top_k", "reasoning.effort", "reasoning.disabled"}
    assert tried | {"extra"} == tables.DROPPED


def test_members_of_another_wire_are_dropped_by_path_or_refused() -> None:
    more = of(extra={"store": True}, tools=(Tool(name="f", extra={"x": 1}),))
    assert dropped(more) == ("tools[].x", "store")
    for name, why in tables.FOREIGN_REFUSED.items():
        with pytest.raises(InvalidRequest, match=why) as refused:
            WIRE.write_request(of(extra={name: {}}), target())
        assert refused.value.field == name


def test_system_text_is_hoisted_and_turns_of_one_role_are_one_message() -> None:
    found = written(of(HI, Turn(role="developer", parts=(Text(text="s"),)), HI, CALL, RESULT, HI))
    assert found["system"] == [{"text": "s"}]
    assert [(m["role"], len(m["content"])) for m in found["messages"]] == [
        ("user", 2),
        ("assistant", 1),
        ("user", 2),
    ]


def test_tool_ids_are_put_into_bedrocks_alphabet_and_length_alike() -> None:
    odd = "call|" + "x" * 80
    other = "call|" + "x" * 79 + "y"
    turns = [
        Turn(
            role="assistant",
            parts=tuple(ToolCall(id=name, name="f", arguments="") for name in (odd, other)),
        ),
        *(
            Turn(role="tool", parts=(ToolResult(call_id=name, content=()),))
            for name in (odd, other)
        ),
    ]
    found = written(of(HI, *turns))
    calls = [block["toolUse"]["toolUseId"] for block in found["messages"][1]["content"]]
    results = [block["toolResult"]["toolUseId"] for block in found["messages"][2]["content"]]
    assert calls == results
    assert len(set(calls)) == 2
    assert all(len(call) == 64 and call.startswith("call_xxx") for call in calls)


def test_tools_of_the_history_are_declared_where_the_call_has_none() -> None:
    spec = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
    assert written(of(HI, CALL, RESULT))["toolConfig"] == {"tools": [spec]}
    assert "toolConfig" not in written(of(tools=(TOOL,), tool_choice=ToolChoice(mode="none")))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice(mode="auto"), {"auto": {}}),
        (ToolChoice(mode="required"), {"any": {}}),
        (ToolChoice(mode="tool", name="f"), {"tool": {"name": "f"}}),
    ],
)
def test_a_tool_choice_has_its_word(choice: ToolChoice, said: dict[str, Any]) -> None:
    assert written(of(tools=(TOOL,), tool_choice=choice))["toolConfig"]["toolChoice"] == said


def test_document_names_are_clean_and_unique_and_a_lone_document_gets_text() -> None:
    pdf = Inline("application/pdf", "AA==")
    found = written(
        saying(*(Document(source=pdf, title=title) for title in ("a_b.pdf", "A b pdf", None, "é")))
    )
    *documents, text = found["messages"][0]["content"]
    names = [block["document"]["name"] for block in documents]
    assert names == ["a b pdf", "A b pdf 2", "document", "document 2"]
    assert text == {"text": ", ".join(names)}
    long = written(saying(*[Document(text="x", title="n" * 300)] * 2))["messages"][0]["content"]
    assert [len(block["document"]["name"]) for block in long[:2]] == [200, 200]


def test_plain_text_goes_as_text_to_be_cited_and_as_bytes_otherwise() -> None:
    plain = Inline("text/plain; charset=utf-8", "w6k=")
    found = written(
        saying(
            Document(text="é"),
            Document(text="é", citations=True),
            Document(source=plain),
            Document(source=plain, citations=True),
        )
    )
    sources = [
        (block["document"].get("format"), block["document"]["source"])
        for block in found["messages"][0]["content"][:4]
    ]
    assert sources == [("txt", {"bytes": "w6k="}), (None, {"text": "é"})] * 2


def test_addresses_in_s3_are_locations() -> None:
    found = written(
        saying(Image(source=Link("s3://b/k.JPG")), Document(source=Link("s3://b/k.pdf")))
    )
    image, document, _ = found["messages"][0]["content"]
    assert image == {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/k.JPG"}}}}
    assert document["document"]["source"] == {"s3Location": {"uri": "s3://b/k.pdf"}}
    assert document["document"]["format"] == "pdf"


def test_a_refusal_is_text_and_sound_goes_in_its_format() -> None:
    sound = Audio(source=Inline("audio/wav", "AA=="), format="wav")
    found = written(of(Turn(role="user", parts=(sound,)),
                       Turn(role="assistant", parts=(Refusal(text="No."),))))  # fmt: skip
    assert found["messages"][0]["content"] == [
        {"audio": {"format": "wav", "source": {"bytes": "AA=="}}}
    ]
    assert found["messages"][1]["content"] == [{"text": "No."}]


FIELDS = "additionalModelRequestFields"


@pytest.mark.parametrize(
    ("model", "wanted", "cap", "said"),
    [
        (CLAUDE, ReasoningRequest(effort="minimal"), 4096,
         {FIELDS: {"thinking": {"type": "adaptive"}}, "outputConfig": {"effort": "low"}}),
        (CLAUDE, ReasoningRequest(enabled=False), 4096,
         {FIELDS: {"thinking": {"type": "disabled"}}}),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", ReasoningRequest(effort="high"), 4096,
         {FIELDS: {"thinking": {"type": "enabled", "budget_tokens": 4095}}}),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", ReasoningRequest(budget=10), 4096,
         {FIELDS: {"thinking": {"type": "enabled", "budget_tokens": 1024}}}),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", ReasoningRequest(), 1024, {}),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", ReasoningRequest(enabled=False), 99, {}),
        ("us.amazon.nova-2-lite-v1:0", ReasoningRequest(effort="high"), 4096,
         {FIELDS: {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}}),
        ("us.amazon.nova-2-lite-v1:0", ReasoningRequest(enabled=False), 4096,
         {FIELDS: {"reasoningConfig": {"type": "disabled"}}}),
        ("openai.gpt-oss-120b-1:0", ReasoningRequest(budget=10), 4096,
         {FIELDS: {"reasoning_effort": "low"}}),
        ("openai.gpt-oss-120b-1:0", ReasoningRequest(budget=9000), 4096,
         {FIELDS: {"reasoning_effort": "medium"}}),
        ("openai.gpt-oss-120b-1:0", ReasoningRequest(), 4096,
         {FIELDS: {"reasoning_effort": "medium"}}),
    ],
)  # fmt: skip
def test_reasoning_is_asked_for_in_the_words_of_the_family(
    model: str, wanted: ReasoningRequest, cap: int, said: dict[str, Any]
) -> None:
    found = written(of(reasoning=wanted), model, cap)
    assert {name: found[name] for name in (FIELDS, "outputConfig") if name in found} == said


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-5-v1:0", {"top_k": 5}),
        ("amazon.nova-pro-v1:0", {"inferenceConfig": {"topK": 5}}),
        ("cohere.command-r-plus-v1:0", {"k": 5}),
        ("mistral.mistral-large-2407-v1:0", {"top_k": 5}),
    ],
)
def test_top_k_goes_where_the_family_takes_it(model: str, said: dict[str, Any]) -> None:
    assert written(of(sampling=Sampling(top_k=5)), model)[FIELDS] == said


def test_the_cap_is_always_written() -> None:
    assert written(of(), cap=7)["inferenceConfig"] == {"maxTokens": 7}
    own = of(sampling=Sampling(max_output_tokens=9, stop=("END",), top_p=0.5))
    assert written(own, cap=7)["inferenceConfig"] == {
        "maxTokens": 9,
        "topP": 0.5,
        "stopSequences": ["END"],
    }


def test_claude_is_asked_which_stop_sequence_was_met() -> None:
    stopping = of(sampling=Sampling(stop=("END",)))
    paths = "additionalModelResponseFieldPaths"
    assert written(stopping)[paths] == ["/stop_sequence"]
    assert paths not in written(stopping, "amazon.nova-pro-v1:0")
    assert paths not in written(of())


@pytest.mark.parametrize(("tier", "said"), tables.SERVICE_TIERS.items())
def test_a_service_tier_has_its_word(tier: str, said: str) -> None:
    found = written(of(service_tier=tier))
    assert found.get("serviceTier") == ({"type": said} if said else None)
