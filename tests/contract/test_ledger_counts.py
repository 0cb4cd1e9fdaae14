"""What every ledger counts and looks up: SQLite, and the fake that ships."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.store.data import open_data
from portico.contract.errors import InvalidRequest
from portico.contract.ledger import ModelUse, PromptUse, Use
from portico.contract.ports import Ledger
from portico.contract.receipt import Attempt, AttemptStatus, Receipt
from portico.contract.usage import Usage

Opens = Callable[[Path, Sequence[Receipt]], Iterator[Ledger]]


def in_memory(_: Path, receipts: Sequence[Receipt]) -> Iterator[Ledger]:
    journal = MemoryJournal()
    for receipt in receipts:
        journal.record(receipt)
    yield MemoryLedger(journal)


def in_files(directory: Path, receipts: Sequence[Receipt]) -> Iterator[Ledger]:
    data = open_data(directory, journal=JournalOptions(linger_s=0.0), clock=SystemClock())
    for receipt in receipts:
        data.journal.record(receipt)
    yield data.ledger
    data.close()


@pytest.fixture(params=[in_memory, in_files])
def opens(request: pytest.FixtureRequest) -> Opens:
    chosen: Opens = request.param
    return chosen


def attempt(
    model: str,
    *,
    listed: bool = True,
    simulated: bool = False,
    region: str = "",
    status: AttemptStatus = "ok",
) -> Attempt:
    return Attempt(
        id="",
        provider="p",
        kind="openai",
        model=model,
        model_id=model,
        listed=listed,
        simulated=simulated,
        region=region,
        status=status,
    )


def receipt(number: int, *attempts: Attempt) -> Receipt:
    for index, each in enumerate(attempts):
        each.id = f"att_{number}_{index}"
    return Receipt(call=f"call_{number}", received_ns=number, door="d", attempts=attempts)


def use_of(model: str, attempts: int, calls: int, **more: object) -> ModelUse:
    known: dict[str, object] = {
        "model": model, "provider": "p", "region": "", "listed": True, "simulated": False,
        "attempts": attempts, "failed": 0, "calls": calls,
    }  # fmt: skip
    return ModelUse(**(known | more))  # type: ignore[arg-type]


CALLS: tuple[Callable[[], Receipt], ...] = (
    lambda: receipt(1, attempt("early")),
    lambda: receipt(2, attempt("a", region="eu", status="failed"), attempt("b")),
    lambda: receipt(3, attempt("a", region="eu"), attempt("a", region="eu")),
    lambda: receipt(4, attempt("p/raw", listed=False)),
    lambda: receipt(5, attempt("sim/echo", simulated=True)),
    lambda: receipt(6, attempt("p/fake", listed=False, simulated=True)),
    lambda: receipt(7),
    lambda: receipt(8, attempt("late")),
)


def used(opens: Opens, directory: Path, since: int, until: int) -> Use:
    with contextmanager(opens)(directory, [make() for make in CALLS]) as ledger:
        return asyncio.run(ledger.use(since, until))


def test_calls_in_the_window_are_counted_once_and_simulated_ones_apart(
    opens: Opens, tmp_path: Path
) -> None:
    use = used(opens, tmp_path, 2, 8)
    assert (use.calls, use.unlisted_calls, use.simulated_calls) == (3, 1, 2)
    assert use.models == (
        use_of("a", 3, 2, region="eu", failed=1),
        use_of("b", 1, 1),
        use_of("p/fake", 1, 1, listed=False, simulated=True),
        use_of("p/raw", 1, 1, listed=False),
        use_of("sim/echo", 1, 1, simulated=True),
    )


def test_a_window_without_calls_counts_nothing(opens: Opens, tmp_path: Path) -> None:
    assert used(opens, tmp_path, 9, 99) == Use()


def test_several_calls_are_found_at_once_and_the_unknown_left_out(
    opens: Opens, tmp_path: Path
) -> None:
    with contextmanager(opens)(tmp_path, [make() for make in CALLS]) as ledger:
        found = asyncio.run(ledger.several(["call_3", "call_x", "call_1", "call_3"]))
        assert sorted(each.call for each in found) == ["call_1", "call_3"]
        assert asyncio.run(ledger.several([])) == []
        with pytest.raises(InvalidRequest, match="500"):
            asyncio.run(ledger.several(["call_1"] * 501))


def prompted(number: int, prompt: str, *parameters: str, **more: object) -> Receipt:
    known: dict[str, object] = {
        "call": f"call_{number}",
        "received_ns": number,
        "door": "d",
        "workload": "support",
        "release": "rel_1",
        "prompt": prompt,
        "prompt_version": "ver_1",
        "prompt_source": "registered",
        "parameters": parameters,
        "usage": Usage(input=10, cached_read=5, output=3, output_audio=1, reasoning=2),
        "cost_nano": 7,
    }
    return Receipt(**(known | more))  # type: ignore[arg-type]


def use_of_prompt(prompt: str, calls: int, *parameters: str, **more: object) -> PromptUse:
    known: dict[str, object] = {
        "workload": "support", "release": "rel_1", "prompt": prompt, "version": "ver_1",
        "source": "registered", "simulated": False, "calls": calls, "tokens_in": 15 * calls,
        "tokens_out": 4 * calls, "cost_nano": 7 * calls, "parameters": parameters,
    }  # fmt: skip
    return PromptUse(**(known | more))  # type: ignore[arg-type]


def prompts_used(
    opens: Opens, directory: Path, receipts: Sequence[Receipt], since: int, until: int
) -> list[PromptUse]:
    with contextmanager(opens)(directory, receipts) as ledger:
        return list(asyncio.run(ledger.prompts(since, until)))


def test_calls_are_counted_by_prompt_with_every_parameter_that_it_set(
    opens: Opens, tmp_path: Path
) -> None:
    observed = {"prompt_version": "", "prompt_source": "observed"}
    receipts = [
        prompted(1, "early"),
        prompted(2, "greeting", "temperature", "tools"),
        prompted(3, "greeting"),
        prompted(4, "greeting", "output", "temperature"),
        prompted(5, "greeting", simulated=True),
        prompted(6, "greeting", release="rel_0"),
        prompted(7, "observed:00ff", **observed),
        prompted(8, "greeting", workload="mail", prompt_version="ver_2"),
        receipt(9, attempt("a")),
        prompted(10, "late"),
    ]
    assert prompts_used(opens, tmp_path, receipts, 2, 10) == [
        PromptUse(
            workload="", release="", prompt="", version="", source="", simulated=False, calls=1,
            tokens_in=0, tokens_out=0, cost_nano=0,
        ),
        use_of_prompt("greeting", 1, workload="mail", version="ver_2"),
        use_of_prompt("greeting", 1, release="rel_0"),
        use_of_prompt("greeting", 3, "output", "temperature", "tools"),
        use_of_prompt("greeting", 1, simulated=True),
        use_of_prompt("observed:00ff", 1, version="", source="observed"),
    ]  # fmt: skip


def test_a_window_without_calls_has_no_prompts(opens: Opens, tmp_path: Path) -> None:
    assert prompts_used(opens, tmp_path, [prompted(1, "greeting")], 2, 9) == []


def test_sums_at_the_end_of_the_range_are_exact(opens: Opens, tmp_path: Path) -> None:
    largest = 2**63 - 1
    usage = Usage(input=largest, output=largest)
    receipts = [prompted(n, "greeting", cost_nano=largest, usage=usage) for n in (1, 2, 3)]
    receipts.append(prompted(4, "greeting", cost_nano=-5))
    (found,) = prompts_used(opens, tmp_path, receipts, 0, 9)
    assert found.cost_nano == 3 * largest - 5
    assert (found.tokens_in, found.tokens_out) == (3 * largest + 15, 3 * largest + 4)
