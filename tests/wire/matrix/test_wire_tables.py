"""Stop reasons, usage and errors are tables: complete, and with the source of every row."""

import importlib
import json
import re
from typing import Any, Final, get_args

import pytest
from anthropic.types import StopReason as AnthropicWord
from botocore.session import get_session
from google.genai.types import BlockedReason, FinishReason
from openai.types.chat.chat_completion import Choice as OpenAIChoice
from tests.wire.matrix import callers, upstreams
from tests.wire.matrix.features import DOORS, WIRES, Body
from tests.wire.matrix.page import PAGE, PAGES

from portico.contract.conversation import Text
from portico.contract.events import (
    Answer,
    Choice,
    PartClosed,
    PartDelta,
    PartOpened,
    Started,
    Stopped,
    UsageReported,
)
from portico.contract.usage import StopReason, Usage
from portico.gateway import wires

SECTIONS: Final = ("Stop reasons", "Usage", "Errors")
URL: Final = re.compile(r"https://[\w.-]+/\S+")
PROMISED: Final = {
    "openai_chat": get_args(OpenAIChoice.model_fields["finish_reason"].annotation),
    "anthropic_messages": get_args(AnthropicWord),
}
"""The words that the callers' libraries know."""


def known(wire: str) -> set[str]:
    """The words for the end of an answer in the provider's own library."""
    if wire in PROMISED:
        return set(PROMISED[wire])
    if wire == "bedrock_converse":
        shape: Any = get_session().get_service_model("bedrock-runtime").shape_for("StopReason")
        return set(shape.enum)
    return {word.value for word in FinishReason if not word.value.endswith("UNSPECIFIED")}


def ending(wire: str, word: str) -> Body:
    """An answer that ends with the word, as `upstreams` takes it."""
    said: dict[str, Body] = {
        "openai_chat": {"message": {"content": "Well"}, "finish_reason": word},
        "anthropic_messages": {"content": [{"type": "text", "text": "Well"}], "stop_reason": word},
        "bedrock_converse": {"content": [{"text": "Well"}], "stopReason": word},
        "gemini": {"parts": [{"text": "Well"}], "finishReason": word},
    }
    return said[wire]


def stop_words(wire: str) -> tuple[tuple[str, StopReason, str], ...]:
    rows: tuple[tuple[str, StopReason, str], ...]
    rows = importlib.import_module(f"portico.wires.{wire}.tables").STOP_WORDS
    return rows


@pytest.mark.parametrize("wire", WIRES)
def test_every_word_that_the_providers_library_knows_has_a_row(wire: str) -> None:
    assert known(wire) <= {word for word, _, _ in stop_words(wire)}


@pytest.mark.parametrize("wire", WIRES)
def test_every_word_of_the_table_reads_the_same_whole_and_streamed(wire: str) -> None:
    for word, reason, _ in stop_words(wire):
        answer = wires.WIRES[wire].read_answer(upstreams.whole(wire, ending(wire, word)))
        reader = wires.WIRES[wire].stream_reader()
        events = [*reader.feed(upstreams.stream(wire, ending(wire, word))), *reader.close()]
        streamed = [event.reason for event in events if isinstance(event, Stopped)]
        assert [answer.choices[0].stop] == streamed == [reason], word


@pytest.mark.parametrize("wire", WIRES)
def test_every_word_of_the_table_has_its_source(wire: str) -> None:
    assert stop_words(wire)
    for word, _, source in stop_words(wire):
        assert URL.fullmatch(source), word


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_of_the_reference_has_its_source(wire: str, section: str) -> None:
    text = PAGE.with_name(f"{PAGES[wire]}.md").read_text("utf-8")
    parts = re.split(r"\n## |\n### ", f"\n{text.replace('Finish reasons', 'Stop reasons')}")
    found = next(one for one in parts if one.startswith(f"{section}\n"))
    if section == "Stop reasons":
        found = found.partition("Written for a caller")[0]  # the second table is our own choice
    lines = [line for line in found.splitlines() if line.startswith("|")]
    heads = {index for index, line in enumerate(lines) if line.startswith("|-")}
    rows = [line for at, line in enumerate(lines) if not {at, at + 1} & heads]
    assert rows
    for row in rows:
        assert URL.search(row), row


def test_every_reason_of_gemini_to_block_a_prompt_stops_for_the_content() -> None:
    for blocked in BlockedReason:
        feedback = {"candidates": [], "promptFeedback": {"blockReason": blocked.value}}
        answer = wires.WIRES["gemini"].read_answer(upstreams.whole("gemini", feedback))
        assert answer.choices[0].stop is StopReason.CONTENT_FILTER, blocked


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_is_written_in_a_word_that_the_callers_library_knows(
    door: str, reason: StopReason
) -> None:
    choice = Choice(parts=(Text(text="Well"),), stop=reason)
    answer = Answer(id="a", model="m", choices=(choice,), usage=Usage(input=1), created=1)
    whole = json.loads(wires.DOORS[door].write_answer(answer))
    streamed = callers.assembled(door, written(door, reason))
    assert word(whole) in PROMISED[door]
    assert word(whole) == word(streamed)


def word(body: dict[str, Any]) -> str:
    said = body["stop_reason"] if "stop_reason" in body else body["choices"][0]["finish_reason"]
    return str(said)


def written(door: str, reason: StopReason) -> bytes:
    """A stream of a word that ends for the reason."""
    asked = {
        "model": "support",
        "max_tokens": 10,
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    writer = wires.DOORS[door].stream_writer(
        wires.DOORS[door].read(json.dumps(asked).encode(), 100)
    )
    events = (
        Started(id="a", model="m", created=1),
        PartOpened(part=0, kind="text"),
        PartDelta(part=0, text="Well"),
        PartClosed(part=0),
        UsageReported(usage=Usage(input=1)),
        Stopped(reason=reason),
    )
    return b"".join(writer.write(event) for event in events) + writer.finish(b"{}")
