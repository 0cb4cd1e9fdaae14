import json

import msgspec
import pytest

from portico.contract.conversation import (
    Conversation,
    Document,
    Image,
    Inline,
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
from portico.contract.events import PartDelta, PartOpened, Started, Stopped, UsageReported
from portico.contract.usage import StopReason
from portico.providers.simulator.engine import SEAL, THOUGHT, Outcome, answer, events, whole
from portico.providers.simulator.extract import NOTHING_FOUND
from portico.providers.simulator.script import load
from portico.providers.simulator.settings import Base
from portico.providers.simulator.transcript import TOKEN_BYTES, clip, pieces, render, tokens

WEATHER = Tool(name="weather")
TIME = Tool(name="time.now")


def turn(role: Role, *parts: str | Part) -> Turn:
    return Turn(
        role=role, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    )


def asking(
    *turns: Turn,
    tools: tuple[Tool, ...] = (),
    choice: ToolChoice | None = None,
    output: OutputFormat | None = None,
    reasoning: ReasoningRequest | None = None,
    sampling: Sampling | None = None,
) -> Conversation:
    return Conversation(
        wire="openai_chat",
        turns=turns,
        tools=tools,
        tool_choice=choice,
        output=output,
        reasoning=reasoning,
        sampling=sampling or Sampling(),
    )


def text_of(outcome: Outcome) -> str:
    return "".join(part.text for part in outcome.parts if isinstance(part, Text))


def calls_of(outcome: Outcome) -> list[tuple[str, str]]:
    return [(part.name, part.arguments) for part in outcome.parts if isinstance(part, ToolCall)]


def echo(conversation: Conversation) -> Outcome:
    return answer(conversation, "echo", None)


# --- echo ----------------------------------------------------------------------------------


def test_echo_repeats_the_last_user_message() -> None:
    found = echo(asking(turn("user", "one"), turn("assistant", "two"), turn("user", "three")))
    assert text_of(found) == "three"
    assert found.stop is StopReason.END


def test_echo_repeats_text_parts_line_by_line_and_no_picture() -> None:
    picture = Image(source=Inline(media_type="image/png", data="AAAA"))
    assert text_of(echo(asking(turn("user", "look", picture, "here")))) == "look\nhere"


def test_echo_repeats_the_tool_results_that_end_a_conversation() -> None:
    def result(text: str) -> ToolResult:
        return ToolResult(call_id="c", content=(Text(text=text),))

    asked = turn("user", "go")
    called = turn("assistant", ToolCall(id="c", name="weather", arguments="{}"))
    separate = asking(asked, called, turn("tool", result("rain")), turn("tool", result("noon")))
    together = asking(asked, called, turn("user", result("rain"), result("noon")))
    assert text_of(echo(separate)) == text_of(echo(together)) == "rain\nnoon"


def test_echo_of_no_user_message_is_empty_text() -> None:
    assert echo(asking(turn("system", "rules"))).parts == (Text(text=""),)


# --- tool calls ----------------------------------------------------------------------------


def test_a_line_with_call_is_answered_with_that_tool_call() -> None:
    found = echo(asking(turn("user", 'call weather {"city": "Oslo"}'), tools=(WEATHER,)))
    assert calls_of(found) == [("weather", '{"city": "Oslo"}')]
    assert found.stop is StopReason.TOOL_CALLS
    assert text_of(found) == ""


def test_several_lines_are_answered_with_parallel_calls_of_different_ids() -> None:
    text = 'Please call weather {"city": "Oslo"}\nand call time.now'
    found = answer(asking(turn("user", text), tools=(WEATHER, TIME)), "echo", None, "c1")
    assert calls_of(found) == [("weather", '{"city": "Oslo"}'), ("time.now", "{}")]
    assert [part.id for part in found.parts if isinstance(part, ToolCall)] == ["c1_0", "c1_1"]


def test_parallel_calls_are_one_where_the_caller_wants_one() -> None:
    text = "call weather\ncall weather"
    conversation = asking(turn("user", text), tools=(WEATHER,))
    found = echo(msgspec.structs.replace(conversation, parallel_tool_calls=False))
    assert calls_of(found) == [("weather", "{}")]


@pytest.mark.parametrize("text", ["call unknown {}", "call weather for me", "recall weather {}"])
def test_what_is_not_a_call_of_an_offered_tool_is_repeated(text: str) -> None:
    assert text_of(echo(asking(turn("user", text), tools=(WEATHER,)))) == text


def test_without_tools_and_with_choice_none_a_call_line_is_repeated() -> None:
    line = turn("user", "call weather {}")
    none = ToolChoice(mode="none")
    assert text_of(echo(asking(line))) == "call weather {}"
    assert text_of(echo(asking(line, tools=(WEATHER,), choice=none))) == "call weather {}"


def test_words_after_the_arguments_are_left_out_and_broken_arguments_stay() -> None:
    good = echo(asking(turn("user", 'call weather {"a": 1} please'), tools=(WEATHER,)))
    broken = echo(asking(turn("user", 'call weather {"a": '), tools=(WEATHER,)))
    assert calls_of(good) == [("weather", '{"a": 1}')]
    assert calls_of(broken) == [("weather", '{"a":')]


def test_a_demanded_call_is_made_with_the_message_as_arguments_where_it_is_an_object() -> None:
    required = ToolChoice(mode="required")
    plain = echo(asking(turn("user", "hi"), tools=(WEATHER, TIME), choice=required))
    given = echo(asking(turn("user", '{"city": "Oslo"}'), tools=(WEATHER,), choice=required))
    assert calls_of(plain) == [("weather", "{}")]
    assert calls_of(given) == [("weather", '{"city": "Oslo"}')]


def test_a_tool_that_the_choice_names_is_the_one_called() -> None:
    named = ToolChoice(mode="tool", name="time.now")
    found = echo(asking(turn("user", "call weather {}"), tools=(WEATHER, TIME), choice=named))
    assert calls_of(found) == [("time.now", "{}")]


def test_an_agents_loop_ends_once_the_results_are_there() -> None:
    result = ToolResult(call_id="c", content=(Text(text="call weather {}"),))
    loop = asking(turn("user", "call weather {}"), turn("tool", result), tools=(WEATHER,))
    assert calls_of(echo(loop)) == []


# --- structured output ---------------------------------------------------------------------


def test_json_output_wraps_what_is_no_json() -> None:
    found = echo(asking(turn("user", 'say "hi"'), output=OutputFormat(kind="json")))
    assert json.loads(text_of(found)) == {"echo": 'say "hi"'}


def test_json_output_repeats_what_is_json() -> None:
    found = echo(asking(turn("user", '{"a": 1}'), output=OutputFormat(kind="json")))
    assert text_of(found) == '{"a": 1}'


def test_a_schema_is_met() -> None:
    schema = {
        "type": "object",
        "required": ["name", "size", "kind", "inner", "tags", "maybe", "when"],
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "integer", "minimum": 3},
            "kind": {"enum": ["a", "b"]},
            "inner": {"$ref": "#/$defs/inner"},
            "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "when": {"type": "string", "format": "date"},
            "left out": {"type": "string"},
        },
        "$defs": {
            "inner": {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"]}
        },
    }
    output = OutputFormat(kind="schema", schema=schema)
    found = json.loads(text_of(echo(asking(turn("user", "hi"), output=output))))
    assert found == {
        "name": "hi",
        "size": 3,
        "kind": "a",
        "inner": {"x": 1},
        "tags": [False, False],
        "maybe": None,
        "when": "2000-01-01",
    }


def test_a_schema_without_end_is_answered() -> None:
    schema = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}}
    output = OutputFormat(kind="schema", schema=schema)
    assert "next" in json.loads(text_of(echo(asking(turn("user", "hi"), output=output))))


# --- limits, usage, reasoning --------------------------------------------------------------


def test_the_cap_cuts_the_answer_and_says_so() -> None:
    found = echo(asking(turn("user", "abcdefghij"), sampling=Sampling(max_output_tokens=2)))
    assert text_of(found) == "abcdefgh"
    assert found.stop is StopReason.LENGTH
    assert found.usage.output == 2


def test_the_cap_never_cuts_through_a_character() -> None:
    found = echo(asking(turn("user", "ééé€€"), sampling=Sampling(max_output_tokens=2)))
    assert text_of(found) == "ééé"


def test_the_cap_cuts_the_arguments_of_a_call_but_not_its_name() -> None:
    text = 'call weather {"city": "Oslo"}'
    conversation = asking(
        turn("user", text), tools=(WEATHER,), sampling=Sampling(max_output_tokens=3)
    )
    found = echo(conversation)
    assert calls_of(found) == [("weather", '{"cit')]
    assert found.stop is StopReason.LENGTH


def test_the_first_stop_sequence_ends_the_answer() -> None:
    found = echo(asking(turn("user", "one two three"), sampling=Sampling(stop=("three", " two"))))
    assert text_of(found) == "one"
    assert (found.stop, found.sequence) == (StopReason.STOP_SEQUENCE, " two")


def test_usage_counts_four_bytes_a_token_rounded_up() -> None:
    found = echo(asking(turn("user", "hello")))
    assert (found.usage.input, found.usage.output) == (2, 2)


def test_every_choice_is_counted() -> None:
    found = echo(asking(turn("user", "hello"), sampling=Sampling(choices=3)))
    assert (found.choices, found.usage.input, found.usage.output) == (3, 2, 6)
    assert len(whole(found, "id", "echo", 0).choices) == 3


def test_reasoning_comes_first_where_it_is_asked_for_and_is_counted() -> None:
    found = echo(asking(turn("user", "hi"), reasoning=ReasoningRequest(effort="low")))
    assert found.parts[0] == Reasoning(text=THOUGHT, signature=SEAL)
    assert found.usage.reasoning == tokens(THOUGHT)
    assert found.usage.output == tokens(THOUGHT) + 1


@pytest.mark.parametrize(
    "asked", [None, ReasoningRequest(enabled=False), ReasoningRequest(effort="none")]
)
def test_no_reasoning_comes_where_none_is_asked_for(asked: ReasoningRequest | None) -> None:
    found = echo(asking(turn("user", "hi"), reasoning=asked))
    assert found.parts == (Text(text="hi"),)


def test_a_stream_says_what_the_whole_answer_says() -> None:
    conversation = asking(
        turn("user", "Grüße, café!"), reasoning=ReasoningRequest(), sampling=Sampling(choices=2)
    )
    found = echo(conversation)
    told = list(events(found, "id", "echo", 5))
    assert told[0] == Started(id="id", model="echo", created=5)
    assert told[-1] == UsageReported(usage=found.usage)
    assert [event.choice for event in told if isinstance(event, Stopped)] == [0, 1]
    for choice in range(2):
        opened = [e.kind for e in told if isinstance(e, PartOpened) and e.choice == choice]
        deltas = [e for e in told if isinstance(e, PartDelta) and e.choice == choice]
        assert opened == ["reasoning", "text"]
        assert "".join(e.text for e in deltas if e.part == 1) == "Grüße, café!"
        assert "".join(e.text for e in deltas if e.field == "signature") == SEAL


@pytest.mark.parametrize(
    "text", ["", "a", "abcdefghi", "ééééé", "a€b€c€", "👍🏽👍🏽", "日本語です"]
)
def test_pieces_are_at_most_a_token_and_make_up_the_text(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == text
    assert all(len(piece.encode()) <= TOKEN_BYTES for piece in found)
    assert all(text.startswith(clip(text, limit)) for limit in range(6))


# --- extract -------------------------------------------------------------------------------

MANUAL = (
    "Refunds are paid within ten days. Parcels weigh at most thirty kilos. "
    "The shop in Oslo opens at nine."
)


def extract(*turns: Turn) -> str:
    return text_of(answer(asking(*turns), "extract", None))


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("When is my refund paid?", "Refunds are paid within ten days."),
        ("When does the Oslo shop open?", "The shop in Oslo opens at nine."),
        ("How much may a parcel weigh?", "Parcels weigh at most thirty kilos."),
    ],
)
def test_extract_answers_with_the_sentence_that_matches_best(question: str, sentence: str) -> None:
    assert extract(turn("system", MANUAL), turn("user", question)) == sentence


def test_extract_reads_tool_results_earlier_turns_and_documents() -> None:
    result = ToolResult(call_id="c", content=(Text(text="Order seven is late."),))
    asked = turn("user", "Is order seven late?")
    assert extract(asked, turn("tool", result)) == "Order seven is late."
    assert extract(turn("assistant", "Order seven is late."), asked) == "Order seven is late."
    attached = turn("user", Document(text="Order seven is late."), "Is order seven late?")
    assert extract(attached) == "Order seven is late."


def test_extract_never_answers_with_the_question_and_says_when_it_finds_nothing() -> None:
    assert extract(turn("user", "Is order seven late?")) == NOTHING_FOUND
    assert extract(turn("system", MANUAL), turn("user", "Who wrote Hamlet?")) == NOTHING_FOUND


# --- script and others ---------------------------------------------------------------------

SCRIPT = load(
    """
    - match: "refund.*order (\\\\d+)"
      answer: Let me look.
      tool_calls: [{name: find_order, arguments: {id: 7}}]
    - {match: ^result, answer: Found it.}
    - {match: forbidden, answer: "No.", stop: refusal}
    - {match: long, answer: "To be cont", stop: max_tokens}
    - answer: Hello.
    """
)


def scripted(*turns: Turn) -> Outcome:
    return answer(asking(*turns), "script", SCRIPT)


def test_a_script_answers_with_its_first_entry_that_matches() -> None:
    found = scripted(turn("user", "a refund for order 12"))
    assert text_of(found) == "Let me look."
    assert calls_of(found) == [("find_order", '{"id": 7}')]
    assert found.stop is StopReason.TOOL_CALLS
    assert text_of(scripted(turn("user", "hey"))) == "Hello."


def test_a_script_sees_the_whole_conversation_as_it_is_rendered() -> None:
    result = ToolResult(call_id="c", content=(Text(text="yes"),))
    called = ToolCall(id="c", name="find", arguments="{}")
    turns = (turn("system", "Be kind"), turn("assistant", called), turn("tool", result))
    assert render(asking(*turns)) == "Be kind\ncall find {}\nresult: yes"
    assert text_of(scripted(*turns)) == "Found it."


def test_a_script_chooses_why_its_answer_stops() -> None:
    refused = scripted(turn("user", "forbidden"))
    assert (refused.parts, refused.stop) == ((Refusal(text="No."),), StopReason.REFUSAL)
    assert scripted(turn("user", "long")).stop is StopReason.LENGTH


def test_a_script_without_a_match_and_a_missing_script_are_errors() -> None:
    narrow = load("- {match: x, answer: y}")
    with pytest.raises(InvalidRequest, match="None of the 1 entries"):
        answer(asking(turn("user", "hey")), "script", narrow)
    with pytest.raises(InvalidRequest, match="has no script"):
        answer(asking(turn("user", "hey")), "script", None)


@pytest.mark.parametrize("model", ["embed"])
def test_a_model_that_does_not_chat_says_so(model: Base) -> None:
    with pytest.raises(InvalidRequest, match="does not chat"):
        answer(asking(turn("user", "hey")), model, None)
