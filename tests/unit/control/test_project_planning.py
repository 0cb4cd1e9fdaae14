"""What a plan says: every kind of change, in words and lines, and no secret."""

import datetime
from collections.abc import Mapping

import msgspec
import pytest

from portico.control.projects import compile_project
from portico.control.projects.drafting import draft
from portico.control.projects.outcome import Change, Plan, Wish
from portico.control.projects.serving import Serving
from portico.control.projects.shipping import Order

TODAY = datetime.date(2026, 11, 23)
YAML = """\
providers:
  sim: {kind: simulator, script: answers.yaml}
  own: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: sk-canary-1}
models:
  echo: {provider: sim, id: echo}
  mine: {provider: own, id: m, price: {input: 1, output: 2}}
workloads:
  support: {ladder: [echo], prompt: greet, rollout: {gate: basic}, lane: chat}
  other: {ladder: [mine]}
limits: {nesting: 50}
"""
FILES = {
    "portico.yaml": YAML,
    "answers.yaml": "- {answer: aye}\n",
    "prompts/greet.md": "Be kind.\n",
    "evals/basic/suite.yaml": "name: basic\n",
    "policies/a.cedar": "permit(principal, action, resource);\n",
}


def after(serving: Serving, files: Mapping[str, str], number: int) -> tuple[Plan, Serving]:
    compiled = compile_project(files, {}, TODAY)
    assert compiled.problems == ()
    order = Order(by="key_a", now_ns=number)
    made = draft(serving, Wish(files=files, by="key_a"), compiled, order)
    return made.plan(), made.after


def plan(files: Mapping[str, str]) -> Plan:
    """Of `files` where FILES are live."""
    _, serving = after(Serving({}), FILES, 1)
    return after(serving, files, 2)[0]


def changed(of: Plan) -> dict[tuple[str, str], Change]:
    return {(each.kind, each.name): each for each in of.changes if each.action != "none"}


def with_yaml(before: str, text: str) -> dict[str, str]:
    assert before in YAML
    return {**FILES, "portico.yaml": YAML.replace(before, text)}


def test_a_first_plan_adds_everything_and_starts_from_nothing() -> None:
    found, _ = after(Serving({}), FILES, 1)
    assert {each.action for each in found.changes} == {"add"}
    assert {each.kind for each in found.changes} == {
        "workload", "prompt", "provider", "model", "policy", "suite", "file", "settings",
    }  # fmt: skip
    assert found.base == ""


@pytest.mark.parametrize(
    ("files", "where", "action", "line"),
    [
        (with_yaml("id: echo", "id: extract"), ("model", "echo"), "change",
         'models.echo.id: "echo" -> "extract"'),
        (with_yaml("input: 1", "input: 3"), ("model", "mine"), "change",
         "models.mine.price.input: 1 -> 3"),
        (with_yaml(":9/v1", ":8/v1"), ("provider", "own"), "change",
         'providers.own.base_url: "http://127.0.0.1:9/v1" -> "http://127.0.0.1:8/v1"'),
        (with_yaml("nesting: 50", "nesting: 60"), ("settings", "limits"), "change",
         "limits.nesting: 50 -> 60"),
        (with_yaml("limits:", "budgets: {all: {usd: 5, per: day}}\nlimits:"),
         ("settings", "budgets"), "add", "budgets.all.usd: none -> 5"),
        (with_yaml("lane: chat", "lane: chat, budget: {usd: 0.5, per: day}"),
         ("workload", "support"), "change", "workloads.support.budget.usd: none -> 0.5"),
        (with_yaml("limits:", "currency: {code: EUR, per_usd: 0.9, date: 2026-11-20}\nlimits:"),
         ("settings", "currency"), "add", 'currency.code: none -> "EUR"'),
        (with_yaml("lane: chat", "lane: batch"), ("workload", "support"), "change",
         'workloads.support.lane: "chat" -> "batch"'),
        ({**FILES, "prompts/greet.md": "Be brief.\n"}, ("prompt", "greet"), "change", "+Be brief."),
        ({**FILES, "prompts/greet.md": "Be brief.\n"}, ("workload", "support"), "change",
         "-Be kind."),
        ({**FILES, "policies/a.cedar": "forbid(x);\n"}, ("policy", "a.cedar"), "change",
         "+forbid(x);"),
        ({**FILES, "evals/basic/c.jsonl": "{}\n"}, ("suite", "basic/c.jsonl"), "add", "+{}"),
        ({**FILES, "answers.yaml": "- {answer: nay}\n"}, ("file", "answers.yaml"), "change",
         "+- {answer: nay}"),
        ({k: v for k, v in FILES.items() if "cedar" not in k}, ("policy", "a.cedar"), "remove",
         "-permit(principal, action, resource);"),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_named_with_its_lines(
    files: dict[str, str], where: tuple[str, str], action: str, line: str
) -> None:
    found = changed(plan(files))[where]
    assert found.action == action
    assert line in found.lines
    assert "\n" not in found.message


def test_a_secret_that_stands_in_the_file_is_said_to_differ_and_not_shown() -> None:
    found = plan(with_yaml("sk-canary-1", "sk-canary-2"))
    assert b"canary" not in msgspec.json.encode(found)
    (line,) = changed(found)["provider", "own"].lines
    assert line == "providers.own.api_key: a value that is not shown differs"


def test_a_budget_of_a_workload_is_no_part_of_its_release() -> None:
    found = changed(plan(with_yaml("lane: chat", "budget: {usd: 5, per: day}")))
    support = found["workload", "support"]
    assert support.from_release == support.to_release
    assert support.message == "workload support: settings"


def test_the_address_and_the_secret_of_a_webhook_are_not_shown() -> None:
    hook = "webhooks: {ops: {url: 'https://canary', secret: canary, shape: slack}}\nlimits:"
    found = plan(with_yaml("limits:", hook))
    lines = changed(found)["settings", "webhooks"].lines
    assert "webhooks.ops.secret: a value that is not shown differs" in lines
    assert 'webhooks.ops.shape: none -> "slack"' in lines
    assert b"canary" not in msgspec.json.encode(found)


def test_a_removed_workload_is_said_and_leaves_the_others_alone() -> None:
    found = changed(plan(with_yaml("  other: {ladder: [mine]}\n", "")))
    assert list(found) == [("workload", "other")]
    assert found["workload", "other"].action == "remove"
    assert found["workload", "other"].to_release == ""


def test_gates_are_those_of_changed_workloads_and_say_that_they_are_not_run() -> None:
    (gate,) = plan({**FILES, "prompts/greet.md": "Be brief.\n"}).gates
    assert (gate.workload, gate.suite, gate.active) == ("support", "basic", False)
    assert "not run" in gate.reason
    assert plan(with_yaml("[mine]", "[mine, echo]")).gates == ()


def test_what_takes_effect_at_the_next_start_only_is_warned_about() -> None:
    found = plan(with_yaml("limits:", "durability: commit\nlimits:"))
    assert any("next start" in warning for warning in found.warnings)


def test_a_long_difference_is_cut_and_says_so() -> None:
    text = "".join(f"permit{number}(x);\n" for number in range(5000))
    lines = changed(plan({**FILES, "policies/b.cedar": text}))["policy", "b.cedar"].lines
    assert len(lines) <= 2001
    assert "more" in lines[-1]
