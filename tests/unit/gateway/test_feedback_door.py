"""`POST /v1/feedback`: who may judge which answer, and what is understood."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.unit.gateway.harness import PEPPER, SNAPSHOT, Got, Site, answered

from portico.contract.snapshot import Key
from portico.gateway.feedback import LABELS, LONGEST_COMMENT
from portico.gateway.live import with_keys
from portico.security.keys import ENTROPY_BYTES, mint

PATH = "/v1/feedback"


def site() -> Site:
    """One call of workload `support`, which is of the team `care`, is in its ledger."""
    bounds = msgspec.structs.replace(SNAPSHOT.bounds, body_bytes=64_000)
    made = Site([answered()], snapshot=msgspec.structs.replace(SNAPSHOT, bounds=bounds))
    assert asyncio.run(made.chat()).status == 200
    return made


def tell(at: Site, *, key: str | None = "key", call: str | None = None, **said: Any) -> Got:
    body = json.dumps({"call": at.receipt.call if call is None else call, **said}).encode()
    return asyncio.run(at.request("POST", PATH, body, key=key))


def of_team(at: Site, team: str) -> str:
    """The text of a key of that team."""
    draft = Key(id="", verifier=b"", workloads=("*",), team=team)
    key, text = mint(draft, PEPPER, b"\x09" * ENTROPY_BYTES)
    at.slot.swap(with_keys(at.slot.live, {**at.keys, key.id: key}))
    return text


@pytest.mark.parametrize(
    ("said", "accepted"),
    [
        ({"label": "accepted"}, True),
        ({"label": "rejected"}, False),
        ({"score": 1}, True),
        ({"score": 0.51}, True),
        ({"score": 0.5}, False),
        ({"score": 0}, False),
        ({"score": 0.9, "label": "bad"}, False),
        ({"score": 0.1, "label": "good", "comment": "brief, and right"}, True),
        ({"label": "up", "comment": None}, True),
    ],
)
def test_a_judgement_is_appended_and_answered_with_what_it_means(
    said: dict[str, Any], accepted: bool
) -> None:
    at = site()
    got = tell(at, **said)
    assert (got.status, got.json) == (200, {"call": at.receipt.call, "accepted": accepted})
    [kept] = at.ledger.feedback[at.receipt.call]
    assert kept.accepted is accepted
    assert kept.by == at.receipt.key
    assert kept.score == said.get("score")
    assert kept.comment == (said.get("comment") or "")


def test_every_word_for_a_label_becomes_accepted_or_rejected() -> None:
    at = site()
    for word, meaning in LABELS.items():
        assert tell(at, label=word).json["accepted"] == (meaning == "accepted")
    assert [each.label for each in at.ledger.feedback[at.receipt.call]] == list(LABELS.values())


def test_a_key_judges_calls_of_its_team_that_another_key_made() -> None:
    at = site()
    assert (at.receipt.team, tell(at, key=of_team(at, "care"), score=1).status) == ("care", 200)


def test_a_key_does_not_learn_of_calls_that_it_may_not_judge() -> None:
    at = site()
    stranger = of_team(at, "sales")
    others = tell(at, key=stranger, label="good")
    nobodys = tell(at, key=stranger, label="good", call="call_nobody")
    assert others.status == nobodys.status == 404
    assert others.headers["x-portico-error"] == "invalid_request"
    bodies = [got.json["error"] for got in (others, nobodys)]
    assert [body["message"] for body in bodies] == [bodies[0]["message"]] * 2
    assert [body["param"] for body in bodies] == ["call", "call"]
    assert at.ledger.feedback == {}


def test_an_administrator_judges_any_call_and_a_metrics_key_none() -> None:
    at = site()
    assert tell(at, key="admin", label="good").status == 200
    at.receipt.team = "default"
    assert tell(at, key="metrics", label="good").status == 404
    assert len(at.ledger.feedback[at.receipt.call]) == 1


@pytest.mark.parametrize("key", [None, "pk_0_wrong"])
def test_without_a_credential_nothing_is_judged(key: str | None) -> None:
    at = site()
    assert tell(at, key=key, label="good").status == 401
    assert at.ledger.feedback == {}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "score"),
        ({"comment": "hm"}, "score"),
        ({"score": 1.01}, "score"),
        ({"score": -0.01}, "score"),
        ({"score": "1"}, "score"),
        ({"score": True}, "score"),
        ({"label": "meh"}, "label"),
        ({"label": 1}, "label"),
        ({"label": "good", "comment": "x" * (LONGEST_COMMENT + 1)}, "comment"),
        ({"label": "good", "call": 7}, "call"),
    ],
)
def test_what_is_no_judgement_is_refused_with_its_member(said: dict[str, Any], field: str) -> None:
    at = site()
    got = tell(at, **said)
    assert (got.status, got.json["error"]["param"]) == (400, field)
    assert at.ledger.feedback == {}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"label": "good"}', b'{"call": "c", "label": "good", "stars": 5}',
     b'{"call": "c", "call": "c", "label": "good"}', b'{"call": "c", "score": NaN}'],
)  # fmt: skip
def test_a_body_that_is_no_feedback_is_the_caller_s_fault(body: bytes) -> None:
    at = site()
    got = asyncio.run(at.request("POST", PATH, body))
    assert (got.status, got.headers["x-portico-error"]) == (400, "invalid_request")
    assert got.headers["x-should-retry"] == "false"


def test_a_comment_of_the_full_length_is_kept_and_a_longer_call_id_is_unknown() -> None:
    at = site()
    assert tell(at, label="good", comment="\N{GRINNING FACE}" * LONGEST_COMMENT).status == 200
    assert tell(at, label="good", call="call_" + "1" * 1000).status == 404


def test_a_call_that_is_forgotten_meanwhile_is_unknown() -> None:
    at = site()

    async def body() -> Got:
        found = await at.ledger.find(at.receipt.call)
        assert found is not None
        await at.ledger.forget(found.received_ns + 1)
        return await at.request(
            "POST", PATH, msgspec.json.encode({"call": found.call, "label": "good"})
        )

    assert asyncio.run(body()).status == 404


def test_feedback_takes_post_only_and_is_no_call_itself() -> None:
    at = site()
    assert asyncio.run(at.request("GET", PATH)).status == 405
    assert tell(at, label="good").status == 200
    assert len(at.receipts) == 1


def test_a_server_that_stops_takes_no_feedback() -> None:
    at = site()
    at.app.gate.closed = True
    got = tell(at, label="good")
    assert (got.status, got.headers["x-portico-error"]) == (503, "overloaded")
