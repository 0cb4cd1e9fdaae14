"""The least a Python hop can do: uvicorn hands a body to aiohttp and hands the reply back.

    python benchmarks/peer_runs/bare_hop.py PORT UPSTREAM_PORT

No key, no check, no receipt. Stands for what Portico's server and client cost by themselves.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import uvicorn

Message = MutableMapping[str, Any]
START = {"type": "http.response.start", "status": 200}
JSON = [(b"content-type", b"application/json")]
EVENTS = [(b"content-type", b"text/event-stream")]


class Hop:
    def __init__(self, upstream: int) -> None:
        self._url = f"http://127.0.0.1:{upstream}/v1/chat/completions"
        self._session: aiohttp.ClientSession | None = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=1000, keepalive_timeout=3600)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {"content-type": "application/json", "authorization": "Bearer x"}
        async with self._session.post(self._url, data=body, headers=headers) as reply:
            if reply.content_length is None:
                await send({**START, "headers": EVENTS})
                async for chunk in reply.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            data = await reply.read()
        length = (b"content-length", b"%d" % len(data))
        await send({**START, "headers": [*JSON, length]})
        await send({"type": "http.response.body", "body": data, "more_body": False})


def main() -> None:
    port, upstream = (int(text) for text in sys.argv[1:3])
    uvicorn.run(
        Hop(upstream),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=3600,
        backlog=2048,
    )


if __name__ == "__main__":
    main()
