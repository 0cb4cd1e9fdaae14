"""The simulator over HTTP, called by the SDKs that applications use."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import anthropic
import openai
import pytest

from portico.adapters.simulator.app import MAX_BODY, Message, SimulatorApp
from portico.adapters.simulator.serving import serve

T = TypeVar("T")
SCRIPT = "- {match: hello, answer: Hi!}\n- answer: What?"
TOOL: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[str]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.ensure_future(serve("127.0.0.1", 0, SCRIPT, ready.set_result))
    server.add_done_callback(lambda _: ready.cancel())
    try:
        yield await ready
    finally:
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server


def with_openai(main: Callable[[openai.AsyncOpenAI], Awaitable[T]]) -> T:
    async def inner() -> T:
        async with (
            serving() as url,
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client,
        ):
            return await main(client)

    return asyncio.run(inner())


def with_anthropic(main: Callable[[anthropic.AsyncAnthropic], Awaitable[T]]) -> T:
    async def inner() -> T:
        async with (
            serving() as url,
            anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0) as client,
        ):
            return await main(client)

    return asyncio.run(inner())


def with_http(main: Callable[[aiohttp.ClientSession], Awaitable[T]]) -> T:
    async def inner() -> T:
        async with serving() as url, aiohttp.ClientSession(url) as session:
            return await main(session)

    return asyncio.run(inner())


# --- OpenAI --------------------------------------------------------------------------------


def test_the_openai_sdk_gets_a_whole_answer() -> None:
    async def main(client: openai.AsyncOpenAI) -> None:
        found = await client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "hello"}]
        )
        assert found.choices[0].message.content == "hello"
        assert found.usage is not None
        assert found.usage.total_tokens == 4
        assert (found.model_extra or {})["simulated"] is True

    with_openai(main)


def test_the_openai_sdk_streams_text_with_usage() -> None:
    async def main(client: openai.AsyncOpenAI) -> None:
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(
                model="echo?tps=10000",
                messages=[{"role": "user", "content": "Grüße an alle"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        ]
        said = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
        assert "".join(said) == "Grüße an alle"
        assert (chunks[0].model_extra or {})["simulated"] is True
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 4

    with_openai(main)


def test_the_openai_sdk_streams_parallel_tool_calls() -> None:
    async def main(client: openai.AsyncOpenAI) -> None:
        async with client.chat.completions.stream(
            model="echo",
            messages=[{"role": "user", "content": 'call add {"a": 1}\ncall add {"a": 2}'}],
            tools=[{"type": "function", "function": {"name": "add", "parameters": TOOL}}],
        ) as stream:
            final = await stream.get_final_completion()
        calls = final.choices[0].message.tool_calls or []
        assert [call.function.arguments for call in calls] == ['{"a": 1}', '{"a": 2}']
        assert final.choices[0].finish_reason == "tool_calls"

    with_openai(main)


def test_the_openai_sdk_embeds_and_lists_models() -> None:
    async def main(client: openai.AsyncOpenAI) -> None:
        found = await client.embeddings.create(model="embed", input=["a", "b"])
        assert [len(item.embedding) for item in found.data] == [256, 256]
        listed = [model.id async for model in client.models.list()]
        assert listed == ["echo", "extract", "script", "embed"]

    with_openai(main)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("echo?fail=429&retry_after=3", openai.RateLimitError),
        ("echo?fail=503", openai.InternalServerError),
        ("nope", openai.NotFoundError),
        ("echo?x=1", openai.BadRequestError),
    ],
)
def test_the_openai_sdk_raises_its_own_exceptions(
    model: str, expected: type[openai.APIStatusError]
) -> None:
    async def main(client: openai.AsyncOpenAI) -> openai.APIStatusError:
        with pytest.raises(expected) as caught:
            await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "hello"}]
            )
        return caught.value

    raised = with_openai(main)
    assert raised.response.headers["x-portico-simulated"] == "true"
    if "retry_after" in model:
        assert raised.response.headers["retry-after"] == "3"


# --- Anthropic -----------------------------------------------------------------------------


def test_the_anthropic_sdk_gets_a_whole_answer() -> None:
    async def main(client: anthropic.AsyncAnthropic) -> None:
        found = await client.messages.create(
            model="script", max_tokens=10, messages=[{"role": "user", "content": "hello"}]
        )
        assert [block.type for block in found.content] == ["text"]
        assert found.content[0].to_dict()["text"] == "Hi!"
        assert found.stop_reason == "end_turn"
        assert (found.usage.input_tokens, found.usage.output_tokens) == (2, 1)
        assert (found.model_extra or {})["simulated"] is True

    with_anthropic(main)


def test_the_anthropic_sdk_streams_thinking_text_and_a_stop_sequence() -> None:
    async def main(client: anthropic.AsyncAnthropic) -> None:
        async with client.messages.stream(
            model="echo",
            max_tokens=2000,
            messages=[{"role": "user", "content": "one two three"}],
            thinking={"type": "enabled", "budget_tokens": 1024},
            stop_sequences=[" three"],
        ) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            final = await stream.get_final_message()
        assert text == "one two"
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert (final.stop_reason, final.stop_sequence) == ("stop_sequence", " three")

    with_anthropic(main)


def test_the_anthropic_sdk_streams_tool_calls() -> None:
    async def main(client: anthropic.AsyncAnthropic) -> None:
        async with client.messages.stream(
            model="echo",
            max_tokens=100,
            messages=[{"role": "user", "content": 'call add {"a": 1}'}],
            tools=[{"name": "add", "input_schema": {"type": "object"}}],
        ) as stream:
            final = await stream.get_final_message()
        assert final.stop_reason == "tool_use"
        assert final.content[0].to_dict()["input"] == {"a": 1}

    with_anthropic(main)


def test_the_anthropic_sdk_counts_tokens_and_lists_models() -> None:
    async def main(client: anthropic.AsyncAnthropic) -> None:
        counted = await client.messages.count_tokens(
            model="echo", messages=[{"role": "user", "content": "hello"}]
        )
        assert counted.input_tokens == 2
        assert "echo" in [model.id async for model in client.models.list()]

    with_anthropic(main)


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("echo?fail=529", 529, "overloaded_error"),
        ("echo?fail=429", 429, "rate_limit_error"),
        ("nope", 404, "not_found_error"),
        ("echo?x=1", 400, "invalid_request_error"),
    ],
)
def test_the_anthropic_sdk_raises_its_own_exceptions(model: str, status: int, kind: str) -> None:
    async def main(client: anthropic.AsyncAnthropic) -> anthropic.APIStatusError:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(
                model=model, max_tokens=9, messages=[{"role": "user", "content": "hello"}]
            )
        return caught.value

    raised = with_anthropic(main)
    body = raised.body
    assert raised.status_code == status
    assert isinstance(body, dict)
    assert body["error"]["type"] == kind


# --- HTTP ----------------------------------------------------------------------------------


def asked(model: str, **more: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "more"), [("/v1/chat/completions", {}), ("/v1/messages", {"max_tokens": 50})]
)
def test_a_cut_closes_the_connection_after_its_bytes(
    path: str, more: dict[str, object], stream: bool
) -> None:
    async def main(session: aiohttp.ClientSession) -> bytes:
        got = bytearray()

        async def read(reply: aiohttp.ClientResponse) -> None:
            async for piece in reply.content.iter_any():
                got.extend(piece)

        async with session.post(path, json=asked("echo?cut=40", stream=stream, **more)) as reply:
            assert reply.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await read(reply)
        return bytes(got)

    assert len(with_http(main)) == 40


def test_a_stall_sends_nothing_until_the_client_leaves() -> None:
    async def main(session: aiohttp.ClientSession) -> None:
        timeout = aiohttp.ClientTimeout(total=0.05)
        with pytest.raises(TimeoutError):
            await session.post("/v1/chat/completions", json=asked("echo?stall=1"), timeout=timeout)
        async with session.post("/v1/chat/completions", json=asked("echo")) as reply:
            assert reply.status == 200

    with_http(main)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
    ],
)
def test_an_unknown_path_or_method_is_refused(method: str, path: str, status: int) -> None:
    async def main(session: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
        async with session.request(method, path) as reply:
            return reply.status, await reply.json()

    found, body = with_http(main)
    assert found == status
    assert body["error"]["message"]


def test_a_server_that_is_stopped_frees_its_port() -> None:
    async def main() -> None:
        async with serving() as url:
            pass
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"{url}/v1/models")

    asyncio.run(main())


# --- ASGI, without a server ----------------------------------------------------------------


async def call(body: list[Message]) -> list[Message]:
    """Performs a chat whose request comes in these messages."""
    messages = iter(body)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Message = {"type": "http", "method": "POST", "path": "/v1/chat/completions"}
    await SimulatorApp()(scope, receive, send)
    return sent


def test_a_client_that_leaves_ends_the_work() -> None:
    body = json.dumps(asked("echo?stall=20@1", stream=True)).encode()
    sent = asyncio.run(call([{"type": "http.request", "body": body}, {"type": "http.disconnect"}]))
    assert all(message.get("more_body", True) for message in sent)


def test_a_client_that_leaves_before_its_body_has_come_gets_nothing() -> None:
    half: Message = {"type": "http.request", "body": b"{", "more_body": True}
    assert asyncio.run(call([half, {"type": "http.disconnect"}])) == []


def test_a_body_comes_in_parts_and_is_bounded() -> None:
    body = json.dumps(asked("echo")).encode()
    parts: list[Message] = [
        {"type": "http.request", "body": body[:10], "more_body": True},
        {"type": "http.request", "body": body[10:]},
    ]
    assert asyncio.run(call(parts))[0]["status"] == 200
    endless: Message = {"type": "http.request", "body": b"a" * (MAX_BODY + 1), "more_body": True}
    assert asyncio.run(call([endless]))[0]["status"] == 413


STOPPED_BY_SIGNAL = """
import asyncio, os, signal
from portico.adapters.simulator.serving import serve
asyncio.run(serve("127.0.0.1", 0, None, lambda url: os.kill(os.getpid(), signal.SIGTERM)))
print("in good order")
"""


def test_a_signal_stops_the_server_in_good_order_and_quietly() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_BY_SIGNAL], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "in good order\n", "")
