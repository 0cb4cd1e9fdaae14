"""Load tests and the catalogue over the administrative API."""

import json
from typing import Any

import msgspec
import pytest
from tests.unit.control.office import Office

from portico.contract.receipt import Attempt, Receipt
from portico.contract.snapshot import Model, Provider, Snapshot, Workload

NOW_NS = 1_700_000_000_000_000_000
BENCH = "bench_" + "a" * 28
SNAPSHOT = Snapshot(
    project="default",
    providers=(Provider(name="openai", kind="openai"),),
    models=(
        Model(name="small", provider="openai", id="gpt-5-mini"),
        Model(name="openai/gpt-5", provider="openai", id="gpt-5", listed=False),
    ),
    workloads=(Workload(name="support", ladder=(("small",),)),),
    digest="d1",
)


def office() -> Office:
    made = Office()
    made.snapshot = SNAPSHOT
    for number in range(3):
        made.journal.record(a_receipt(number))
    return made


def a_receipt(number: int, bench: str = BENCH) -> Receipt:
    attempt = Attempt(
        id=f"att_{number}", provider="openai", kind="openai", model="small", model_id="s",
        status="ok", listed=number != 2,
    )  # fmt: skip
    return Receipt(
        call=f"call_{bench[6:8]}{number}",
        received_ns=NOW_NS - number,
        door="openai_chat",
        workload="support",
        model="small",
        tags=(("bench", bench),),
        cost_nano=500,
        attempts=(attempt,),
    )


def report(**changes: Any) -> dict[str, Any]:
    samples = [{"call": f"call_aa{number}", "total_us": 10 + number} for number in range(3)]
    known = {
        "id": BENCH,
        "workload": "support",
        "started_ns": NOW_NS,
        "duration_us": 1000,
        "conditions": {"calls": 3, "concurrency": 2, "stream": False},
        "samples": samples,
    }
    return known | changes


def post(at: Office, body: object) -> tuple[int, Any]:
    return at.ask("POST", "/bench", json.dumps(body).encode())


def test_a_load_test_is_stored_with_what_the_ledger_knows_and_listed() -> None:
    at = office()
    status, kept = post(at, report())
    assert status == 201
    assert (kept["made"], kept["ok"], kept["cost_nano"]) == (3, 3, 1500)
    assert kept["cost_usd"] == "0.0000015"
    assert kept["total"] == {"p50_us": 11, "p90_us": 12, "p99_us": 12}
    assert (kept["evidence"], kept["simulated"], kept["change"]) == (True, False, None)
    assert (kept["by"], kept["configuration"], kept["models"]) == ("key_boss", "d1", ["small"])
    assert at.ask("GET", "/bench") == (200, {"benches": [kept]})
    assert at.ask("GET", "/bench", query="workload=other") == (200, {"benches": []})


def test_a_later_load_test_is_listed_last_with_its_change() -> None:
    at = office()
    post(at, report())
    other = "bench_" + "b" * 28
    at.journal.record(a_receipt(7, other))
    status, kept = post(at, report(id=other, samples=[{"call": "call_bb7", "total_us": 22}]))
    assert status == 201
    assert kept["change"]["against"] == BENCH
    assert kept["change"]["relative"]["total_p50"] == 1.0
    _, listed = at.ask("GET", "/bench", query="limit=1")
    assert [each["id"] for each in listed["benches"]] == [other]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "bench_1"}, "id"),
        ({"workload": "suport"}, "workload"),
        ({"duration_us": 0}, "duration_us"),
        ({"samples": []}, "samples"),
        ({"samples": [{"call": "call_zz"}]}, "samples"),
        ({"samples": [{"call": "call_aa1"}] * 2}, "samples"),
        ({"samples": [{"error": "unreachable"}] * 4}, "samples"),
        ({"samples": [{"call": "call_01a2085fd4dfaa31882d7767e960"}]}, "samples"),
        ({"samples": [{"error": "a prompt\n"}]}, "samples.0.error"),
        ({"conditions": {"calls": 3, "concurrency": 0}}, "conditions.concurrency"),
        ({"cost_nano": 0}, "cost_nano"),
    ],
)
def test_what_cannot_be_believed_is_refused_and_nothing_stored(
    changes: dict[str, object], field: str
) -> None:
    at = office()
    status, answer = post(at, report(**changes))
    assert (status, answer["error"]["field"]) == (400, field)
    assert list(at.store.benches(9)) == []


def test_a_load_test_is_stored_once() -> None:
    at = office()
    assert post(at, report())[0] == 201
    status, answer = post(at, report())
    assert (status, answer["error"]["field"]) == (400, "id")


def test_the_catalogue_counts_calls_and_those_to_models_that_are_not_listed() -> None:
    status, shown = office().ask("GET", "/models", query="days=1")
    assert status == 200
    assert (shown["calls"], shown["unlisted_calls"]) == (3, 1)
    small, raw = shown["models"]
    assert (small["name"], small["listed"], small["pinned"]) == ("small", True, False)
    assert small["use"]["calls"] == 3
    assert (raw["name"], raw["listed"]) == ("openai/gpt-5", False)
    _, narrowed = office().ask("GET", "/models", query="listed=false")
    assert [model["name"] for model in narrowed["models"]] == ["openai/gpt-5"]


def test_what_is_too_old_is_outside_the_window() -> None:
    at = office()
    old = msgspec.structs.replace(a_receipt(4), received_ns=NOW_NS - 2 * 24 * 3600 * 10**9, tags=())
    at.journal.record(old)
    assert at.ask("GET", "/models", query="days=1")[1]["calls"] == 3
    assert at.ask("GET", "/models", query="days=3")[1]["calls"] == 4


@pytest.mark.parametrize("query", ["days=0", "days=401", "listed=perhaps"])
def test_a_window_that_makes_no_sense_is_refused(query: str) -> None:
    assert office().ask("GET", "/models", query=query)[0] == 400


def test_the_description_of_the_api_has_both() -> None:
    _, document = office().ask("GET", "/openapi.json")
    assert {"/admin/v1/bench", "/admin/v1/models"} <= document["paths"].keys()
    assert {"ShownBench", "BenchList", "Catalogue"} <= document["components"]["schemas"].keys()
