"""How a call's task is ended from outside, and by which of the times it was given."""

import asyncio

import pytest

from portico.contract.errors import DeadlineExceeded, PorticoError, RequestTimeout
from portico.gateway.lifeline import Alarm, Lifeline, Reason

SOON = 0.005
LATER = 0.02
NEVER = 3600.0


async def ended(*armed: tuple[Reason, float]) -> PorticoError:
    """What a task is told that waits for ever, armed in this order."""

    async def wait() -> PorticoError:
        task = asyncio.current_task()
        assert task is not None
        line = Lifeline(task, asyncio.get_running_loop())
        for reason, seconds in armed:
            line.arm(reason, seconds)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return line.explain()
        finally:
            line.close()
        raise AssertionError("nothing ended the wait")

    return await asyncio.create_task(wait())


@pytest.mark.parametrize(
    ("armed", "error"),
    [
        ([("slow", SOON)], RequestTimeout),
        ([("slow", SOON), ("deadline", LATER)], DeadlineExceeded),
        ([("slow", NEVER), ("deadline", SOON)], DeadlineExceeded),
        ([("deadline", SOON), ("slow", LATER)], RequestTimeout),
    ],
)
def test_the_last_time_that_was_set_is_the_one_that_counts(
    armed: list[tuple[Reason, float]], error: type[PorticoError]
) -> None:
    assert type(asyncio.run(ended(*armed))) is error


def test_an_alarm_that_is_put_off_acts_once_at_its_last_time() -> None:
    async def main() -> None:
        rung: list[str] = []
        done = asyncio.Event()
        alarm = Alarm(asyncio.get_running_loop())

        def last() -> None:
            rung.append("last")
            done.set()

        alarm.set(NEVER, lambda: rung.append("never"))
        alarm.set(SOON, lambda: rung.append("soon"))
        alarm.set(LATER, last)
        assert 0 < alarm.left() <= LATER
        await done.wait()
        assert rung == ["last"]
        assert alarm.left() == float("inf")

    asyncio.run(main())


def test_a_call_that_is_over_leaves_its_connection_to_the_next() -> None:
    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        alarm, ended = Alarm(loop), asyncio.Event()
        first = Lifeline(task, loop, alarm)
        first.arm("deadline", NEVER)
        alarm.set(SOON, ended.set)
        first.close()
        await ended.wait()
        assert first.reason is None

    asyncio.run(main())
