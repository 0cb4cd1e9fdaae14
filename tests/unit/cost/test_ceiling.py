"""The most that an attempt's input can cost."""

import json
from datetime import date
from typing import Any

import pytest

from portico.contract.money import Price, Rates
from portico.contract.snapshot import Facts, Model
from portico.cost import parts
from portico.cost.ceiling import MARKERS, Reach, input_tokens_at_most
from portico.gateway.wires import WIRES

CONTEXT = 200_000
CHAT = ("openai_chat", "anthropic_messages", "bedrock_converse", "gemini")
DATA = "QUJD" * 100


def model(id_: str = "claude-sonnet-4-5", context: int | None = CONTEXT, search: int = 0) -> Model:
    price = Price(rates=Rates(input=1, output=1, search=search))
    facts = None if context is None else Facts(context=context)
    return Model(name="m", provider="p", id=id_, facts=facts, price=price)


def chat(wire: str, *blocks: Any, **members: Any) -> bytes:
    """A request of one user's turn with these parts."""
    body: dict[str, Any]
    match wire:
        case "gemini":
            body = {"contents": [{"role": "user", "parts": list(blocks)}]}
        case "bedrock_converse":
            body = {"messages": [{"role": "user", "content": list(blocks)}]}
        case _:
            body = {"model": "m", "messages": [{"role": "user", "content": list(blocks)}]}
    return json.dumps({**body, **members}).encode()


def said(wire: str, text: str) -> dict[str, str]:
    return (
        {"text": text} if wire in ("gemini", "bedrock_converse") else {"type": "text", "text": text}
    )


def overhead(wire: str, *, tools: bool = False) -> int:
    row = next(row for row in parts.table().overheads if wire in row.wires)
    return row.request + (row.tools if tools else 0)


IMAGES = {
    "openai_chat": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
    "anthropic_messages": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": DATA},
    },
    "bedrock_converse": {"image": {"format": "png", "source": {"bytes": DATA}}},
    "gemini": {"inlineData": {"mimeType": "image/png", "data": DATA}},
}
REFERENCES = [
    ("openai_chat", {"type": "file", "file": {"file_id": "file_1"}}),
    ("openai_chat", {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{DATA}"}}),
    ("openai_chat", {"type": "input_audio", "input_audio": {"data": DATA, "format": "opus"}}),
    ("openai_chat", {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}),
    ("anthropic_messages", {"type": "document", "source": {"type": "url", "url": "https://a/b"}}),
    ("anthropic_messages", {"type": "document", "source": {"type": "file", "file_id": "f"}}),
    (
        "anthropic_messages",
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [{"type": "document", "source": {"type": "base64", "data": DATA}}],
        },
    ),
    ("anthropic_messages", {"type": "container_upload", "file_id": "f"}),
    ("bedrock_converse", {"document": {"name": "d", "source": {"bytes": DATA}}}),
    ("bedrock_converse", {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://a"}}}}),
    (
        "bedrock_converse",
        {"toolResult": {"toolUseId": "t", "content": [{"document": {"source": {"bytes": DATA}}}]}},
    ),
    ("gemini", {"fileData": {"fileUri": "https://example.com/file"}}),
    ("gemini", {"file_data": {"file_uri": "https://example.com/file"}}),
    ("gemini", {"inlineData": {"mimeType": "video/mp4", "data": DATA}}),
    (
        "gemini",
        {"functionResponse": {"name": "f", "parts": [{"fileData": {"fileUri": "https://a/b"}}]}},
    ),
]


def test_every_wire_that_providers_speak_has_a_rule() -> None:
    assert {wire for row in parts.table().overheads for wire in row.wires} == set(WIRES)
    assert set(parts.READERS) == set(WIRES)


def test_every_maximum_has_a_source_and_the_data_a_date() -> None:
    table = parts.table()
    assert date.fromisoformat(table.date) <= date(2026, 11, 23)
    sources = {row.source for rows in (table.overheads, table.images, table.tools) for row in rows}
    assert all(source.startswith("https://") for source in sources)


@pytest.mark.parametrize("wire", WIRES)
def test_text_costs_at_most_its_bytes_and_what_the_provider_adds(wire: str) -> None:
    body = json.dumps({"input": "Grüße, 世界 🚪" * 20}, ensure_ascii=False).encode()
    assert input_tokens_at_most(body, wire, model()) == Reach(len(body) + overhead(wire))


@pytest.mark.parametrize("wire", CHAT)
def test_a_text_that_talks_about_parts_is_text(wire: str) -> None:
    talk = 'Send {"type": "image_url"} or {"image": 1}, {"inlineData": 2}, {"type": "document"}.'
    body = chat(wire, said(wire, talk))
    assert input_tokens_at_most(body, wire, model()) == Reach(len(body) + overhead(wire))


@pytest.mark.parametrize(
    ("wire", "members"),
    [
        ("openai_chat", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ("anthropic_messages", {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
        ("bedrock_converse", {"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}}),
        ("gemini", {"tools": [{"functionDeclarations": [{"name": "f"}]}]}),
    ],
)
def test_tools_of_the_callers_own_add_the_providers_system_prompt(
    wire: str, members: dict[str, Any]
) -> None:
    body = chat(wire, said(wire, "hi"), **members)
    expected = len(body) + overhead(wire, tools=True)
    assert input_tokens_at_most(body, wire, model()) == Reach(expected)


@pytest.mark.parametrize("wire", CHAT)
def test_an_inline_image_costs_the_models_maximum_and_not_its_bytes(wire: str) -> None:
    one = input_tokens_at_most(chat(wire, IMAGES[wire]), wire, model())
    two = input_tokens_at_most(chat(wire, IMAGES[wire], IMAGES[wire]), wire, model())
    image = parts.image_tokens("claude-sonnet-4-5")
    assert image is not None
    assert not one.open
    assert image < one.tokens < image + len(DATA) + overhead(wire, tools=True)
    assert image < two.tokens - one.tokens < image + len(DATA)


def test_an_image_by_link_costs_the_same_maximum_where_the_family_has_one() -> None:
    link = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    reach = input_tokens_at_most(chat("anthropic_messages", link), "anthropic_messages", model())
    assert not reach.open
    assert 5000 < reach.tokens < CONTEXT


@pytest.mark.parametrize("wire", CHAT)
def test_an_image_for_a_model_that_nobody_has_written_down_can_fill_its_window(wire: str) -> None:
    body = chat(wire, IMAGES[wire])
    assert input_tokens_at_most(body, wire, model("qwen3-vl")).tokens == CONTEXT
    assert input_tokens_at_most(body, wire, model("qwen3-vl", None)).open


@pytest.mark.parametrize(("wire", "part"), REFERENCES)
def test_what_the_request_does_not_hold_can_fill_the_window(wire: str, part: Any) -> None:
    body = chat(wire, said(wire, "Read it."), part)
    reach = input_tokens_at_most(body, wire, model())
    assert (reach.tokens, reach.open) == (CONTEXT, False)
    assert reach.because


@pytest.mark.parametrize(("wire", "part"), REFERENCES)
def test_where_the_window_is_not_known_nothing_bounds_a_reference(wire: str, part: Any) -> None:
    reach = input_tokens_at_most(chat(wire, part), wire, model(context=None))
    assert reach.open
    assert reach.because


@pytest.mark.parametrize(
    ("wire", "members"),
    [
        ("openai_chat", {"previous_response_id": "resp_1"}),
        ("openai_chat", {"prompt": {"id": "pmpt_1"}}),
        ("gemini", {"cachedContent": "cachedContents/1"}),
        ("gemini", {"cached_content": "cachedContents/1"}),
    ],
)
def test_content_that_the_provider_keeps_can_fill_the_window(
    wire: str, members: dict[str, str]
) -> None:
    body = chat(wire, said(wire, "hi"), **members)
    assert input_tokens_at_most(body, wire, model()).tokens == CONTEXT


def test_text_longer_than_the_window_is_counted_by_its_bytes() -> None:
    file = {"type": "file", "file": {"file_id": "file_1"}}
    body = chat("openai_chat", said("openai_chat", "x" * 300_000), file)
    assert input_tokens_at_most(body, "openai_chat", model()).tokens > 300_000


def test_documents_that_are_text_cost_their_bytes() -> None:
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    body = chat("anthropic_messages", text)
    reach = input_tokens_at_most(body, "anthropic_messages", model())
    assert reach == Reach(len(body) + overhead("anthropic_messages", tools=True))


def test_dense_audio_costs_at_most_its_base64_and_at_most_the_window() -> None:
    def reach(characters: int) -> Reach:
        sound = {"data": "A" * characters, "format": "wav"}
        body = chat("openai_chat", {"type": "input_audio", "input_audio": sound})
        return input_tokens_at_most(body, "openai_chat", model())

    assert 10_000 < reach(10_000).tokens < 12_000
    assert CONTEXT < reach(3_000_000).tokens < CONTEXT + 2_000


@pytest.mark.parametrize("type_", ["bash_20250124", "text_editor_20250728", "computer_20250124"])
def test_tools_that_the_provider_defines_cost_more_than_their_names(type_: str) -> None:
    body = chat("anthropic_messages", tools=[{"type": type_, "name": "t"}])
    reach = input_tokens_at_most(body, "anthropic_messages", model())
    assert not reach.because
    assert reach.tokens > len(body) + overhead("anthropic_messages", tools=True)


def test_tools_that_the_provider_runs_read_the_window_again_and_again() -> None:
    tools = [{"type": "code_execution_20250825", "name": "code_execution"}]
    body = chat("anthropic_messages", tools=tools)
    reach = input_tokens_at_most(body, "anthropic_messages", model())
    assert reach.tokens == CONTEXT * parts.ROUNDS["anthropic_messages"]
    assert reach.because == "tools[].code_execution_20250825"


def test_searches_are_bounded_by_the_limit_that_the_call_gives() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    wire = "anthropic_messages"
    bounded = chat(wire, tools=[{**search, "max_uses": 3}])
    endless = chat(wire, tools=[search])
    assert input_tokens_at_most(bounded, wire, model(search=10)).searches == 3
    assert not input_tokens_at_most(bounded, wire, model(search=10)).open
    assert input_tokens_at_most(endless, wire, model(search=10)).open
    assert not input_tokens_at_most(endless, wire, model(search=0)).open


def test_a_member_that_is_there_twice_hides_nothing() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":[{"type":"file"}],"content":"x"}]}'
    assert input_tokens_at_most(body, "openai_chat", model()).tokens == CONTEXT


@pytest.mark.parametrize("wire", MARKERS)
def test_escapes_hide_no_part(wire: str) -> None:
    plain = chat(wire, IMAGES[wire])
    letters = "".join(f"\\u{ord(letter):04x}" for letter in "ima")
    hidden = plain.replace(b'"ima', f'"{letters}'.encode()).replace(b'"type', b'"\\u0074ype')
    hidden = hidden.replace(b'"inlineData', b'"\\u0069nlineData')
    assert hidden != plain
    assert json.loads(hidden) == json.loads(plain)
    found = input_tokens_at_most(hidden, wire, model())
    assert found.tokens >= input_tokens_at_most(plain, wire, model()).tokens


@pytest.mark.parametrize(
    ("id_", "family"),
    [
        ("claude-opus-5", "claude"),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude"),
        ("anthropic/claude-sonnet-4.5", "claude"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4o-2024-11-20", "gpt-4o"),
        ("gpt-5.4-mini", "gpt-5"),
        ("gemini-2.5-flash", "gemini-2"),
    ],
)
def test_a_models_images_are_those_of_the_nearest_family(id_: str, family: str) -> None:
    row = next(row for row in parts.table().images if row.family == family)
    assert parts.image_tokens(id_) == row.tokens


@pytest.mark.parametrize("id_", ["gpt-oss:20b", "o10", "gpt-6", "qwen3-vl", "gemini-30-x"])
def test_other_models_have_no_maximum_of_an_image(id_: str) -> None:
    assert parts.image_tokens(id_) is None


def test_a_wire_without_a_rule_is_a_defect() -> None:
    with pytest.raises(KeyError):
        input_tokens_at_most(b"{}", "telegraph", model())
