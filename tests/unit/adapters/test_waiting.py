"""The bound on one wait that an upstream request has."""

import asyncio

import pytest

from portico.adapters.upstream.waiting import Within


def test_a_wait_that_outlasts_its_bound_raises_timeout_and_leaves_no_cancellation() -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError), Within(0.001):
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(main()) == 0


def test_a_cancellation_from_elsewhere_passes_as_it_is() -> None:
    async def wait(begun: asyncio.Event) -> None:
        with Within(60):
            begun.set()
            await asyncio.Event().wait()

    async def main() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(wait(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_what_ends_in_time_keeps_its_result_and_its_error() -> None:
    async def main() -> None:
        with Within(60):
            await asyncio.sleep(0)
        with pytest.raises(KeyError), Within(60):
            raise KeyError("its own")

    asyncio.run(main())
