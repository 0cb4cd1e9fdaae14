"""Conversations that begin with one provider and go on with another.

The caller sends back what it got, at either door. What only the first provider can read does
not reach the second, ids of tool calls fit, and a conversation that stays or returns keeps all.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from tests.wire.matrix import callers, run, upstreams
from tests.wire.matrix.features import DOORS, MODELS, Feature

from portico.contract.wires import Target
from portico.gateway import wires
from portico.wires.gemini import signatures

Body = dict[str, Any]

SIGNATURE: Final = "c2ln" * 120
"""Of a length that signatures have, in base64."""
CALL: Final[Body] = {"name": "weather", "input": {"city": "Paris"}}
TEXT: Final[Body] = {"text": "Ponder", "signature": SIGNATURE}
SAID: Final[dict[str, Body]] = {
    "openai_chat": {
        "message": {
            "reasoning_content": "Ponder",
            "tool_calls": [
                {
                    "id": "functions.weather:0",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
                }
            ],
        },
        "finish_reason": "tool_calls",
    },
    "anthropic_messages": {
        "content": [
            {"type": "thinking", "thinking": "Ponder", "signature": SIGNATURE},
            {"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", **CALL},
        ],
        "stop_reason": "tool_use",
    },
    "bedrock_converse": {
        "content": [
            {"reasoningContent": {"reasoningText": TEXT}},
            {"toolUse": {"toolUseId": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", **CALL}},
        ],
        "stopReason": "tool_use",
    },
    "gemini": {
        "parts": [
            {"text": "Ponder", "thought": True, "thoughtSignature": SIGNATURE},
            {
                "functionCall": {"name": "weather", "args": {"city": "Paris"}},
                "thoughtSignature": SIGNATURE,
            },
        ]
    },
}
MAKER: Final = {"anthropic_messages": "claude", "bedrock_converse": "claude", "gemini": "gemini"}
"""Who can read a signature: Claude on both of its wires, and Gemini."""
TAKEN: Final = {
    "openai_chat": r"[a-zA-Z0-9_-]{1,40}",
    "anthropic_messages": r"[a-zA-Z0-9_-]{1,64}",
    "bedrock_converse": r"[a-zA-Z0-9_-]{1,64}",
    "gemini": r".{1,64}",
}
"""The ids of calls that a provider takes."""
MOVES: Final = [(door, origin, target) for door in DOORS for origin in SAID for target in SAID]
DROPS: Final = {
    ("anthropic_messages", "gemini"): {"reasoning"},
    ("gemini", "openai_chat"): {"reasoning", "tool_call.signature"},
    ("gemini", "anthropic_messages"): {
        "messages[].reasoning",
        "messages[].tool_calls[].signature",
    },
    ("gemini", "bedrock_converse"): {"reasoning.foreign", "tool_call.signature"},
}
"""What a move at the Anthropic door lists, by where it began and where it goes on."""


def answered(door: str, origin: str, streamed: bool) -> Any:
    """What a caller of a door got."""
    if streamed:
        feature = Feature(name="moves", answered={origin: SAID[origin]})
        _, came = run.carried(feature, door, origin, upstreams.stream(origin, SAID[origin]))
        return callers.assembled(door, came)
    body = upstreams.whole(origin, SAID[origin])
    if door == origin:
        return json.loads(body)
    answer = run.NAMING.complete(wires.WIRES[origin].read_answer(body))
    return json.loads(wires.DOORS[door].write_answer(answer))


def sent(door: str, target: str, body: Body) -> tuple[Any, set[str]]:
    """The next request as it leaves for a provider, and what it lists as dropped."""
    if door != target:
        outgoing = run.write(door, target, body)
        return json.loads(outgoing.body), set(outgoing.dropped)
    asked = wires.DOORS[door].read(json.dumps(body).encode(), 100)
    goal = Target(model_id=MODELS[target], stream=False, max_output_tokens=run.CAP)
    return json.loads(wires.WIRES[target].passthrough(asked, goal).body), set()


def found(body: Any, *names: str) -> Iterator[str]:
    """Texts that stand anywhere under one of the names."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name in names and isinstance(value, str):
                yield value
            yield from found(value, *names)
    elif isinstance(body, list):
        for value in body:
            yield from found(value, *names)


def ids(target: str, body: Any) -> tuple[list[str], list[str]]:
    """The ids of the calls, and of their results."""
    if target == "gemini":
        parts = [part for content in body["contents"] for part in content["parts"]]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        return list(found(calls, "id")), list(found(results, "id"))
    if target == "openai_chat":
        return list(found(body, "id")), list(found(body, "tool_call_id"))
    if target == "anthropic_messages":
        return list(found(body, "id")), list(found(body, "tool_use_id"))
    calls = list(found([m for m in body["messages"] if m["role"] == "assistant"], "toolUseId"))
    return calls, list(found([m for m in body["messages"] if m["role"] == "user"], "toolUseId"))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("door", "origin", "target"), MOVES)
def test_a_call_and_its_result_keep_one_id_that_the_provider_takes(
    door: str, origin: str, target: str, streamed: bool
) -> None:
    body, _ = sent(door, target, run.next_turn(door, answered(door, origin, streamed)))
    calls, results = ids(target, body)
    assert calls == results
    # Gemini's own calls have no ids; every other provider insists on one.
    assert len(calls) == (0 if origin == target == "gemini" else 1)
    native = door == origin == target
    assert native or all(re.fullmatch(TAKEN[target], call) for call in calls)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("door", "origin", "target"), MOVES)
def test_a_signature_reaches_only_who_can_read_it(
    door: str, origin: str, target: str, streamed: bool
) -> None:
    body, dropped = sent(door, target, run.next_turn(door, answered(door, origin, streamed)))
    maker = MAKER.get(origin)
    kept = maker is not None and maker == MAKER.get(target)
    given = list(found(body, "signature", "thoughtSignature"))
    if door == "openai_chat" and maker == "claude":
        kept = False  # the door has no place for it
    own = [signature for signature in given if signature == SIGNATURE]
    assert (len(own) > 0) is kept
    assert set(given) <= {SIGNATURE, signatures.SKIP}
    if not kept:
        assert SIGNATURE[:40] not in json.dumps(body)
    for mark in (signatures.OURS, signatures.MARK):
        assert mark not in json.dumps(body).replace(signatures.SKIP, "")
    if door == "anthropic_messages" and door != target:
        assert dropped >= DROPS.get((origin, target), set())


@pytest.mark.parametrize("target", ["anthropic_messages", "bedrock_converse"])
@pytest.mark.parametrize("origin", ["openai_chat", "gemini"])
def test_claude_is_sent_no_reasoning_that_it_did_not_sign(origin: str, target: str) -> None:
    answer = answered("anthropic_messages", origin, streamed=False)
    body, _ = sent("anthropic_messages", target, run.next_turn("anthropic_messages", answer))
    assert "Ponder" not in json.dumps(body)
    assert "weather" in json.dumps(body)


def test_a_conversation_that_returns_finds_its_signatures_again() -> None:
    door = "anthropic_messages"
    body = run.next_turn(door, answered(door, "gemini", streamed=False))
    again = answered(door, "anthropic_messages", streamed=False)["content"]
    result = {"type": "tool_result", "tool_use_id": again[-1]["id"], "content": "Done"}
    messages: Any = body["messages"]
    messages += [
        {"role": "assistant", "content": again},
        {"role": "user", "content": [result]},
    ]
    to_gemini, _ = sent(door, "gemini", body)
    assert list(found(to_gemini, "thoughtSignature")).count(SIGNATURE) == 2
    to_claude, _ = sent(door, "anthropic_messages", body)
    assert list(found(to_claude, "signature")) == [SIGNATURE]
    assert len(list(found(to_claude, "tool_use_id"))) == 2


@pytest.mark.parametrize("wire", list(SAID))
def test_words_that_look_like_a_mark_pass_through(wire: str) -> None:
    words = f'He said "gemini:x", a{signatures.MARK}b and "signature": "".'
    part: Body = {"text": words}
    bodies: dict[str, Body] = {
        "openai_chat": {"model": "m", "messages": [{"role": "user", "content": words}]},
        "anthropic_messages": {
            "model": "m",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": words}],
        },
        "bedrock_converse": {"messages": [{"role": "user", "content": [part]}]},
        "gemini": {"contents": [{"role": "user", "parts": [part]}]},
    }
    text = json.dumps(bodies[wire], indent=1).encode()
    asked = wires.DOORS[wire].read(text, 100)
    goal = Target(model_id="m", stream=False, max_output_tokens=run.CAP)
    passed = wires.WIRES[wire].passthrough(asked, goal).body
    assert b"\n " in passed
    assert json.dumps(words).encode() in passed


def test_at_geminis_own_door_a_signature_of_claude_is_left_out() -> None:
    answer = wires.WIRES["anthropic_messages"].read_answer(
        upstreams.whole("anthropic_messages", SAID["anthropic_messages"])
    )
    got = json.loads(wires.DOORS["gemini"].write_answer(run.NAMING.complete(answer)))
    said = got["candidates"][0]["content"]
    response = {"id": "toolu_01A09q90qw90lq917835lq9", "name": "weather", "response": {"a": 1}}
    user = {"role": "user", "parts": [{"text": "Hi"}]}
    result = {"role": "user", "parts": [{"functionResponse": response}]}
    text = json.dumps({"contents": [user, said, result]}).encode()
    asked = wires.DOORS["gemini"].read(text, 100)
    goal = Target(model_id=MODELS["gemini"], stream=False, max_output_tokens=run.CAP)
    passed = wires.WIRES["gemini"].passthrough(asked, goal)
    assert b"Ponder" not in passed.body
    assert b'"weather"' in passed.body
    assert passed.dropped
    moved = wires.WIRES["anthropic_messages"].write_request(
        wires.DOORS["gemini"].conversation(asked), goal
    )
    assert list(found(json.loads(moved.body), "signature")) == [SIGNATURE]
