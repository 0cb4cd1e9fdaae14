"""Work that outlives the request that asked for it: once begun, it is finished."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger("portico")

T = TypeVar("T")


class Errands:
    """Tasks with an owner: held until they are done, and waited for at the end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work comes to. Whoever waits may go away; the work goes on."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def close(self, timeout_s: float) -> None:
        """Waits for what is still running, and ends what takes longer."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=timeout_s)
        for task in late:
            log.warning("an apply or rollback took too long and is ended; the store is whole")
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # looked at, so that a failure nobody waited for is not reported as forgotten: who
            # waits gets it, and who has gone away sees it in what is live
            task.exception()
