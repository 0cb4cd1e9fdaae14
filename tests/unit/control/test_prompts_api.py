"""Prompts over HTTP: what there is, how it came about, what it is used for."""

import json

import pytest
from tests.unit.control.office import Office

from portico.adapters.memory.clock import FakeClock
from portico.contract.deployment import (
    Act,
    Applied,
    ObservedPrompt,
    Shipment,
    StoredVersion,
    Transcript,
)
from portico.contract.prompt import PromptVersion
from portico.contract.receipt import Receipt
from portico.contract.usage import Usage
from portico.control.prompts.registry import ProjectPrompts

NOW = FakeClock().now_ns()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
ONE = PromptVersion(name="greet", version="ver_01", template="Hi.\n", variables=SCHEMA)
TWO = PromptVersion(
    name="greet",
    version="ver_02",
    template="Hello from {{ city }}.\n",
    variables=SCHEMA,
    untrusted=("city",),
)
MARK = "0123456789abcdef"
CASES = '{"id": "c1", "variables": {"city": "Rome"}, "input": "x"}\nbroken\n'


def a_call(number: int, source: str = "registered", **changes: object) -> Receipt:
    known: dict[str, object] = {
        "call": f"call_p{number}",
        "received_ns": NOW - number,
        "door": "openai_chat",
        "workload": "support",
        "release": "rel_0a",
        "prompt": f"observed:{MARK}" if source == "observed" else "greet",
        "prompt_version": "" if source == "observed" else "ver_02",
        "prompt_source": source,
        "parameters": ("temperature",),
        "usage": Usage(input=10, output=2),
    }
    return Receipt(**(known | changes))  # type: ignore[arg-type]


def office() -> Office:
    """Two versions of a prompt, the older one live after a rollback, and an observed prompt."""
    made = Office()
    for number, version in enumerate((ONE, TWO)):
        made.store.ship(
            Shipment(
                applied=Applied(
                    project="default", files={}, digest=str(number), applied_ns=number, by="k"
                ),
                versions=(
                    StoredVersion(
                        prompt=version, project="default", created_ns=number, author="key_a",
                        message=f"m{number}",
                    ),
                ),
            )
        )  # fmt: skip
    made.store.take(
        [
            ObservedPrompt(
                workload="other", fingerprint=MARK, sketch=(1,), text="You serve {{ value_1 }}.",
                first_ns=1, last_ns=5, calls=3,
            )
        ]
    )  # fmt: skip
    made.projects = [
        ProjectPrompts(
            project="default",
            prompts={"greet": TWO},
            live={"support": ONE},
            workloads=("support", "other"),
            files={"evals/greet/cases.jsonl": CASES},
        )
    ]
    return made


def test_prompts_are_listed_with_their_live_version_workloads_and_calls() -> None:
    at = office()
    at.journal.record(a_call(1))
    at.journal.record(a_call(2, "observed", workload="other"))
    status, shown = at.ask("GET", "/prompts")
    assert status == 200
    greet, seen = shown["prompts"]
    assert (greet["name"], greet["version"], greet["source"]) == ("greet", "ver_01", "registered")
    assert (greet["workloads"], greet["calls"], greet["tokens_in"]) == (["support"], 1, 10)
    assert (seen["name"], seen["source"], seen["calls"]) == (f"observed:{MARK}", "observed", 1)
    assert (seen["workloads"], seen["last_ns"]) == (["other"], 5)


def test_a_prompt_is_shown_as_it_is_live_and_in_any_version() -> None:
    at = office()
    _, live = at.ask("GET", "/prompts/greet")
    assert (live["live"], live["prompt"]["template"]) == ("ver_01", "Hi.\n")
    assert [each["version"] for each in live["versions"]] == ["ver_02", "ver_01"]
    _, newer = at.ask("GET", "/prompts/greet", query="version=ver_02")
    assert newer["prompt"]["variables"] == SCHEMA


def test_an_observed_prompt_is_shown_with_its_text() -> None:
    status, shown = office().ask("GET", f"/prompts/observed:{MARK}")
    assert (status, shown["text"], shown["prompt"]) == (200, "You serve {{ value_1 }}.", None)
    assert (shown["workloads"], shown["project"]) == (["other"], "default")


def test_history_says_who_when_why_and_what_changed() -> None:
    status, shown = office().ask("GET", "/prompts/greet/history")
    assert status == 200
    newest, oldest = shown["versions"]
    assert (newest["author"], newest["message"], newest["live"]) == ("key_a", "m1", False)
    assert "-Hi." in newest["lines"]
    assert "+Hello from {{ city }}." in newest["lines"]
    assert oldest["live"]


def test_two_versions_are_compared_over_the_suite_of_the_prompts_name() -> None:
    body = b'{"name": "greet", "to": "ver_02"}'
    status, shown = office().ask("POST", "/prompts/diff", body)
    assert (status, shown["from"], shown["to"]) == (200, "ver_01", "ver_02")
    assert "variable city is untrusted now" in shown["lines"]
    (case,) = shown["cases"]
    assert (case["id"], case["error"]) == ("c1", "")
    assert "+Hello from Rome." in case["lines"]


def test_a_case_that_cannot_be_rendered_says_why_and_the_others_are_shown() -> None:
    cases = [{"id": "bad", "variables": {"city": 3}}, {"id": "good", "variables": {"city": "Oslo"}}]
    body = json.dumps({"name": "greet", "from": "ver_01", "to": "ver_02", "cases": cases}).encode()
    _, shown = office().ask("POST", "/prompts/diff", body)
    bad, good = shown["cases"]
    assert "city" in bad["error"]
    assert "+Hello from Oslo." in good["lines"]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/prompts/gret", b"", 404),
        ("GET", "/prompts/observed:ffffffffffffffff", b"", 404),
        ("GET", "/prompts/gret/history", b"", 404),
        ("POST", "/prompts/diff", b'{"name": "greet", "to": "ver_0f"}', 404),
        ("POST", "/prompts/diff", b'{"name": "greet", "to": "latest"}', 400),
        ("POST", "/prompts/adopt", b'{"fingerprint": "ffffffffffffffff", "name": "x"}', 404),
        ("POST", "/prompts/adopt", b'{"fingerprint": "short", "name": "x"}', 400),
    ],
)
def test_what_is_not_there_is_said(method: str, path: str, body: bytes, expected: int) -> None:
    status, answer = office().ask(method, path, body)
    assert (status, answer["error"]["code"]) == (expected, "invalid_request")


def adopt(at: Office, name: str = "../x") -> tuple[int, dict[str, object]]:
    body = json.dumps({"fingerprint": f"observed:{MARK}", "name": name}).encode()
    return at.ask("POST", "/prompts/adopt", body)


def test_a_name_that_leads_out_of_the_folder_is_refused() -> None:
    assert adopt(office())[0] == 400


def test_an_adopted_prompt_comes_as_a_file_without_a_suite_where_nothing_was_kept() -> None:
    at = office()
    status, made = adopt(at, "care/serve")
    assert (status, made["workload"], made["cases"]) == (200, "other", 0)
    files, notes = made["files"], made["notes"]
    assert isinstance(files, dict)
    assert isinstance(notes, list)
    assert list(files) == ["prompts/care/serve.md"]
    assert MARK in files["prompts/care/serve.md"]
    assert "transcripts: full" in notes[0]
    (act,) = at.store.acts(1)
    assert (act.action, act.who, act.target) == ("adopt", "key_boss", "other")
    assert (act.before, act.after) == (f"observed:{MARK}", "care/serve")


def test_an_adopted_prompt_has_a_suite_of_what_was_said_with_it() -> None:
    at = office()
    request = {
        "model": "other",
        "messages": [
            {"role": "system", "content": "You serve Oslo."},
            {"role": "user", "content": "Where?"},
        ],
    }
    answer = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [
            {"index": 0, "finish_reason": "stop",
             "message": {"role": "assistant", "content": "In Oslo."}},
        ],
    }  # fmt: skip
    at.store.take(
        [
            Transcript(
                call="call_t1", team="default", workload="other", door="openai_chat", subject="",
                received_ns=3, request=json.dumps(request).encode(),
                answer=json.dumps(answer).encode(),
            )
        ]
    )  # fmt: skip
    _, made = adopt(at, "serve")
    files = made["files"]
    assert isinstance(files, dict)
    assert set(files) == {
        "prompts/serve.md", "evals/serve/suite.yaml", "evals/serve/cases.jsonl",
    }  # fmt: skip
    case = json.loads(files["evals/serve/cases.jsonl"])
    assert (case["input"], case["expected"]) == ("Where?", "In Oslo.")
    assert "Oslo" in json.dumps(case["variables"])
    assert (made["cases"], made["notes"]) == (1, [])


def test_use_is_evidence_by_source_version_parameter_and_rollback() -> None:
    at = office()
    for number in range(3):
        at.journal.record(a_call(number))
    at.journal.record(a_call(7, "observed", workload="other", parameters=()))
    at.journal.record(a_call(8, simulated=True))
    at.store.act(
        Act(at_ns=NOW - 5, who="k", action="rollback", project="default", target="support")
    )
    at.store.act(Act(at_ns=NOW - 4, who="k", action="apply", project="default", target=""))
    status, use = at.ask("GET", "/prompts/use", query="days=7")
    assert status == 200
    assert (use["calls"], use["simulated_calls"]) == (4, 1)
    assert use["registered"] == {"calls": 3, "share": 0.75}
    assert use["observed"] == {"calls": 1, "share": 0.25}
    assert use["adopted"] == {"calls": 0, "share": 0.0}
    (version,) = [each for each in use["versions"] if each["prompt"] == "greet"]
    assert (version["version"], version["calls"], version["tokens_in_per_call"]) == (
        "ver_02",
        3,
        10,
    )
    assert use["parameters"] == {"temperature": 3}
    assert (use["rollbacks"], use["applies"], use["releases"]) == (1, 1, 1)


def test_use_without_calls_claims_no_share() -> None:
    _, use = office().ask("GET", "/prompts/use")
    assert use["registered"] == {"calls": 0, "share": None}
