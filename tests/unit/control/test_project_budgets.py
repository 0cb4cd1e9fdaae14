"""`budgets:`, and the budgets of workloads and teams: exact, placed, and only what can hold."""

import datetime

import pytest

from portico.contract.budget import Budget, Scope
from portico.control.projects import Problem, compile_project

TODAY = datetime.date(2026, 11, 23)
BASE = """\
providers:
  sim: {kind: simulator}
  own: {kind: openai, base_url: "http://127.0.0.1:9/v1"}
models:
  echo: {provider: sim, id: echo}
  free: {provider: own, id: m, price: unpriced}
workloads:
  w: {ladder: [echo], team: care}
  v: {ladder: [echo, free], team: lab}
"""
LINE = BASE.count("\n") + 1
PRICED = BASE.replace("price: unpriced", "price: {input: 1, output: 2}")


def budgets(text: str) -> tuple[Budget, ...]:
    compiled = compile_project({"portico.yaml": text}, {}, TODAY)
    assert compiled.problems == ()
    assert compiled.snapshot is not None
    return compiled.snapshot.budgets


def one(entry: str, base: str = PRICED) -> Budget:
    (budget,) = budgets(f"{base}budgets:\n  b: {entry}\n")
    return budget


def problems(text: str) -> tuple[Problem, ...]:
    return compile_project({"portico.yaml": text}, {}, TODAY).problems


def test_a_budget_is_compiled_whole() -> None:
    entry = (
        "{usd: 12.5, per: session, soft: 0.9, hard: false, otherwise: smaller, steps: 5,"
        " tokens: 9000, wall_time: 2m, repeats: 3, time_zone: Europe/Berlin, team: care,"
        " workload: w, key: the key of Ada, tag: app=chat}"
    )
    assert one(f"{entry}") == Budget(
        name="budgets.b",
        scope=Scope(team="care", workload="w", key="the key of Ada", tag="app=chat"),
        per="session",
        nano=12_500_000_000,
        hard=False,
        soft=0.9,
        otherwise="smaller",
        time_zone="Europe/Berlin",
        steps=5,
        tokens=9000,
        wall_time_s=120.0,
        repeats=3,
    )


def test_budgets_of_workloads_and_teams_are_named_by_where_they_stand() -> None:
    text = PRICED.replace("team: care", "team: care, budget: {usd: 1, per: day}")
    text += "project: p\nteams:\n  care: {budget: {usd: 2, per: week}}\n  lab: {}\n"
    text += "budgets:\n  all: {usd: 3, per: month}\n"
    assert [(each.name, each.scope, each.nano) for each in budgets(text)] == [
        ("budgets.all", Scope(project="p"), 3 * 10**9),
        ("workloads.w.budget", Scope(project="p", workload="w"), 10**9),
        ("teams.care.budget", Scope(project="p", team="care"), 2 * 10**9),
    ]


@pytest.mark.parametrize(
    ("usd", "nano"),
    [
        ("0", 0),
        ("0.1", 100_000_000),
        ("0.3", 300_000_000),
        ("1.1", 1_100_000_000),
        ("0.000000001", 1),
        ("1e-9", 1),
        ("4.35", 4_350_000_000),
        ("123456.789012345", 123_456_789_012_345),
        ("1e9", 10**18),
    ],
)
def test_an_amount_is_counted_exactly_as_it_is_written(usd: str, nano: int) -> None:
    assert one(f"{{usd: {usd}, per: month}}").nano == nano


@pytest.mark.parametrize(
    ("entry", "soft"),
    [
        ("{usd: 1, per: day}", None),
        ("{usd: 1, per: day, otherwise: refuse}", None),
        ("{usd: 1, per: day, otherwise: smaller}", 0.8),
        ("{usd: 1, per: day, otherwise: cached}", 0.8),
        ("{usd: 1, per: day, otherwise: cached, soft: 0.5}", 0.5),
        ("{usd: 1, per: day, otherwise: smaller, soft: 0}", 0.0),
        ("{steps: 4, per: session, otherwise: refuse}", None),
    ],
)
def test_what_acts_before_the_end_does_so_from_four_fifths_on_unless_it_says_when(
    entry: str, soft: float | None
) -> None:
    assert one(entry).soft == soft


@pytest.mark.parametrize(
    ("entry", "path", "message", "hint"),
    [
        ("{per: day}", "", "it limits nothing", "steps"),
        ("{usd: -1, per: day}", ".usd", "greater than or equal to 0", ""),
        ("{usd: 1e-10, per: day}", ".usd", "finer than a nano-dollar", ""),
        ("{usd: 1.0000000001, per: day}", ".usd", "finer than a nano-dollar", ""),
        ("{usd: 2e9, per: day}", ".usd", "at most 1,000,000,000", ""),
        ("{usd: 1, per: year}", ".per", "found year", ""),
        ("{usd: 1, per: day, soft: 80}", ".soft", "less than or equal to 1", ""),
        ("{usd: 1, per: day, otherwise: smaler}", ".otherwise", "found smaler", "smaller"),
        ("{usd: 1, per: day, steps: 3}", ".steps", "a limit of sessions", "per: session"),
        ("{usd: 1, per: call, tokens: 3}", ".tokens", "a limit of sessions", "per: session"),
        ("{wall_time: 1h, per: day}", ".wall_time", "a limit of sessions", "per: session"),
        ("{repeats: 0, per: session}", ".repeats", "greater than or equal to 1", ""),
        ("{steps: 3, per: session, soft: 0.5}", ".soft", "there is no usd", "give usd"),
        ("{steps: 3, per: session, otherwise: smaller}", ".otherwise", "no usd", ""),
        ("{usd: 1, per: day, hard: false, otherwise: refuse}", ".otherwise", "refuse at", "soft"),
        ("{usd: 1, per: day, time_zone: Europe/Berln}", ".time_zone", "Berln", "Europe/Berlin"),
        ("{usd: 1, per: day, time_zone: Berlin}", ".time_zone", "zone Berlin", "Europe/Berlin"),
        ("{usd: 1, per: day, time_zone: utc-2h}", ".time_zone", "zone utc-2h", ""),
        ("{usd: 1, per: day, time_zone: Europe}", ".time_zone", "no time zone Europe", ""),
        ("{usd: 1, per: day, time_zone: ../UTC}", ".time_zone", "no time zone ../UTC", ""),
        ("{usd: 1, per: day, tag: '=x'}", ".tag", "expected name", ""),
        ("{usd: 1, per: day, tag: ''}", ".tag", "at least 1 character", ""),
        ("{usd: 1, per: day, workload: ww}", ".workload", "there is no workload ww", "w"),
    ],
)
def test_a_wrong_budget_is_named_with_its_place(
    entry: str, path: str, message: str, hint: str
) -> None:
    (found,) = problems(f"{PRICED}budgets:\n  b: {entry}\n")
    assert (found.path, found.line) == (f"budgets.b{path}", LINE + 1)
    assert message in found.message
    assert hint in found.hint


def test_a_team_that_there_is_not_is_named_where_teams_are_listed() -> None:
    text = (
        f"{PRICED}teams: {{care: {{}}, lab: {{}}}}\nbudgets:\n  b: {{usd: 1, per: day, team: ca}}\n"
    )
    (found,) = problems(text)
    assert (found.path, found.message) == ("budgets.b.team", "there is no team ca")


@pytest.mark.parametrize("scope", ["", ", workload: v", ", team: lab", ", team: lab, workload: v"])
def test_a_hard_budget_holds_no_model_without_a_price(scope: str) -> None:
    (found,) = problems(f"{BASE}budgets:\n  b: {{usd: 1, per: day{scope}}}\n")
    assert (found.path, found.line) == ("budgets.b", LINE + 1)
    assert "a hard budget cannot hold an unpriced model, and the workload v calls free" in str(
        found
    )
    assert found.hint == "give models.free.price, or hard: false"


@pytest.mark.parametrize(
    "rest",
    [
        "usd: 1, per: day, workload: w",
        "usd: 1, per: day, team: care",
        "usd: 1, per: day, hard: false",
        "per: session, steps: 3",
        "usd: 1, per: day, key: k",
        "usd: 1, per: day, tag: t",
    ],
)
def test_a_budget_that_holds_no_money_of_such_a_workload_may_stand_beside_it(rest: str) -> None:
    assert one(f"{{{rest}}}", BASE).name == "budgets.b"


def test_the_budget_of_a_workload_and_of_a_team_cannot_hold_such_a_model_either() -> None:
    text = BASE.replace("team: lab", "team: lab, budget: {usd: 1, per: day}")
    text += "teams: {care: {}, lab: {budget: {usd: 1, per: day}}}\n"
    assert [each.path for each in problems(text)] == ["workloads.v.budget", "teams.lab.budget"]


def test_the_workload_default_that_nobody_names_is_bounded_too() -> None:
    text = BASE.replace("  echo: {provider: sim, id: echo}\n", "")
    text = text[: text.index("workloads:")] + "budgets: {b: {usd: 1, per: day}}\n"
    (found,) = problems(text)
    assert "the workload default calls free" in found.message


def test_provisioned_throughput_is_paid_by_the_hour_and_a_hard_budget_holds_it() -> None:
    text = BASE.replace(
        "{provider: own, id: m, price: unpriced}",
        '{provider: aws, id: "arn:aws:bedrock:x", throughput: provisioned}',
    ).replace("providers:", "providers:\n  aws: {kind: bedrock, region: eu-west-1}")
    assert one("{usd: 1, per: day}", text).nano == 10**9


def test_all_that_is_wrong_with_a_budget_is_told_at_once() -> None:
    found = problems(f"{PRICED}budgets:\n  b: {{per: day, soft: 1, steps: 2, time_zone: X}}\n")
    assert {each.path for each in found} == {
        "budgets.b.soft",
        "budgets.b.steps",
        "budgets.b.time_zone",
    }
