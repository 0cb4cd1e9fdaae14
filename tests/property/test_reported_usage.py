"""Usage is read without trust: whatever a provider reports, the numbers are clean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.property.reported import WIRES, Object, readings

from portico.contract.usage import SIDES, Usage
from portico.wires.counts import LONGEST_REPORT, MOST_INPUT, MOST_OUTPUT, MOST_SEARCHES

FLAGS = {"negative", "absurd", "not_a_number", "inconsistent"}

ODD: st.SearchStrategy[Any] = st.one_of(
    st.integers(max_value=-1),
    st.integers(min_value=MOST_INPUT + MOST_OUTPUT + 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda found: found != int(found)),
    st.sampled_from(["", "12", "many", True, False, [], [1]]),
)
ANY: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(0, 50), st.floats(allow_nan=False, allow_infinity=False), ODD
)
HUGE = st.one_of(ANY, st.integers(MOST_OUTPUT - 5, MOST_INPUT + 5))


def members(*names: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    counts = dict.fromkeys(names, HUGE)
    return st.fixed_dictionaries({}, optional={**counts, **more})


MODAL = st.one_of(
    ANY,
    st.lists(
        st.one_of(
            ANY,
            st.fixed_dictionaries(
                {"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "VIDEO", 3])},
                optional={"tokenCount": HUGE},
            ),
        ),
        max_size=4,
    ),
)
ARBITRARY: dict[str, st.SearchStrategy[Object]] = {
    "openai": members(
        *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens"),
        prompt_tokens_details=ANY
        | members("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens"),
        completion_tokens_details=ANY | members("reasoning_tokens", "audio_tokens", "image_tokens"),
    ),
    "anthropic": members(
        *("input_tokens", "output_tokens", "cache_read_input_tokens"),
        "cache_creation_input_tokens",
        cache_creation=ANY | members("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
        output_tokens_details=ANY | members("thinking_tokens"),
        server_tool_use=ANY | members("web_search_requests"),
        speed=ANY,
    ),
    "bedrock": members(
        *("inputTokens", "outputTokens", "totalTokens"),
        *("cacheReadInputTokens", "cacheWriteInputTokens"),
        cacheDetails=ANY
        | st.lists(
            ANY
            | st.fixed_dictionaries({"ttl": st.sampled_from(["5m", "1h", 5]), "inputTokens": HUGE}),
            max_size=3,
        ),
    ),
    "gemini": members(
        *("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount"),
        *("cachedContentTokenCount", "toolUsePromptTokenCount"),
        promptTokensDetails=MODAL,
        cacheTokensDetails=MODAL,
        candidatesTokensDetails=MODAL,
    ),
}


def is_clean(usage: Usage) -> bool:
    counts = [getattr(usage, name) for names in SIDES.values() for name in names]
    spent = usage.input + usage.cached_read + usage.cache_write_5m + usage.cache_write_1h
    return (
        all(type(count) is int and count >= 0 for count in counts)
        and spent + usage.input_audio + usage.cached_audio <= MOST_INPUT
        and usage.output + usage.output_audio + usage.output_image <= MOST_OUTPUT
        and usage.reasoning <= usage.output
        and usage.input_image + usage.input_video <= usage.input
        and 0 <= usage.searches <= MOST_SEARCHES
    )


@pytest.mark.parametrize("wire", WIRES)
@given(data=st.data())
def test_numbers_are_clean_and_alike_however_an_answer_is_read(wire: str, data: Any) -> None:
    usage = data.draw(ARBITRARY[wire])
    found = readings(WIRES[wire], usage)
    assert found == [found[0]] * 4
    if found[0] is None:
        return
    assert is_clean(found[0])
    doubt = found[0].doubt
    if doubt is not None:
        assert doubt.flags
        assert set(doubt.flags) <= FLAGS
        assert 0 < len(doubt.reported) <= LONGEST_REPORT


SOUND: dict[str, tuple[tuple[str, ...], ...]] = {
    "openai": (
        ("prompt_tokens",),
        ("completion_tokens",),
        ("prompt_tokens_details", "cached_tokens"),
        ("prompt_tokens_details", "cache_write_tokens"),
        ("prompt_tokens_details", "audio_tokens"),
        ("prompt_tokens_details", "image_tokens"),
        ("completion_tokens_details", "reasoning_tokens"),
        ("completion_tokens_details", "audio_tokens"),
    ),
    "anthropic": (
        ("input_tokens",),
        ("output_tokens",),
        ("cache_read_input_tokens",),
        ("cache_creation_input_tokens",),
        ("cache_creation", "ephemeral_1h_input_tokens"),
        ("output_tokens_details", "thinking_tokens"),
        ("server_tool_use", "web_search_requests"),
    ),
    "bedrock": (
        ("inputTokens",),
        ("outputTokens",),
        ("cacheReadInputTokens",),
        ("cacheWriteInputTokens",),
    ),
    "gemini": (
        ("promptTokenCount",),
        ("candidatesTokenCount",),
        ("cachedContentTokenCount",),
        ("thoughtsTokenCount",),
        ("toolUsePromptTokenCount",),
    ),
}
"""Where each wire counts. Members of the first level are drawn large, details small."""

PLACES = [(wire, place) for wire, places in SOUND.items() for place in places]


def sound(wire: str, data: Any) -> Object:
    """A usage object in which nothing contradicts anything."""
    usage: Object = {}
    for place in SOUND[wire]:
        *outer, name = place
        total = name in {WIRES[wire].input, WIRES[wire].output, "cache_creation_input_tokens"}
        count = data.draw(st.integers(1000, 9000) if total else st.integers(0, 300))
        target = usage.setdefault(outer[0], {}) if outer else usage
        target[name] = count
    return usage


@pytest.mark.parametrize("wire", WIRES)
@given(data=st.data())
def test_sound_usage_is_never_doubted(wire: str, data: Any) -> None:
    found = readings(WIRES[wire], sound(wire, data))
    assert [usage and usage.doubt for usage in found] == [None] * 4


@pytest.mark.parametrize(("wire", "place"), PLACES)
@given(data=st.data())
def test_one_odd_count_is_always_noticed(wire: str, place: tuple[str, ...], data: Any) -> None:
    usage = sound(wire, data)
    *outer, name = place
    (usage[outer[0]] if outer else usage)[name] = data.draw(ODD)
    for found in readings(WIRES[wire], usage):
        assert found is not None
        assert found.doubt is not None
