"""A call that is repeated under one idempotency key is answered once."""

import asyncio

from tests.unit.gateway.harness import EVENT_HEADERS, STREAM, Site, Turnstile, answered

from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.upstream import Scripted
from portico.gateway.repeats import KEEP_S, MAX_ANSWERS, Repeats

KEY = {"idempotency-key": "k1"}


def test_a_repeat_gets_the_same_bytes_and_reaches_no_upstream() -> None:
    async def main() -> None:
        site = Site([answered()])
        first = await site.chat(headers=KEY)
        second = await site.chat(headers=KEY)
        assert second.body == first.body
        assert second.headers["idempotent-replayed"] == "true"
        assert second.headers["x-portico-call"] != first.headers["x-portico-call"]
        assert len(site.upstream.requests) == 1
        original, repeat = site.receipts
        assert (repeat.replay_of, repeat.cost_nano, repeat.attempts) == (original.call, 0, ())

    asyncio.run(main())


def test_a_stream_is_repeated_as_it_was() -> None:
    async def main() -> None:
        site = Site([Scripted(headers=EVENT_HEADERS, body=STREAM)])
        first = await site.chat(stream=True, portico={"idempotency_key": "k"})
        second = await site.chat(stream=True, portico={"idempotency_key": "k"})
        assert second.body == first.body
        assert second.headers["content-type"] == first.headers["content-type"]

    asyncio.run(main())


def test_a_repeat_that_comes_early_waits_for_the_first_answer() -> None:
    async def main() -> None:
        gate = Turnstile()
        site = Site([Scripted(before=(gate,), body=answered().body)])
        first = asyncio.create_task(site.chat(headers=KEY))
        await gate.reached.wait()
        second = asyncio.create_task(site.chat(headers=KEY))
        await asyncio.sleep(0)
        gate.opened.set()
        assert (await first).body == (await second).body
        assert len(site.upstream.requests) == 1

    asyncio.run(main())


def test_a_failed_call_is_tried_anew() -> None:
    async def main() -> None:
        site = Site([Scripted(status=500, body=(b"{}",)), answered()])
        assert (await site.chat(headers=KEY)).status == 502
        assert (await site.chat(headers=KEY)).status == 200

    asyncio.run(main())


def test_another_body_under_the_same_key_is_refused() -> None:
    async def main() -> None:
        site = Site([answered()])
        await site.chat(headers=KEY)
        got = await site.chat(headers=KEY, temperature=0.5)
        assert (got.status, got.headers["x-portico-error"]) == (400, "invalid_request")

    asyncio.run(main())


def test_one_caller_s_key_says_nothing_to_another() -> None:
    async def main() -> None:
        site = Site([answered(), answered()])
        await site.chat(headers=KEY)
        await site.chat(headers=KEY, key="admin")
        assert len(site.upstream.requests) == 2

    asyncio.run(main())


def test_answers_are_bounded_in_number_and_age() -> None:
    async def main() -> None:
        clock = FakeClock()
        repeats = Repeats(clock)
        for number in range(MAX_ANSWERS + 10):
            tape, ours = await repeats.claim(("who", str(number)), "call", b"same")
            assert ours
            tape.feed(b"x")
            repeats.settle(tape, answered=True)
        _, ours = await repeats.claim(("who", "0"), "call", b"same")
        assert ours
        _, ours = await repeats.claim(("who", str(MAX_ANSWERS)), "call", b"same")
        assert not ours
        clock.advance(KEEP_S + 1)
        _, ours = await repeats.claim(("who", str(MAX_ANSWERS)), "call", b"same")
        assert ours

    asyncio.run(main())
