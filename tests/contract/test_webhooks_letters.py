"""What webhooks send, and how it is signed, as docs/webhooks.md says."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.contract.upstream_servers import Exchange, run, serving
from tests.contract.webhook_sending import HAPPENING, SECRET, ops, sending, told

PAGE = Path(__file__).parents[2] / "docs/webhooks.md"


def documented() -> Callable[..., bool]:
    """The function of docs/webhooks.md that verifies a signature."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    verified: Callable[..., bool] = names["verified"]
    return verified


def headers(exchange: Exchange) -> dict[str, str]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {name: exchange.header(name) for name in names}


def test_a_happening_is_posted_with_what_the_page_says() -> None:
    async def main() -> None:
        async with serving() as server, sending(ops(server)) as made:
            await made.send(msgspec.structs.replace(HAPPENING, number=7))
            (exchange,) = server.exchanges
            assert exchange.head.startswith("POST /v1/x HTTP/1.1\r\n")
            assert exchange.header("content-type") == "application/json"
            assert exchange.header("webhook-signature") == ""
            assert told(exchange) == {
                "id": exchange.header("webhook-id"),
                "at": "2025-11-23T09:30:00.125000Z",
                "kind": "budget_threshold",
                "project": "default",
                "workload": "support",
                "subject": "workloads.support.budget",
                "detail": {"share": 0.8, "said": "80% of 50 USD in 2026-11-23"},
                "number": 7,
            }
            assert (made.state().delivered, made.state().waiting, made.state().error) == (1, 0, "")

    run(main)


@pytest.mark.parametrize("secret", [SECRET, "a secret of one's own, ä"])
def test_a_signature_is_verified_by_the_example_of_the_page_and_by_nothing_else(
    secret: str,
) -> None:
    verified = documented()

    async def main() -> None:
        async with serving() as server, sending(ops(server, secret=secret)) as made:
            made.clock.advance(time.time() - made.clock.now_ns() / 1e9)
            await made.send(HAPPENING)
            (exchange,) = server.exchanges
            good, body = headers(exchange), exchange.body
            assert verified(secret, good, body)
            assert not verified(secret, good, body + b" ")
            assert not verified(secret[:-4] + "AAAA", good, body)
            assert not verified(secret, {**good, "webhook-id": "evt_0"}, body)
            assert not verified(secret, {**good, "webhook-timestamp": "1700000000"}, body)

    run(main)


def test_each_attempt_is_signed_at_the_time_when_it_is_made() -> None:
    async def main() -> None:
        async def busy(exchange: Exchange) -> None:
            made.clock.advance(100)
            exchange.reply(b"", status="500 No")

        async with serving(busy) as server, sending(ops(server, secret=SECRET)) as made:
            await made.send(HAPPENING)
            first, second = (headers(each) for each in server.exchanges)
            assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 100
            assert first["webhook-signature"] != second["webhook-signature"]

    run(main)


def test_a_secret_that_cannot_be_read_sends_nothing_unsigned() -> None:
    async def main() -> None:
        async with serving() as server, sending(ops(server, secret="whsec_?")) as made:
            await made.send(HAPPENING)
            assert server.exchanges == []
            assert made.state().failed == 1
            assert made.state().error == "the secret is not base64 after whsec_"

    run(main)


def test_an_event_has_one_id_for_all_who_hear_it() -> None:
    async def main() -> None:
        numbers = iter(range(100))
        async with (
            serving() as server,
            sending(
                ops(server),
                ops(server, name="all"),
                entropy=lambda size: next(numbers).to_bytes(size),
            ) as made,
        ):
            await made.send(HAPPENING)
            first = {each.header("webhook-id") for each in server.exchanges}
            await made.send(HAPPENING)
            second = {each.header("webhook-id") for each in server.exchanges}
            assert (len(first), len(second)) == (1, 2)

    run(main)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "workloads.support.budget has passed 80% of 50 USD in 2026-11-23."),
        ({"kind": "budget_exhausted"}, "is used up: 80% of 50 USD in 2026-11-23."),
        (
            {"kind": "prompt_observed", "subject": "observed:1f", "detail": {}},
            "the workload support is called with a system prompt that was not seen before",
        ),
        ({"subject": "<!channel> & <x|y>"}, "&lt;!channel&gt; &amp; &lt;x|y&gt;"),
    ],
)
def test_slack_gets_a_sentence_in_which_no_name_can_act(changes: dict[str, Any], text: str) -> None:
    async def main() -> None:
        async with serving() as server, sending(ops(server, shape="slack")) as made:
            await made.send(msgspec.structs.replace(HAPPENING, **changes))
            said = told(server.exchanges[0])
            assert list(said) == ["text"]
            assert text in said["text"]
            assert "<" not in said["text"]

    run(main)
