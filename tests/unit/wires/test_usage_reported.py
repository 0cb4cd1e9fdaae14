"""What providers report of usage, and what is not believed of it."""

from typing import Any

import pytest
from tests.property.reported import WIRES, Object, packed, readings, sse

from portico.contract.usage import Usage
from portico.wires import gemini, openai_embeddings
from portico.wires.bedrock_embeddings import WIRE as BEDROCK_EMBEDDINGS
from portico.wires.counts import TIERS, tier


@pytest.mark.parametrize(
    ("wire", "said", "served"),
    [
        ("openai", "default", ""),
        ("openai", "flex", "flex"),
        ("openai", "priority", "priority"),
        ("anthropic", "standard", ""),
        ("anthropic", "batch", "batch"),
        ("anthropic", "priority", "priority"),
        ("bedrock", "default", ""),
        ("bedrock", "flex", "flex"),
        ("bedrock", "reserved", "reserved"),
        ("gemini", "standard", ""),
        ("gemini", "PRIORITY", "priority"),
        ("gemini", "Sooner", "sooner"),
    ],
)
def test_the_tier_that_was_served_is_read(wire: str, said: str, served: str) -> None:
    found = WIRES[wire]
    usage = {found.input: 3, found.output: 2}
    assert readings(found, usage, said) == [Usage(input=3, output=2, service_tier=served)] * 4


def test_a_tier_of_another_shape_is_none() -> None:
    words: list[Any] = [None, 3, {}, ""]
    assert [tier(word) for word in words] == [""] * 4
    assert {tier(word.upper()) for word in TIERS} == {"", "batch", "flex", "priority"}


def test_anthropics_fast_mode_and_vertexs_traffic_are_tiers() -> None:
    fast = {"input_tokens": 1, "output_tokens": 1, "service_tier": "standard", "speed": "fast"}
    assert {found and found.service_tier for found in readings(WIRES["anthropic"], fast)} == {
        "fast"
    }
    flex = {"promptTokenCount": 1, "trafficType": "ON_DEMAND_FLEX"}
    assert {found and found.service_tier for found in readings(WIRES["gemini"], flex)} == {"flex"}


@pytest.mark.parametrize(
    ("wire", "reported", "meant"),
    [
        (
            "openai",
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {
                    "cached_tokens": 30,
                    "image_tokens": 20,
                    "video_tokens": 5,
                },
                "completion_tokens_details": {"image_tokens": 40},
            },
            Usage(
                input=70, cached_read=30, input_image=20, input_video=5, output=10, output_image=40
            ),
        ),
        (
            "anthropic",
            {
                "input_tokens": 4,
                "output_tokens": 2,
                "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 9},
            },
            Usage(input=4, output=2, searches=3),
        ),
        (
            "bedrock",
            {
                "inputTokens": 3,
                "outputTokens": 5,
                "totalTokens": 17,
                "cacheWriteInputTokens": 9,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 5}],
            },
            Usage(input=3, output=5, cache_write_5m=5, cache_write_1h=4),
        ),
        (
            "gemini",
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 30,
                "promptTokensDetails": [
                    {"modality": "IMAGE", "tokenCount": 50},
                    {"modality": "VIDEO", "tokenCount": 10},
                    {"modality": "DOCUMENT", "tokenCount": 5},
                ],
                "cacheTokensDetails": [{"modality": "IMAGE", "tokenCount": 30}],
                "candidatesTokenCount": 20,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 8}],
                "totalTokenCount": 120,
            },
            Usage(
                input=70, cached_read=30, input_image=20, input_video=10, output=12, output_image=8
            ),
        ),
    ],
)
def test_images_video_caches_and_searches_are_told_apart(
    wire: str, reported: Object, meant: Usage
) -> None:
    assert readings(WIRES[wire], reported) == [meant] * 4


@pytest.mark.parametrize(
    ("wire", "reported", "flags", "sides"),
    [
        ("openai", {"prompt_tokens": -5, "completion_tokens": 2}, ["negative"], ["input"]),
        ("openai", {"prompt_tokens": 5, "completion_tokens": "2"}, ["not_a_number"], ["output"]),
        ("openai", {"prompt_tokens": 5, "completion_tokens": None}, ["not_a_number"], ["output"]),
        ("openai", {"prompt_tokens": 5.5, "completion_tokens": 2}, ["not_a_number"], ["input"]),
        ("openai", {"prompt_tokens": 10**30, "completion_tokens": 2}, ["absurd"], ["input"]),
        ("openai", {"prompt_tokens": 5, "completion_tokens": 2_000_001}, ["absurd"], ["output"]),
        (
            "openai",
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 6},
            },
            ["inconsistent"],
            ["input"],
        ),
        (
            "openai",
            {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 6},
            ["inconsistent"],
            [],
        ),
        (
            "openai",
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            ["inconsistent"],
            [],
        ),
        ("anthropic", {"input_tokens": "3", "output_tokens": -1}, ["negative", "not_a_number"], 0),
        (
            "anthropic",
            {"input_tokens": 6_000_000, "output_tokens": 1, "cache_read_input_tokens": 6_000_000},
            ["absurd"],
            ["input"],
        ),
        (
            "anthropic",
            {
                "input_tokens": 1,
                "output_tokens": 1,
                "cache_creation_input_tokens": 3,
                "cache_creation": {"ephemeral_1h_input_tokens": 4},
            },
            ["inconsistent"],
            ["input"],
        ),
        ("bedrock", {"inputTokens": 3, "outputTokens": 5, "totalTokens": 9}, ["inconsistent"], []),
        (
            "bedrock",
            {"inputTokens": 3, "outputTokens": 5, "cacheDetails": [7]},
            ["not_a_number"],
            ["input"],
        ),
        (
            "gemini",
            {
                "promptTokenCount": 3,
                "candidatesTokenCount": 5,
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
            },
            ["inconsistent"],
            ["output"],
        ),
        (
            "gemini",
            {"promptTokenCount": 3, "cachedContentTokenCount": 4},
            ["inconsistent"],
            ["input"],
        ),
    ],
)
def test_odd_numbers_are_doubted_and_kept(
    wire: str, reported: Object, flags: list[str], sides: Any
) -> None:
    for found in readings(WIRES[wire], reported):
        assert found is not None
        assert found.doubt is not None
        assert list(found.doubt.flags) == flags
        assert list(found.doubt.sides) == (sides if sides != 0 else ["input", "output"])
        assert found.doubt.reported == packed(reported).decode().replace(": ", ":").replace(
            ", ", ","
        )


@pytest.mark.parametrize(
    "reported",
    [
        {"prompt_tokens": 5, "completion_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None},
        {
            "prompt_tokens": 12,
            "completion_tokens": 1,
            "total_tokens": 399,
            "completion_tokens_details": {"reasoning_tokens": 386},
        },
        {"prompt_tokens": 20, "completion_tokens": 424, "total_tokens": 1016},
        {"prompt_tokens": 7, "prompt_cache_hit_tokens": 4, "completion_tokens": 1},
    ],
)
def test_what_is_normal_in_the_field_is_not_doubted(reported: Object) -> None:
    assert {usage and usage.doubt for usage in readings(WIRES["openai"], reported)} == {None}


def test_thoughts_that_only_the_total_knows_are_output() -> None:
    reported = {"prompt_tokens": 20, "completion_tokens": 424, "total_tokens": 1016}
    meant = Usage(input=20, output=996, reasoning=572)
    assert readings(WIRES["openai"], reported) == [meant] * 4


def test_embeddings_have_no_output_to_miss() -> None:
    body = {"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    assert openai_embeddings.WIRE.skim(packed(body)).usage == Usage(input=5)
    titan = {"embedding": [0.5], "inputTextTokenCount": "3"}
    found = BEDROCK_EMBEDDINGS.skim(packed(titan)).usage
    assert found is not None
    assert found.doubt is not None
    assert found.doubt.flags == ("not_a_number",)


@pytest.mark.parametrize(("model", "billed"), [("gemini-3.5-flash", 2), ("gemini-2.5-pro", 1)])
def test_googles_searches_are_counted_as_they_are_billed(model: str, billed: int) -> None:
    queries = {"webSearchQueries": ["a", "", "b", "a"]}
    body = {
        "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3},
        "modelVersion": model,
    }
    body["candidates"][0]["groundingMetadata"] = queries  # type: ignore[index]
    whole = packed(body)
    relay = gemini.WIRE.relay(gemini.DOOR.read(WIRES["gemini"].request, 64))
    relay.feed(sse(body))
    for usage in (gemini.WIRE.skim(whole).usage, relay.skim.usage):
        assert usage == Usage(input=3, searches=billed)


@pytest.mark.parametrize("wire", ["openai", "gemini"])
def test_usage_beside_an_error_is_kept(wire: str) -> None:
    found = WIRES[wire]
    counted = {found.input: 3, found.output: 2}
    body = {"error": {"message": "no"}, "usage": counted, "usageMetadata": counted}
    skim = found.wire.skim(packed(body))
    assert (skim.usage, skim.failed is None) == (Usage(input=3, output=2), False)
    relay = found.wire.relay(found.door.read(found.request, 64))
    relay.feed(sse(body))
    assert (relay.skim.usage, relay.skim.failed is None) == (Usage(input=3, output=2), False)
