"""Whatever a request says, and however it is spelled, its ceiling is not below its parts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.contract.snapshot import Facts, Model
from portico.cost import parts
from portico.cost.ceiling import MARKERS, input_tokens_at_most

CONTEXT = 1_000_000
MODEL = Model(name="m", provider="p", id="claude-opus-5", facts=Facts(context=CONTEXT))
IMAGE = parts.image_tokens(MODEL.id) or 0

TEXTS = st.text(max_size=40) | st.sampled_from(
    ['"type": "image_url"', '{"image": {}}', "inlineData", '\\"type\\":\\"file\\"', "\\u0069mage"]
)
NAMES = st.sampled_from(["type", "image", "file", "tools", "document", "x", "audio", "container"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=3)
Part = tuple[dict[str, Any], int]
"""A part and the tokens that it can cost at least."""


def bytes_of(body: dict[str, Any]) -> Part:
    """A text costs at most its bytes; that they are counted is what is asserted."""
    return body, len(body["text"].encode("utf-8", "surrogatepass"))


def openai_parts() -> st.SearchStrategy[Part]:
    text = TEXTS.map(lambda t: bytes_of({"type": "text", "text": t}))
    image = st.just(
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}, IMAGE)
    )
    file = st.just(({"type": "file", "file": {"file_id": "f"}}, CONTEXT))
    new = st.just(({"type": "hologram", "hologram": {"url": "https://a/b"}}, CONTEXT))
    return text | image | file | new


def anthropic_parts() -> st.SearchStrategy[Part]:
    text = TEXTS.map(lambda t: bytes_of({"type": "text", "text": t}))
    image = st.just(({"type": "image", "source": {"type": "base64", "data": "AA"}}, IMAGE))
    link = st.just(({"type": "document", "source": {"type": "url", "url": "https://a"}}, CONTEXT))
    call = OBJECTS.map(lambda o: ({"type": "tool_use", "id": "t", "name": "f", "input": o}, 0))
    leaf = text | image | link | call
    result = leaf.map(
        lambda p: ({"type": "tool_result", "tool_use_id": "t", "content": [p[0]]}, p[1])
    )
    return leaf | result


def bedrock_parts() -> st.SearchStrategy[Part]:
    text = TEXTS.map(lambda t: bytes_of({"text": t}))
    image = st.just(({"image": {"format": "png", "source": {"bytes": "AA"}}}, IMAGE))
    link = st.just(({"video": {"source": {"s3Location": {"uri": "s3://a"}}}}, CONTEXT))
    call = OBJECTS.map(lambda o: ({"toolUse": {"toolUseId": "t", "name": "f", "input": o}}, 0))
    return text | image | link | call


def gemini_parts() -> st.SearchStrategy[Part]:
    text = TEXTS.map(lambda t: bytes_of({"text": t}))
    image = st.sampled_from(["inlineData", "inline_data"]).map(
        lambda name: ({name: {"mimeType": "image/png", "data": "AA"}}, IMAGE)
    )
    link = st.sampled_from(["fileData", "file_data"]).map(
        lambda name: ({name: {"fileUri": "https://a/b"}}, CONTEXT)
    )
    call = OBJECTS.map(lambda o: ({"functionCall": {"name": "f", "args": o}}, 0))
    return text | image | link | call


PARTS = {
    "openai_chat": openai_parts(),
    "anthropic_messages": anthropic_parts(),
    "bedrock_converse": bedrock_parts(),
    "gemini": gemini_parts(),
}


def request(wire: str, turns: list[list[Part]], schema: Any) -> dict[str, Any]:
    bodies = [[part for part, _ in turn] for turn in turns]
    if wire == "gemini":
        return {
            "contents": [{"role": "user", "parts": body} for body in bodies],
            "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}],
        }
    messages = [{"role": "user", "content": body} for body in bodies]
    if wire == "bedrock_converse":
        return {"messages": messages}
    return {"model": "m", "messages": messages, "metadata": schema}


def spelled(value: Any, random: Any, share: float) -> str:
    """The value as JSON, a share of all letters as escapes, with spaces anywhere."""
    gap = random.choice(["", " ", "\n"])
    if isinstance(value, str):
        return f'"{"".join(letter(each, random, share) for each in value)}"'
    if isinstance(value, list):
        return "[" + f",{gap}".join(spelled(each, random, share) for each in value) + "]"
    if isinstance(value, dict):
        pairs = (
            f"{spelled(k, random, share)}{gap}:{gap}{spelled(v, random, share)}"
            for k, v in value.items()
        )
        return "{" + f"{gap},".join(pairs) + "}"
    return json.dumps(value)


def letter(each: str, random: Any, share: float) -> str:
    if random.random() < share and ord(each) < 0x10000:
        return f"\\u{ord(each):04x}" if random.random() < 0.5 else f"\\u{ord(each):04X}"
    return json.dumps(each, ensure_ascii=False)[1:-1]


def encodable(value: str) -> bool:
    return not any(0xD800 <= ord(each) < 0xE000 for each in value)


@pytest.mark.parametrize("wire", MARKERS)
@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    random=st.randoms(use_true_random=True),
    share=st.sampled_from([0.0, 0.0, 0.1]),
)
def test_no_spelling_of_a_request_brings_its_ceiling_below_its_parts(
    wire: str, data: st.DataObject, random: Any, share: float
) -> None:
    turns = data.draw(
        st.lists(st.lists(PARTS[wire], min_size=1, max_size=3), min_size=1, max_size=2)
    )
    text = spelled(request(wire, turns, data.draw(OBJECTS)), random, share)
    if not encodable(text):
        return
    costs = [cost for turn in turns for _, cost in turn]
    reach = input_tokens_at_most(text.encode(), wire, MODEL)
    assert reach.tokens >= sum(cost for cost in costs if cost != CONTEXT)
    assert CONTEXT not in costs or reach.tokens >= CONTEXT


@pytest.mark.parametrize("wire", MARKERS)
@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    random=st.randoms(use_true_random=True),
    share=st.sampled_from([0.0, 0.0, 0.1]),
)
def test_a_request_that_shows_no_marker_has_nothing_but_text_in_it(
    wire: str, data: st.DataObject, random: Any, share: float
) -> None:
    """The search for markers and the walk through the body come to the same."""
    turns = data.draw(
        st.lists(st.lists(PARTS[wire], min_size=1, max_size=3), min_size=1, max_size=2)
    )
    text = spelled(request(wire, turns, data.draw(OBJECTS)), random, share)
    if not encodable(text):
        return
    found = parts.read(text.encode(), wire)
    reach = input_tokens_at_most(text.encode(), wire, MODEL)
    assert reach.tokens >= len(text.encode()) - found.aside + found.images * IMAGE
    assert not found.window or reach.tokens >= CONTEXT
