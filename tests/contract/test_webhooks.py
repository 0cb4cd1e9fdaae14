"""How webhooks are delivered: over the real adapter, to servers on loopback."""

import asyncio
import contextlib
import logging

import msgspec
import pytest
from tests.contract.upstream_servers import Exchange, RawServer, cut, never, run, serving
from tests.contract.webhook_sending import HAPPENING, SECRET, ops, sending, status, told

from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.upstream import MemoryUpstream, Scripted
from portico.adapters.webhooks import Webhooks
from portico.adapters.webhooks.sender import ATTEMPTS, LONGEST_WAIT_S, MOST_WAITING
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Webhook


def test_a_server_that_fails_and_recovers_gets_the_same_event_signed_anew() -> None:
    async def main() -> None:
        plays = [cut, status("503 Busy"), status("429 Slow", "retry-after: 40")]
        async with serving(*plays) as server, sending(ops(server, secret=SECRET)) as made:
            await made.send(HAPPENING)
            state = made.state()
            assert (state.delivered, state.failed, state.attempts, state.error) == (1, 0, 4, "")
            assert len({each.header("webhook-id") for each in server.exchanges}) == 1
            assert len({each.body for each in server.exchanges}) == 1
            assert made.naps.seconds[:2] == pytest.approx([1.0, 4.0], rel=0.01)
            assert made.naps.seconds[2] == 40.0

    run(main)


def test_a_server_that_never_recovers_is_given_up_and_the_next_event_is_tried() -> None:
    async def main() -> None:
        plays = [status("500 No")] * ATTEMPTS
        async with serving(*plays) as server, sending(ops(server)) as made:
            await made.send(HAPPENING, HAPPENING)
            state = made.state()
            assert (state.failed, state.delivered, state.attempts) == (1, 1, ATTEMPTS + 1)
            assert len(made.naps.seconds) == ATTEMPTS - 1

    run(main)


def test_the_waits_are_drawn_from_nothing_to_four_times_the_last_bound() -> None:
    async def main() -> None:
        plays = [status("500 No")] * ATTEMPTS
        for byte, bounds in ((b"\x00", (0.0, 0.0, 0.0, 0.0)), (b"\xff", (2.0, 8.0, 32.0, 128.0))):
            async with (
                serving(*plays) as server,
                sending(ops(server), entropy=lambda size, byte=byte: byte * size) as made,  # type: ignore[misc]
            ):
                await made.send(HAPPENING)
                assert made.naps.seconds == pytest.approx(bounds)

    run(main)


def test_what_a_server_asks_for_is_heeded_up_to_a_bound() -> None:
    async def main() -> None:
        plays = [status("503 No", "retry-after: 86400"), status("503 No", "retry-after: Mon, x")]
        async with serving(*plays) as server, sending(ops(server)) as made:
            await made.send(HAPPENING)
            assert made.naps.seconds[0] == LONGEST_WAIT_S
            assert made.naps.seconds[1] == pytest.approx(4.0, rel=0.01)

    run(main)


@pytest.mark.parametrize("line", ["400 Bad", "404 None", "410 Gone", "302 Found"])
def test_a_refusal_is_final(line: str) -> None:
    async def main() -> None:
        async with serving(status(line, "location: /y")) as server, sending(ops(server)) as made:
            await made.send(HAPPENING)
            assert (made.state().failed, made.state().attempts) == (1, 1)
            assert made.naps.seconds == []

    run(main)


@pytest.mark.parametrize(
    ("url", "attempts", "error"),
    [
        ("ftp://h/x", 1, "address"),
        ("${NOT_RESOLVED}", 1, "address"),
        ("http://169.254.169.254/latest", 1, "address"),
        ("http://127.0.0.1:1/x", ATTEMPTS, "connect"),
    ],
)
def test_a_wrong_address_fails_and_is_said(url: str, attempts: int, error: str) -> None:
    async def main() -> None:
        async with sending(Webhook(name="ops", url=url)) as made:
            await made.send(HAPPENING)
            assert (made.state().failed, made.state().attempts) == (1, attempts)
            assert made.state().error.startswith(error)

    run(main)


def test_a_defect_in_sending_one_ends_neither_the_others_nor_the_next() -> None:
    def script(request: UpstreamRequest) -> Scripted:
        if b"evt_" in request.body and request.url.endswith("/broken"):
            raise ZeroDivisionError("secret words")
        return Scripted()

    async def main() -> None:
        broken = Webhook(name="ops", url="http://h/broken")
        sender = Webhooks(MemoryUpstream(script), FakeClock())
        sender.replace([broken, Webhook(name="other", url="http://h/")])
        running = asyncio.get_running_loop().create_task(sender.run())
        for _ in range(2):
            sender.send(HAPPENING)
            await sender.delivered()
        assert [(each.delivered, each.failed) for each in sender.state()] == [(0, 2), (2, 0)]
        assert sender.state()[0].error.startswith("a defect: ZeroDivisionError at ")
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    run(main)


def test_one_that_does_not_answer_holds_up_no_other() -> None:
    async def main() -> None:
        second = asyncio.Event()

        async def stuck(_: Exchange) -> None:
            await never()

        async def taken(exchange: Exchange) -> None:
            exchange.reply(b"")
            if len(good.exchanges) == 2:
                second.set()

        async with serving(stuck) as bad, serving(taken, taken) as good:
            other = msgspec.structs.replace(ops(good), name="other")
            async with sending(ops(bad), other) as made:
                made.webhooks.send(HAPPENING)
                made.webhooks.send(HAPPENING)
                await second.wait()
                assert (made.state().delivered, made.state().waiting) == (0, 2)

    run(main)


def test_a_full_queue_drops_and_counts_and_nobody_waits() -> None:
    async def main() -> None:
        async with serving() as server, sending(ops(server)) as made:
            for _ in range(MOST_WAITING + 3):
                made.webhooks.send(HAPPENING)
            assert (made.state().waiting, made.state().dropped) == (MOST_WAITING, 3)
            made.webhooks.replace([])
            await made.webhooks.delivered()
            assert made.webhooks.state() == ()

    run(main)


def test_a_webhook_hears_only_its_project_and_the_events_that_it_names() -> None:
    async def main() -> None:
        async with (
            serving() as server,
            sending(
                ops(server, events=("budget_exhausted",)),
                ops(server, name="all"),
                ops(server, name="care", project="care"),
            ) as made,
        ):
            await made.send(HAPPENING)
            assert [each.delivered for each in made.webhooks.state()] == [0, 1, 0]
            exhausted = msgspec.structs.replace(HAPPENING, kind="budget_exhausted")
            made.webhooks.send(exhausted, "care")
            await made.send(exhausted)
            assert [each.delivered for each in made.webhooks.state()] == [1, 2, 1]
            assert [told(each)["project"] for each in server.exchanges].count("care") == 1

    run(main)


def test_a_webhook_that_stays_keeps_what_waits_and_its_counts_and_goes_to_its_new_address() -> None:
    async def main() -> None:
        moved: list[RawServer] = []

        async def busy(exchange: Exchange) -> None:
            made.webhooks.replace([ops(moved[0], secret=SECRET)])
            exchange.reply(b"", status="500 No")

        async with serving(busy) as old, serving() as new, sending(ops(old)) as made:
            moved.append(new)
            await made.send(HAPPENING)
            assert (made.state().delivered, made.state().attempts) == (1, 2)
            assert (len(old.exchanges), len(new.exchanges)) == (1, 1)
            assert new.exchanges[0].header("webhook-signature").startswith("v1,")

    run(main)


def test_a_webhook_that_is_taken_out_is_not_tried_again() -> None:
    async def main() -> None:
        async def busy(exchange: Exchange) -> None:
            made.webhooks.replace([])
            exchange.reply(b"", status="500 No")

        async with serving(busy) as server, sending(ops(server)) as made:
            made.webhooks.send(HAPPENING)
            await made.naps.first.wait()
            made.webhooks.replace([ops(server)])
            await made.send(HAPPENING)
            assert len(server.exchanges) == 2
            assert made.state().delivered == 1

    run(main)


def test_the_log_says_which_webhook_failed_and_no_address_and_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        caplog.clear()
        async with serving(status("403 No")) as server:
            hook = ops(server, url=f"{server.url}?token=canary", secret="canary-too")
            async with sending(hook) as made:
                await made.send(HAPPENING)
        assert "the webhook ops of the project default" in caplog.text
        assert "status 403" in caplog.text
        assert "canary" not in caplog.text
        assert "/v1/x" not in caplog.text

    with caplog.at_level(logging.DEBUG, logger="portico"):
        run(main)
