"""The administrative API over the fakes that ship, spoken to as ASGI."""

import json

import msgspec
import pytest
from tests.unit.control.office import CALL, RECEIPT, Office

from portico.contract.receipt import Receipt
from portico.control.projects.outcome import Wish
from portico.main.admin import LARGEST_BODY, ApplyOutcome, Place


def test_a_key_is_published_before_it_is_answered_and_shown_once() -> None:
    office = Office()
    status, made = office.ask("POST", "/keys", b'{"name": "app", "workloads": ["support"]}')
    assert status == 201
    assert made["key"].startswith("pk_")
    assert office.published == [1]
    status, listed = office.ask("GET", "/keys")
    assert status == 200
    assert [key["id"] for key in listed["keys"]] == [made["id"]]
    assert made["key"].split("_", 2)[2] not in json.dumps(listed)


def test_revoking_and_rotating_are_published_too() -> None:
    office = Office()
    _, made = office.ask("POST", "/keys", b'{"name": "app", "workloads": ["*"]}')
    status, fresh = office.ask("POST", f"/keys/{made['id']}/rotate", b'{"overlap_s": 60}')
    assert (status, fresh["name"]) == (201, "app")
    status, ended = office.ask("POST", f"/keys/{made['id']}/revoke")
    assert (status, ended["state"]) == (200, "revoked")
    assert office.published == [1, 2, 2]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"workloads": ["support"]}', "name"),
        (b'{"name": 3, "workloads": ["support"]}', "name"),
        (b'{"name": "a", "workloads": ["suport"]}', "workloads"),
        (b'{"name": "a", "workloads": ["support"], "expires_s": -1}', "expires_s"),
        (b'{"name": "a", "workloads": ["support"], "kind": "admin"}', "kind"),
        (b'{"name": "a", "workloads": ["support"], "secret": "x"}', "secret"),
    ],
)
def test_what_is_wrong_with_a_body_is_named_by_its_field(body: bytes, field: str) -> None:
    office = Office()
    status, answer = office.ask("POST", "/keys", body)
    assert status == 400
    assert (answer["error"]["code"], answer["error"]["field"]) == ("invalid_request", field)
    assert office.published == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"name":', b"\xff"])
def test_a_body_that_is_no_json_object_is_an_invalid_request(body: bytes) -> None:
    status, answer = Office().ask("POST", "/keys", body)
    assert (status, answer["error"]["code"]) == (400, "invalid_request")


def test_a_body_over_the_bound_is_refused() -> None:
    status, answer = Office().ask("POST", "/keys", b" " * (LARGEST_BODY + 1))
    assert (status, answer["error"]["code"]) == (413, "invalid_request")


def test_calls_are_whole_receipts_with_a_unique_id_and_exact_money() -> None:
    office = Office()
    status, listed = office.ask("GET", "/calls", query="limit=10")
    assert status == 200
    (shown,) = listed["calls"]
    assert (shown["id"], shown["cost_usd"], shown["cost_nano"]) == (CALL, "0.00125", 1_250_000)
    assert shown["received_ns"] == RECEIPT.received_ns
    assert shown["status"] == "ok"
    assert office.ask("GET", f"/calls/{CALL}") == (200, shown)
    assert msgspec.convert(shown, Receipt) == RECEIPT


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/calls", "limit=0", 400),
        ("/calls", "limit=1001", 400),
        ("/calls", "after=nonsense!", 400),
        ("/calls", "after=call_unknown", 400),
        ("/calls/call_unknown", "", 404),
        ("/nowhere", "", 404),
        ("/docs", "", 404),
    ],
)
def test_a_bad_question_gets_an_error_with_our_code(path: str, query: str, expected: int) -> None:
    status, answer = Office().ask("GET", path, query=query)
    assert (status, answer["error"]["code"]) == (expected, "invalid_request")


def test_a_method_that_a_route_does_not_take_is_refused() -> None:
    status, answer = Office().ask("DELETE", "/keys")
    assert (status, answer["error"]["fault"]) == (405, "caller")


def test_apply_records_who_did_it() -> None:
    office = Office()
    status, answer = office.ask("POST", "/apply", b'{"files": {"portico.yaml": "a: 1"}}')
    assert (status, answer["changed"]) == (200, ["workload support: new"])
    assert office.applied == [Wish(files={"portico.yaml": "a: 1"}, by="key_boss")]


def test_a_refused_project_comes_back_with_the_place_of_every_problem() -> None:
    office = Office()
    wrong = Place(file="portico.yaml", message="no such model", path="workloads.a", line=3)
    office.outcome = ApplyOutcome(problems=(wrong, wrong))
    status, answer = office.ask("POST", "/apply", b'{"files": {"portico.yaml": ""}}')
    assert status == 400
    assert [problem["line"] for problem in answer["problems"]] == [3, 3]
    assert "2 problems" in answer["error"]["message"]


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "a/./b", "a\\b", "a\nb", "x" * 501])
def test_a_path_that_leads_out_of_the_project_is_refused(path: str) -> None:
    office = Office()
    body = json.dumps({"files": {"portico.yaml": "", path: ""}}).encode()
    status, answer = office.ask("POST", "/apply", body)
    assert (status, answer["error"]["field"]) == (400, "files")
    assert office.applied == []


def test_a_project_of_more_than_ten_mebibytes_is_refused() -> None:
    office = Office()
    files = {"portico.yaml": "", "prompts/a.md": "x" * (10 * 1024 * 1024 + 1)}
    status, _ = office.ask("POST", "/apply", json.dumps({"files": files}).encode())
    assert (status, office.applied) == (413, [])


def test_a_defect_is_answered_without_its_inner_detail() -> None:
    status, answer = Office().ask("GET", "/status")
    assert (status, answer["error"]["code"]) == (500, "internal_fault")
    assert "secret" not in json.dumps(answer)


def test_the_openapi_document_describes_every_route_receipts_and_errors() -> None:
    status, document = Office().ask("GET", "/openapi.json")
    assert status == 200
    assert "/admin/v1/calls/{id}" in document["paths"]
    assert {"Receipt", "Attempt", "NewKey", "Error"} <= document["components"]["schemas"].keys()
    text = json.dumps(document)
    assert "422" not in text
    for reference in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert reference in document["components"]["schemas"]
