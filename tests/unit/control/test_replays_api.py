"""Calls made again, over the fakes that ship and a caller that answers as it is told."""

import json

from tests.unit.control.office import CALL, Office

from portico.contract.deployment import Transcript
from portico.contract.own import OwnAnswer
from portico.contract.receipt import Receipt
from portico.contract.usage import Usage


def answer(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps(
        {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    ).encode()


def streamed(*pieces: str) -> bytes:
    def chunk(delta: dict[str, str], stop: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": stop}
        body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return b"data: " + json.dumps({**body, "choices": [choice]}).encode() + b"\n\n"

    chunks = [chunk({"content": piece}) for piece in pieces]
    return b"".join([*chunks, chunk({}, "stop"), b"data: [DONE]\n\n"])


def office(kept: bytes, stream: bool = False) -> Office:
    made = Office()
    made.store.take(
        [
            Transcript(
                call=CALL, team="default", workload="support", door="openai_chat", subject="",
                received_ns=1, request=b'{"model":"support"}', options=b"{}", answer=kept,
                stream=stream, release="rel_0a",
            )
        ]
    )  # fmt: skip
    receipt = Receipt(
        call="call_new", received_ns=2, door="openai_chat", release="rel_0b", cost_nano=5,
        usage=Usage(input=3, cached_read=4, output=2), total_us=1500,
    )  # fmt: skip
    made.caller.answer = OwnAnswer(status=200, body=answer("Blue.\nYes."), receipt=receipt)
    return made


def test_a_call_is_made_again_under_a_release_and_both_answers_are_compared() -> None:
    at = office(answer("Red.\nYes."))
    status, made = at.ask("POST", f"/calls/{CALL}/replay", b'{"release": "rel_0b"}')
    assert status == 200
    assert (made["call"], made["of"], made["release"]) == ("call_new", CALL, "rel_0b")
    assert (made["before"]["answer"], made["before"]["release"]) == ("Red.\nYes.", "rel_0a")
    assert made["before"]["cost_usd"] == "0.00125"
    assert made["after"]["tokens_in"] == 7
    assert (made["after"]["total_ms"], made["after"]["cost_usd"]) == (1.5, "0.000000005")
    assert [line for line in made["lines"] if line[0] in "+-"] == ["-Red.", "+Blue."]
    ((own, release),) = at.caller.made
    assert (own.door, own.body, own.of, own.who.key, release) == (
        "openai_chat", b'{"model":"support"}', CALL, "key_boss", "rel_0b",
    )  # fmt: skip


def test_a_replay_is_in_the_audit_trail() -> None:
    at = office(answer("Red."))
    at.ask("POST", f"/calls/{CALL}/replay")
    (act,) = at.store.acts(1)
    assert (act.action, act.who, act.target) == ("replay", "key_boss", "support")
    assert (act.before, act.after) == ("rel_0a", "rel_0b")
    assert CALL in act.why


def test_a_stream_is_compared_by_what_it_said() -> None:
    at = office(streamed("Bl", "ue.\n", "Yes."), stream=True)
    at.caller.answer = OwnAnswer(status=200, body=streamed("Blue.\nYes."), receipt=None)
    _, made = at.ask("POST", f"/calls/{CALL}/replay")
    assert made["before"]["answer"] == made["after"]["answer"] == "Blue.\nYes."
    assert made["lines"] == []
    assert made["call"] == ""


def test_a_call_that_is_refused_now_shows_the_refusal() -> None:
    at = office(answer("Red."))
    at.caller.answer = OwnAnswer(status=400, body=b'{"error": "no"}', receipt=None)
    status, made = at.ask("POST", f"/calls/{CALL}/replay")
    assert (status, made["after"]["status"]) == (200, 400)
    assert made["after"]["answer"] == '{"error": "no"}'


def test_a_call_of_which_nothing_was_kept_says_how_to_keep_it() -> None:
    status, refused = Office().ask("POST", f"/calls/{CALL}/replay")
    assert (status, refused["error"]["field"]) == (400, "id")
    assert "transcripts: full" in refused["error"]["message"]


def test_a_call_that_is_not_in_the_ledger_is_not_found() -> None:
    status, refused = Office().ask("POST", "/calls/call_unknown/replay")
    assert (status, refused["error"]["code"]) == (404, "invalid_request")
