"""A call walks through its stages, and leaves a receipt whatever happens."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace
from tests.unit.gateway.harness import (
    ANSWER,
    CLAUDE_ANSWER,
    EVENT_HEADERS,
    JSON_HEADERS,
    SNAPSHOT,
    STREAM,
    Got,
    Site,
    Turnstile,
    answered,
    chat_body,
    chunk,
    streamed,
)

from portico.adapters.memory.upstream import Scripted, Step
from portico.contract.errors import Overloaded
from portico.contract.receipt import Intent, Receipt
from portico.gateway.app import App


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):  # a story that waits for ever fails, and says where
            await story()

    asyncio.run(main())


def one(site: Site, **members: object) -> Got:
    got: list[Got] = []

    async def main() -> None:
        got.append(await site.chat(**members))  # type: ignore[arg-type]

    asyncio.run(main())
    return got[0]


def test_an_answer_passes_through_byte_for_byte_with_portico_s_headers() -> None:
    site = Site([answered()])
    got = one(site)
    receipt = site.receipt
    assert got.status == 200
    assert got.body == json.dumps(ANSWER).encode()
    assert got.headers["x-portico-call"] == receipt.call == got.headers["x-request-id"]
    assert got.headers["x-portico-model"] == "small"
    assert got.headers["x-portico-cost-usd"] == "0.000012500"
    assert got.headers["x-portico-attempts"] == "1"
    assert got.headers["x-portico-trust"] == "unknown"
    assert "upstream;dur=" in got.headers["server-timing"]


def test_the_receipt_tells_the_whole_story() -> None:
    site = Site([answered()])
    one(site, portico={"session": "s1", "subject": "person", "tags": {"a": "b"}})
    receipt = site.receipt
    (attempt,) = receipt.attempts
    assert (receipt.status, receipt.workload, receipt.team) == ("ok", "support", "care")
    assert (receipt.session, receipt.subject, receipt.tags) == ("s1", "person", (("a", "b"),))
    assert (receipt.usage.input, receipt.usage.output) == (10, 5)
    assert receipt.cost_nano == attempt.cost_nano == 12_500
    assert (receipt.max_output_tokens, receipt.cap_source) == (500, "workload")
    assert receipt.stop == "end"
    assert [stage for stage, _ in receipt.stages] == [
        "read", "admit", "prepare", "journal", "upstream",
    ]  # fmt: skip
    assert (attempt.model_id, attempt.served_model) == ("gpt-5-mini", "gpt-5-mini-2025-08-07")
    assert (attempt.usage_source, attempt.address) == ("reported", "192.0.2.1")


def test_what_reaches_the_upstream_has_the_provider_s_id_and_key_and_not_ours() -> None:
    site = Site([answered()])
    one(site, portico={"session": "s1"})
    sent = site.upstream.requests[0]
    assert site.sent()["model"] == "gpt-5-mini"
    assert "portico" not in site.sent()
    headers = dict(sent.headers)
    assert headers["authorization"] == "Bearer sk-upstream"
    assert site.texts["key"] not in str(headers)


def test_a_stream_passes_through_and_ends_with_what_is_known_only_then() -> None:
    site = Site([Scripted(headers=EVENT_HEADERS, body=STREAM)])
    got = one(site, stream=True)
    assert got.headers["content-type"].startswith("text/event-stream")
    texts = [event["choices"][0]["delta"].get("content") for event in got.events]
    assert texts == ["", "Hello", " there", None]
    last = got.events[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["portico"]["cost_usd"] == 0.0000125
    assert last["portico"]["call"] == site.receipt.call
    assert got.body.endswith(b"data: [DONE]\n\n")
    assert site.receipt.first_token_us is not None


def test_a_caller_who_asks_for_usage_gets_its_chunk_with_the_portico_member() -> None:
    site = Site([Scripted(headers=EVENT_HEADERS, body=STREAM)])
    got = one(site, stream=True, stream_options={"include_usage": True})
    assert got.events[-1]["usage"]["completion_tokens"] == 5
    assert got.events[-1]["portico"]["attempts"] == 1
    assert "portico" not in got.events[-2]


def test_the_receipt_is_recorded_before_the_last_byte_leaves() -> None:
    site = Site([answered(), Scripted(headers=EVENT_HEADERS, body=STREAM)])

    class Watching(App):
        async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            async def watched(message):  # type: ignore[no-untyped-def]
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    seen.append(len(site.receipts))
                await send(message)

            await super().__call__(scope, receive, watched)

    seen: list[int] = []
    site.app.__class__ = Watching
    one(site)
    one(site, stream=True)
    assert seen == [1, 2]


def test_the_intent_is_recorded_before_the_first_byte_to_the_upstream() -> None:
    order: list[str] = []
    site = Site()

    class Noting:
        def __init__(self) -> None:
            self.lost: list[Receipt] = []

        def intend(self, intent: Intent) -> None:
            order.append("intent")
            self.lost.append(intent.receipt)
            site.memory.intend(intent)

        def __getattr__(self, name: str) -> object:
            return getattr(site.memory, name)

    def send(request: object) -> Scripted:
        order.append("upstream")
        return answered()

    journal = Noting()
    site = Site(journal=journal)  # type: ignore[arg-type]
    site.upstream._script = send
    one(site)
    assert order == ["intent", "upstream"]
    (lost,) = journal.lost
    assert (lost.status, lost.attempts[0].status) == ("lost", "lost")
    assert lost.cost_nano >= 500 * 2000
    assert lost.usage.output == 500


def test_an_anthropic_caller_is_served_by_an_openai_provider_and_the_other_way() -> None:
    site = Site([answered(), answered(CLAUDE_ANSWER)])

    async def story() -> None:
        first = await site.message(model="support")
        assert first.json["content"] == [{"type": "text", "text": "Hello there"}]
        assert first.json["stop_reason"] == "end_turn"
        second = await site.chat(model="deep")
        assert second.json["choices"][0]["message"]["content"] == "Hello there"
        assert second.json["usage"]["total_tokens"] == 15

    run(story)
    assert [receipt.attempts[0].translated for receipt in site.receipts] == [True, True]
    assert site.upstream.requests[1].url == "https://api.anthropic.com/v1/messages"


def test_a_stream_without_usage_is_settled_at_an_estimate_that_says_so() -> None:
    body = streamed(chunk({"content": "12345678"}), chunk({}, "stop"), "[DONE]")
    site = Site([Scripted(headers=EVENT_HEADERS, body=body)])
    got = one(site, stream=True)
    (attempt,) = site.receipt.attempts
    assert (attempt.usage_source, attempt.usage.output) == ("estimated", 2)
    assert got.events[-1]["portico"]["usage"] == "estimated"


def test_a_stream_that_breaks_ends_in_the_wire_s_error_event_and_is_settled() -> None:
    steps: list[Step] = [*streamed(chunk({"content": "12345678"})), OSError("cut")]
    site = Site([Scripted(headers=EVENT_HEADERS, body=tuple(steps))])
    got = one(site, stream=True)
    assert got.status == 200
    assert got.ended
    assert got.events[-1]["error"]["code"] == "upstream_failed"
    assert b"[DONE]" not in got.body
    receipt = site.receipt
    assert (receipt.status, receipt.error) == ("failed", "upstream_failed")
    assert receipt.attempts[0].usage.output == 2
    assert receipt.cost_nano > 0


def test_a_stream_that_fails_before_its_first_byte_is_a_plain_error() -> None:
    site = Site([Scripted(headers=EVENT_HEADERS, body=(OSError("cut"),))])
    got = one(site, stream=True)
    assert (got.status, got.headers["x-portico-error"]) == (502, "upstream_failed")


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (400, {"error": {"message": "bad", "type": "x"}}, 400, "invalid_request"),
        (401, {"error": {"message": "sk-123 wrong", "type": "auth"}}, 502, "upstream_failed"),
        (429, {"error": {"message": "slow down", "type": "rate"}}, 429, "quota_exhausted"),
        (500, {"error": {"message": "oops"}}, 502, "upstream_failed"),
        (503, {}, 503, "overloaded"),
    ],
)  # fmt: skip
def test_an_upstream_s_refusal_becomes_our_error_and_costs_nothing(
    status: int, body: object, expected: int, code: str
) -> None:
    reply = Scripted(status=status, headers=JSON_HEADERS, body=(json.dumps(body).encode(),))
    site = Site([reply])
    got = one(site)
    assert (got.status, got.headers["x-portico-error"]) == (expected, code)
    receipt = site.receipt
    assert (receipt.status, receipt.error, receipt.cost_nano) == ("failed", code, 0)
    assert receipt.attempts[0].http_status == status


def test_an_unpriced_model_says_so_and_is_not_called_free() -> None:
    site = Site([answered()])
    got = one(site, model="unpriced")
    assert got.headers["x-portico-cost-usd"] == "unpriced"
    assert site.receipt.unpriced


def test_the_deadline_ends_a_call_and_is_settled() -> None:
    async def story() -> None:
        site = Site([Scripted(before=(asyncio.Event().wait,))])
        got = await site.chat(model="hasty")
        assert (got.status, got.headers["x-portico-error"]) == (504, "deadline_exceeded")
        assert site.upstream.dropped.is_set()
        assert site.receipt.attempts[0].status == "timeout"
        assert site.receipt.attempts[0].usage_source == "estimated"

    run(story)


def test_a_caller_who_leaves_stops_the_upstream_and_pays_for_what_came() -> None:
    async def story() -> None:
        hanging: list[Step] = [*streamed(chunk({"content": "12345678"})), asyncio.Event().wait]
        site = Site([Scripted(headers=EVENT_HEADERS, body=tuple(hanging))])
        begun = asyncio.Event()

        class Connection:
            on_lost: Callable[[], None] | None = None

        connection = Connection()
        scope = site.scope("POST", "/v1/chat/completions", {}, "key")
        scope["portico.connection"] = connection

        async def send(message: object) -> None:
            if b"12345678" in str(message).encode():
                begun.set()

        task = asyncio.create_task(site._run(scope, chat_body(stream=True), send))
        await begun.wait()
        assert connection.on_lost is not None
        connection.on_lost()
        await task
        assert site.upstream.dropped.is_set()
        receipt = site.receipt
        assert (receipt.status, receipt.attempts[0].status) == ("cancelled", "cancelled")
        assert receipt.attempts[0].usage.output == 2

    run(story)


def test_a_full_journal_refuses_calls_before_they_cost_anything() -> None:
    class Full:
        def __init__(self, site: Site) -> None:
            self.site = site

        def intend(self, intent: Intent) -> None:
            raise Overloaded("The journal is full.", retry_after=1.0)

        def __getattr__(self, name: str) -> object:
            return getattr(self.site.memory, name)

    inner = Site()
    site = Site([answered()], journal=Full(inner))  # type: ignore[arg-type]
    got = one(site)
    assert (got.status, got.headers["retry-after"]) == (503, "1")
    assert site.upstream.requests == []


def test_a_database_that_is_away_is_said_in_the_receipt_and_in_readyz() -> None:
    async def story() -> None:
        site = Site([answered()])
        site.memory.database_away("database is locked")
        assert (await site.chat()).status == 200
        ready = await site.request("GET", "/readyz", key=None)
        assert (ready.status, ready.json["status"]) == (200, "degraded")
        assert "locked" in ready.json["degraded"][0]
        site.memory.database_away("")
        assert site.receipt.degraded

    run(story)


def test_a_call_reads_one_configuration_from_start_to_end() -> None:
    async def story() -> None:
        gate = Turnstile()
        site = Site([Scripted(before=(gate,), body=answered().body), answered()])
        first = asyncio.create_task(site.chat())
        await gate.reached.wait()
        old = site.slot.live.snapshot
        models = tuple(replace(model, id="newer") for model in old.models)
        site.publish(replace(old, models=models, project="other", releases=()))
        gate.opened.set()
        assert (await first).status == 200
        await site.chat()
        assert [site.sent(number)["model"] for number in (0, 1)] == ["gpt-5-mini", "newer"]
        assert [receipt.project for receipt in site.receipts] == ["default", "other"]

    run(story)


def test_a_stream_that_does_not_begin_in_time_ends_before_its_total_deadline() -> None:
    async def story() -> None:
        workloads = tuple(
            replace(workload, first_token_s=0.02, total_s=300.0) for workload in SNAPSHOT.workloads
        )
        steps: list[Step] = [asyncio.Event().wait]
        late = Scripted(headers=EVENT_HEADERS, body=tuple(steps))
        site = Site([late], snapshot=replace(SNAPSHOT, workloads=workloads))
        got = await site.chat(stream=True)
        assert (got.status, got.headers["x-portico-error"]) == (504, "deadline_exceeded")

    run(story)


def test_a_stream_that_has_begun_has_the_whole_deadline() -> None:
    async def story() -> None:
        workloads = tuple(
            replace(workload, first_token_s=30.0, total_s=300.0) for workload in SNAPSHOT.workloads
        )
        gate = Turnstile()
        steps: list[Step] = [*STREAM[:2], gate, *STREAM[2:]]
        slow = Scripted(headers=EVENT_HEADERS, body=tuple(steps))
        site = Site([slow], snapshot=replace(SNAPSHOT, workloads=workloads))
        task = asyncio.create_task(site.chat(stream=True))
        await gate.reached.wait()
        (lifeline,) = site.app.gate.lifelines
        assert lifeline.left() > 200
        gate.opened.set()
        assert (await task).ended

    run(story)


def test_embeddings_have_no_cap_on_output() -> None:
    answer = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    site = Site([answered(answer)])
    body = json.dumps({"model": "support", "input": "text"}).encode()
    got = asyncio.run(site.request("POST", "/v1/embeddings", body))
    assert got.status == 200
    receipt = site.receipt
    assert (receipt.max_output_tokens, receipt.cap_source) == (None, "")
    assert (receipt.usage.input, receipt.cost_nano) == (3, 750)
