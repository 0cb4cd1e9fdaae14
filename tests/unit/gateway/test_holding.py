"""Calls against budgets: held before they are made, charged for what they came to."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from tests.unit.gateway.harness import (
    ANSWER,
    CLAUDE_ANSWER,
    JSON_HEADERS,
    PRICE,
    SNAPSHOT,
    Site,
)

from portico.adapters.memory.upstream import Scripted
from portico.contract.budget import Budget, Scope
from portico.contract.money import Price, Rates
from portico.contract.snapshot import Facts, Model

WHOLE = Scripted(status=200, headers=JSON_HEADERS, body=(json.dumps(ANSWER).encode(),))
CLAUDE = Scripted(status=200, headers=JSON_HEADERS, body=(json.dumps(CLAUDE_ANSWER).encode(),))
COST = 10 * 250 + 5 * 2000
"""Nano-dollars of the answer's usage at the test's price."""


def month(nano: int | None, **members: object) -> Budget:
    found = Budget(name="budgets.all", nano=nano)
    return msgspec.structs.replace(found, **members)


def run(
    body: Callable[[Site], Awaitable[None]], *budgets: Budget, replies: tuple[Scripted, ...] = ()
) -> Site:
    site = Site(replies)

    async def main() -> None:
        await site.io.budgets.replace(budgets)
        async with asyncio.timeout(30):
            await body(site)

    asyncio.run(main())
    return site


def used(site: Site) -> tuple[int, int]:
    (standing,) = site.io.budgets.standings(site.io.clock.now_ns())
    return standing.spent, standing.held


def test_a_call_is_held_charged_and_its_budget_has_what_the_ledger_has() -> None:
    async def body(site: Site) -> None:
        assert (await site.chat()).status == 200

    site = run(body, month(10**9), replies=(WHOLE,))
    assert used(site) == (COST, 0) == (site.receipt.cost_nano, 0)
    (attempt,) = site.receipt.attempts
    assert attempt.held_nano is not None
    assert attempt.held_nano > COST
    assert site.receipt.budgets == ("budgets.all",)
    assert "budget" in dict(site.receipt.stages)


def test_a_call_that_does_not_fit_never_reaches_an_upstream() -> None:
    async def body(site: Site) -> None:
        got = await site.chat()
        assert got.status == 429
        assert got.headers["x-portico-error"] == "budget_exhausted"
        assert got.headers["x-should-retry"] == "false"
        assert "budgets.all" in got.json["error"]["message"]

    site = run(body, month(COST))
    assert site.upstream.requests == []
    assert site.receipt.status == "refused"
    assert site.receipt.budgets == ("!budgets.all",)
    assert used(site) == (0, 0)
    metrics = site.io.metrics.render(site.io.journal.state(), site.io.notes.state()).decode()
    assert 'portico_budget_refusals_total{budget="budgets.all"} 1.0' in metrics


def test_what_a_caller_who_left_has_used_is_spent_and_the_rest_comes_back() -> None:
    reached = asyncio.Event()

    async def stall() -> None:
        reached.set()
        await asyncio.Event().wait()

    async def body(site: Site) -> None:
        task = asyncio.create_task(site.chat(stream=True))
        await reached.wait()
        _, held = used(site)
        assert held > 0
        for lifeline in tuple(site.app.gate.lifelines):
            lifeline.cut("gone")
        await asyncio.gather(task, return_exceptions=True)

    stalled = Scripted(status=200, body=(b": wait\n\n", stall))
    site = run(body, month(10**9), replies=(stalled,))
    spent, held = used(site)
    assert held == 0
    assert spent == site.receipt.cost_nano > 0
    assert site.receipt.status == "cancelled"


def test_an_attempt_that_the_provider_refused_costs_nothing() -> None:
    async def body(site: Site) -> None:
        assert (await site.chat()).status == 502

    failing = Scripted(status=500, headers=JSON_HEADERS, body=(b'{"error":{"message":"no"}}',))
    site = run(body, month(10**9), replies=(failing,))
    assert used(site) == (0, 0)


def test_usage_above_the_hold_is_charged_and_flagged() -> None:
    answer = {**ANSWER, "usage": {"prompt_tokens": 900_000, "completion_tokens": 5}}
    reply = Scripted(status=200, headers=JSON_HEADERS, body=(json.dumps(answer).encode(),))

    async def body(site: Site) -> None:
        assert (await site.chat()).status == 200

    site = run(body, month(10**9), replies=(reply,))
    (attempt,) = site.receipt.attempts
    assert "above_hold" in attempt.usage_flags
    assert used(site)[0] == attempt.cost_nano == 900_000 * 250 + 5 * 2000


def test_a_model_without_a_price_is_refused_where_a_hard_budget_binds_it() -> None:
    async def body(site: Site) -> None:
        got = await site.chat(model="unpriced")
        assert got.status == 429
        assert "no price" in got.json["error"]["message"]

    site = run(body, month(10**9))
    assert site.upstream.requests == []


def test_a_soft_budget_lets_a_model_without_a_price_pass() -> None:
    async def body(site: Site) -> None:
        assert (await site.chat(model="unpriced")).status == 200

    site = run(body, month(10**9, hard=False), replies=(WHOLE,))
    assert site.receipt.unpriced


def test_content_that_nobody_can_bound_is_refused() -> None:
    parts = [{"type": "file", "file": {"file_id": "file-1"}}]

    async def body(site: Site) -> None:
        got = await site.chat(messages=[{"role": "user", "content": parts}])
        assert got.status == 429
        assert "context window" in got.json["error"]["message"]

    site = run(body, month(10**12))
    assert site.upstream.requests == []


def test_past_its_soft_share_a_budget_may_refuse() -> None:
    async def body(site: Site) -> None:
        assert (await site.chat(max_tokens=10)).status == 200
        got = await site.chat(max_tokens=10)
        assert got.status == 429
        assert "80%" in got.json["error"]["message"]

    site = run(body, month(COST, soft=0.8, otherwise="refuse", hard=False), replies=(WHOLE,))
    assert len(site.upstream.requests) == 1
    assert site.receipts[1].budgets == ("!budgets.all",)


DEAR = Price(rates=Rates(input=2_500_000, output=20_000_000), source="test")


def test_past_its_soft_share_a_budget_may_use_the_smallest_model_of_the_ladder() -> None:
    dear = Model(name="dear", provider="openai", id="gpt-dear", price=DEAR)
    snapshot = msgspec.structs.replace(SNAPSHOT, models=(*SNAPSHOT.models, dear))
    site = Site((WHOLE, WHOLE), snapshot=snapshot)

    async def main() -> None:
        budget = month(10**9, soft=0.0000001, otherwise="smaller")
        await site.io.budgets.replace([budget])
        first = await site.chat(model="gpt-dear")
        second = await site.chat(model="gpt-dear")
        assert first.headers["x-portico-model"] == "dear"
        assert second.headers["x-portico-model"] == "small"

    asyncio.run(main())
    assert [site.sent(number)["model"] for number in (0, 1)] == ["gpt-dear", "gpt-5-mini"]
    assert site.receipts[1].degraded == ("a budget is nearly spent: dear was asked for",)


@pytest.mark.parametrize("bypass", [False, True])
def test_past_its_soft_share_a_budget_may_answer_with_what_it_has_kept(bypass: bool) -> None:
    portico = {"cache": "bypass"} if bypass else {}

    async def body(site: Site) -> None:
        first = await site.chat()
        second = await site.chat(portico=portico)
        assert second.status == 200
        assert second.json["choices"] == first.json["choices"]
        if not bypass:
            assert second.headers["x-portico-cache"] == "hit-exact"
            assert second.headers["x-portico-cost-usd"] == "0.000000000"
            assert second.headers["x-portico-call"] != first.headers["x-portico-call"]

    kept = month(10**9, soft=0.0000001, otherwise="cached")
    site = run(body, kept, replies=(WHOLE, WHOLE))
    assert len(site.upstream.requests) == (2 if bypass else 1)
    second = site.receipts[1]
    assert (second.origin, second.cost_nano) == (("", COST) if bypass else ("kept", 0))
    assert used(site)[1] == 0


def test_a_kept_answer_is_its_teams_and_its_requests_own() -> None:
    async def body(site: Site) -> None:
        await site.chat()
        await site.chat(messages=[{"role": "user", "content": "Something else"}])

    kept = month(10**9, soft=0.0000001, otherwise="cached")
    site = run(body, kept, replies=(WHOLE, WHOLE))
    assert len(site.upstream.requests) == 2


def test_a_session_has_so_many_steps() -> None:
    async def body(site: Site) -> None:
        for _ in range(2):
            assert (await site.chat(portico={"session": "s1"})).status == 200
        got = await site.chat(portico={"session": "s1"})
        assert got.status == 429
        assert (await site.chat(portico={"session": "s2"})).status == 200

    steps = Budget(name="budgets.agent", per="session", steps=2)
    site = run(body, steps, replies=(WHOLE,) * 3)
    assert len(site.upstream.requests) == 3


def test_an_agent_that_says_the_same_again_is_stopped() -> None:
    turns = [
        {"role": "user", "content": "Find it"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "search", "arguments": '{"q": "x"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "nothing"},
    ]

    async def body(site: Site) -> None:
        said = list(turns)
        statuses = []
        for number in range(3):
            got = await site.chat(messages=said, portico={"session": "s"})
            statuses.append(got.status)
            again = json.loads(json.dumps(turns[1:]).replace("c1", f"c{number + 2}"))
            said = [*said, *again]
        assert statuses == [200, 200, 429]

    loop = Budget(name="budgets.loop", per="session", repeats=2)
    site = run(body, loop, replies=(WHOLE,) * 2)
    assert len(site.upstream.requests) == 2


def test_budgets_bind_whom_they_name() -> None:
    care = Budget(name="teams.care.budget", scope=Scope(team="care"), nano=1)

    async def body(site: Site) -> None:
        assert (await site.chat()).status == 429
        assert (await site.message()).status == 200

    site = run(body, care, replies=(CLAUDE,))
    assert site.receipts[0].team == "care"
    assert site.receipts[1].budgets == ()


def test_a_known_context_window_bounds_what_a_call_refers_to() -> None:
    known = msgspec.structs.replace(SNAPSHOT.models[0], facts=Facts(context=400_000))
    snapshot = msgspec.structs.replace(SNAPSHOT, models=(known, *SNAPSHOT.models[1:]))
    site = Site((WHOLE,), snapshot=snapshot)
    parts = [{"type": "file", "file": {"file_id": "file-1"}}]

    async def main() -> None:
        await site.io.budgets.replace([month(10**12)])
        got = await site.chat(messages=[{"role": "user", "content": parts}])
        assert got.status == 200

    asyncio.run(main())
    (attempt,) = site.receipt.attempts
    assert attempt.held_nano is not None
    assert attempt.held_nano >= 400_000 * PRICE.rates.input // 1000
