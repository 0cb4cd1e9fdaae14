"""Notes for the tests."""

from portico.contract.deployment import Happening, ObservedPrompt, Transcript


def a_transcript(
    call: str, received_ns: int = 1, request: str = "{}", *, workload: str = "support"
) -> Transcript:
    return Transcript(
        call=call,
        team="care",
        workload=workload,
        door="openai_chat",
        subject="Zoë",
        received_ns=received_ns,
        request=request.encode(),
        options=b'{"session": "s"}',
        answer=b"\x00\xff",
        stream=True,
        release="rel_1",
    )


def an_observed(
    fingerprint: str, text: str = "You are {{ value_1 }}.", **changes: object
) -> ObservedPrompt:
    known: dict[str, object] = {
        "workload": "support",
        "fingerprint": fingerprint,
        "sketch": (0, 7, 2**64 - 1),
        "text": text,
        "first_ns": 5,
        "last_ns": 2**60,
        "calls": 3,
    }
    return ObservedPrompt(**(known | changes))  # type: ignore[arg-type]


def a_happening(subject: str, at_ns: int = 1) -> Happening:
    return Happening(
        at_ns=at_ns,
        kind="prompt_observed",
        workload="support",
        subject=subject,
        detail={"calls": 1, "like": ["a", None, 0.5]},
    )
