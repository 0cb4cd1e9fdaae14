"""What a release adds to a body, and that nothing else of it changes."""

import json

import pytest

from portico.contract.call import WireRequest
from portico.contract.conversation import OutputFormat, ReasoningRequest, Sampling, Tool
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import Dressing, Parameters, RenderedTurn
from portico.contract.wires import Door, Dresser
from portico.wires import anthropic_messages, openai_chat, openai_embeddings

SYSTEM = RenderedTurn(role="system", text='Say "ja".')
SHOT = (
    RenderedTurn(role="user", text="Hallo?"),
    RenderedTurn(role="assistant", text="ja"),
)
FULL = Dressing(
    parameters=Parameters(
        sampling=Sampling(temperature=0.5, top_p=0.9, stop=("END",)),
        reasoning=ReasoningRequest(effort="low"),
    ),
    tools=(Tool(name="look", description="Looks.", schema={"type": "object"}, strict=True),),
    output=OutputFormat(kind="schema", schema={"type": "object"}),
)
NOTHING = Dressing()
OPENAI = b'{ "model" : "w", "messages": [ {"role":"user","content":"hi\\u00e9"} ] , "x": 1}'
CLAUDE = b'{"model":"w","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"system":"Be."}'


def read(door: Door, body: bytes) -> WireRequest:
    return door.read(body, 100)


def dress(door: Door, body: bytes, dressing: Dressing, *turns: RenderedTurn) -> WireRequest:
    put: Dresser = door.dresser(dressing)
    dressed = put(read(door, body), turns)
    assert dressed.members == read(door, dressed.body).members, "the places must be the new body's"
    return dressed


def test_turns_go_before_the_calls_own_and_every_other_byte_stays() -> None:
    dressed = dress(openai_chat.DOOR, OPENAI, NOTHING, SYSTEM, *SHOT)
    said = (
        b'{"role":"system","content":"Say \\"ja\\"."},'
        b'{"role":"user","content":"Hallo?"},{"role":"assistant","content":"ja"},'
    )
    at = OPENAI.index(b"[") + 1
    assert dressed.body == OPENAI[:at] + said + OPENAI[at:]


def test_a_request_that_was_dressed_is_itself_unchanged() -> None:
    request = read(openai_chat.DOOR, OPENAI)
    openai_chat.DOOR.dresser(FULL)(request, (SYSTEM,))
    assert request.body == OPENAI
    assert request == read(openai_chat.DOOR, OPENAI)


def test_settings_are_added_in_the_words_of_the_door() -> None:
    body = json.loads(dress(openai_chat.DOOR, OPENAI, FULL).body)
    assert body["temperature"] == 0.5
    assert body["top_p"] == 0.9
    assert body["stop"] == ["END"]
    assert body["reasoning_effort"] == "low"
    assert body["tools"][0]["function"]["name"] == "look"
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    claude = json.loads(dress(anthropic_messages.DOOR, CLAUDE, FULL).body)
    assert claude["temperature"] == 0.5
    assert claude["stop_sequences"] == ["END"]
    assert claude["output_config"]["effort"] == "low"
    assert claude["output_config"]["format"]["schema"] == {"type": "object"}
    assert claude["tools"][0]["name"] == "look"


def test_what_a_call_names_itself_stays_as_it_is() -> None:
    own = b'{"model":"w","messages":[{"role":"user","content":"x"}],"temperature":0,"stop":"Q"}'
    body = json.loads(dress(openai_chat.DOOR, own, FULL, SYSTEM).body)
    assert body["temperature"] == 0
    assert body["stop"] == "Q"
    assert body["top_p"] == 0.9


def test_a_prompts_system_text_goes_before_the_calls_own_system_text() -> None:
    text = json.loads(dress(anthropic_messages.DOOR, CLAUDE, NOTHING, SYSTEM).body)["system"]
    assert [block["text"] for block in text] == ['Say "ja".', "Be."]
    blocks = CLAUDE.replace(b'"Be."', b'[{"type":"text","text":"Be."}]')
    text = json.loads(dress(anthropic_messages.DOOR, blocks, NOTHING, SYSTEM).body)["system"]
    assert [block["text"] for block in text] == ['Say "ja".', "Be."]
    bare = CLAUDE.replace(b',"system":"Be."', b"")
    assert json.loads(dress(anthropic_messages.DOOR, bare, NOTHING, SYSTEM).body)["system"] == (
        'Say "ja".'
    )


def test_the_doors_read_the_calls_own_system_text() -> None:
    body = {
        "model": "w",
        "messages": [
            {"role": "system", "content": "One."},
            {"role": "developer", "content": [{"type": "text", "text": "Two."}]},
            {"role": "user", "content": "x"},
            {"role": "system", "content": "Later."},
        ],
    }
    assert read(openai_chat.DOOR, json.dumps(body).encode()).system == "One.\n\nTwo."
    assert read(openai_chat.DOOR, OPENAI).system == ""
    assert read(anthropic_messages.DOOR, CLAUDE).system == "Be."


def test_embeddings_take_no_prompt() -> None:
    with pytest.raises(InvalidRequest):
        openai_embeddings.DOOR.dresser(NOTHING)


def test_what_a_wire_cannot_say_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="JSON schema"):
        anthropic_messages.DOOR.dresser(Dressing(output=OutputFormat(kind="json")))
