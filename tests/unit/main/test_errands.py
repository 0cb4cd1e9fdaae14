"""Work that outlives the request that asked for it."""

import asyncio

import pytest

from portico.main.errands import Errands


def test_what_the_work_comes_to_is_handed_on_and_so_is_its_failure() -> None:
    async def main() -> None:
        errands = Errands()

        async def works() -> int:
            return 7

        async def fails() -> int:
            raise ValueError("no")

        assert await errands.finish(works()) == 7
        with pytest.raises(ValueError, match="no"):
            await errands.finish(fails())
        await errands.close(1)

    asyncio.run(main())


def test_work_goes_on_though_nobody_waits_and_closing_waits_for_it() -> None:
    async def main() -> None:
        errands, gate, done = Errands(), asyncio.Event(), []

        async def work() -> None:
            await gate.wait()
            done.append(True)

        asking = asyncio.ensure_future(errands.finish(work()))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert done == []
        gate.set()
        await errands.close(60)
        assert done == [True]

    asyncio.run(main())


def test_work_that_does_not_end_is_ended_at_the_close() -> None:
    async def main() -> None:
        errands, ended = Errands(), asyncio.Event()

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        asking = asyncio.ensure_future(errands.finish(forever()))
        await asyncio.sleep(0)
        await errands.close(0)
        assert ended.is_set()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(main())
