"""Places in documents, from Bedrock's words to Anthropic's and back."""

import json
from typing import Any

import pytest
from anthropic.types import TextBlock
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.conversation import Citation
from portico.wires import anthropic_messages, bedrock_converse
from portico.wires.cited_places import KINDS, Kind, for_claude, for_converse
from portico.wires.event_stream import frame

Body = dict[str, Any]

PLACES: list[tuple[Body, Body]] = [
    (
        {"documentChar": {"documentIndex": 1, "start": 3, "end": 9}},
        {"type": "char_location", "document_index": 1, "start_char_index": 3, "end_char_index": 9},
    ),
    (
        {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
        {
            "type": "page_location",
            "document_index": 0,
            "start_page_number": 1,
            "end_page_number": 2,
        },
    ),
    (
        {"documentChunk": {"documentIndex": 2, "start": 0, "end": 1}},
        {
            "type": "content_block_location",
            "document_index": 2,
            "start_block_index": 0,
            "end_block_index": 1,
        },
    ),
]


def cited(location: Body, **more: Any) -> Body:
    return {"title": "plan", "sourceContent": [{"text": "Milk"}], "location": location, **more}


def converse_answer(citation: Body) -> bytes:
    block = {"citationsContent": {"content": [{"text": "Eggs"}], "citations": [citation]}}
    message = {"role": "assistant", "content": [block]}
    return json.dumps({"output": {"message": message}, "stopReason": "end_turn"}).encode()


def at_anthropics_door(citation: Body) -> Any:
    answer = bedrock_converse.WIRE.read_answer(converse_answer(citation))
    (block,) = json.loads(anthropic_messages.DOOR.write_answer(answer))["content"]
    TextBlock.model_validate(block)
    assert block["text"] == "Eggs"
    return block["citations"]


@pytest.mark.parametrize(("location", "wanted"), PLACES)
def test_a_place_in_a_document_reaches_the_anthropic_door(location: Body, wanted: Body) -> None:
    said = {**wanted, "cited_text": "Milk", "document_title": "plan"}
    assert at_anthropics_door(cited(location)) == [said]


def test_a_search_result_keeps_its_source() -> None:
    location = {"searchResultLocation": {"searchResultIndex": 4, "start": 0, "end": 2}}
    assert at_anthropics_door(cited(location, source="https://a.test")) == [
        {
            "type": "search_result_location",
            "cited_text": "Milk",
            "title": "plan",
            "source": "https://a.test",
            "search_result_index": 4,
            "start_block_index": 0,
            "end_block_index": 2,
        }
    ]


@pytest.mark.parametrize(("location", "wanted"), PLACES)
def test_a_place_reaches_the_anthropic_door_on_a_stream(location: Body, wanted: Body) -> None:
    deltas: list[Body] = [{"text": "Eggs"}, {"citation": cited(location)}]
    body = b'{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"x"}]}'
    reader = bedrock_converse.WIRE.stream_reader()
    writer = anthropic_messages.DOOR.stream_writer(anthropic_messages.DOOR.read(body, 10))
    headers = {":event-type": "contentBlockDelta", ":message-type": "event"}
    came = b""
    for delta in deltas:
        payload = json.dumps({"contentBlockIndex": 0, "delta": delta}).encode()
        came += b"".join(writer.write(event) for event in reader.feed(frame(headers, payload)))
    events = [json.loads(line[6:]) for line in came.splitlines() if line.startswith(b"data: ")]
    (citation,) = [
        event["delta"]["citation"]
        for event in events
        if event.get("delta", {}).get("type") == "citations_delta"
    ]
    assert citation == {**wanted, "cited_text": "Milk", "document_title": "plan"}


@pytest.mark.parametrize(
    "location",
    [
        {},
        {"documentChar": {"documentIndex": 1, "start": 3}},
        {"documentChar": {"documentIndex": -1, "start": 3, "end": 4}},
        {"documentChar": {"documentIndex": True, "start": 3, "end": 4}},
        {"documentChar": {"documentIndex": "1", "start": 3, "end": 4}},
        {"documentLine": {"documentIndex": 1, "start": 3, "end": 4}},
        {"documentChar": []},
    ],
)
def test_a_place_that_no_one_knows_is_left_out_and_the_text_stays(location: Body) -> None:
    assert at_anthropics_door(cited(location)) == []


@given(st.sampled_from(KINDS), st.integers(0), st.integers(0), st.integers(0), st.text())
def test_a_place_comes_back_from_the_other_wire(
    kind: Kind, index: int, begin: int, end: int, text: str
) -> None:
    counted = "searchResultIndex" if kind.search else "documentIndex"
    body: Body = {"location": {kind.converse: {counted: index, "start": begin, "end": end}}}
    if kind.search:
        body["source"] = "https://a.test"
    there = for_claude(Citation(text=text, title="plan", body=body))
    assert there is not None
    back = for_converse(Citation(text=text, title="plan", body=there))
    assert back is not None
    assert back["location"] == body["location"]
    assert back.get("source") == body.get("source")
