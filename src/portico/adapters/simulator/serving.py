"""Serves the simulator over HTTP until it is told to stop."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from portico.adapters.simulator.app import SimulatorApp

DRAIN_S = 2
"""Seconds that replies in flight get when the server stops; a stalled one would never end."""


class _Server(uvicorn.Server):
    """Tells when it is ready, and leaves a signal at having stopped the server."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The library raises the signal again once it has stopped, which would kill a process
        # that wants to end in good order.
        self.force_exit = self.should_exit
        self.should_exit = True


async def serve(host: str, port: int, script: str | None, on_ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM, SIGINT or cancellation; port 0 picks a free one.

    `on_ready` gets the base URL once connections are accepted. `script` is the text of a
    script. Raises InvalidRequest for a script that cannot be used, OSError for an address.
    """
    app = SimulatorApp(script)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=2048) as listener:
        name = f"[{host}]" if family is socket.AF_INET6 else host
        url = f"http://{name}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            http="httptools",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
        await _run(_Server(config, lambda: on_ready(url)), listener)


async def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    running = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        server.should_exit = True
        await running
        raise
