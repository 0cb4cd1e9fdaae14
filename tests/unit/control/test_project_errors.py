"""Everything wrong with a project in one run, each with its place and what was expected."""

import datetime

import pytest

from portico.control.projects import Problem, compile_project

TODAY = datetime.date(2026, 11, 23)
BASE = """\
providers:
  sim: {kind: simulator}
  openai: {kind: openai, api_key: "${KEY}"}
models:
  echo: {provider: sim, id: echo}
workloads:
  w: {ladder: [echo]}
"""
BASE_LINES = BASE.count("\n")


def problems(text: str, **files: str) -> tuple[Problem, ...]:
    compiled = compile_project({"portico.yaml": text, **files}, {"KEY": "secret"}, TODAY)
    assert (compiled.snapshot is None) == bool(compiled.problems)
    return compiled.problems


def only(text: str, **files: str) -> Problem:
    found = problems(text, **files)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


@pytest.mark.parametrize(
    ("line", "path", "message", "hint"),
    [
        ("wrkloads: {}", "wrkloads", "unknown key", "did you mean workloads?"),
        ("project: a b", "project", "expected a name", ""),
        ("project: 5", "project", "expected text, found a number", ""),
        ("limits: {body: 32}", "limits.body", "the unit is missing", ""),
        ("limits: {body: 32 parsecs}", "limits.body", "unit parsecs is not known", ""),
        ("limits: {nesting: 5.5}", "limits.nesting", "expected a whole number", ""),
        ("limits: {nesting: 5}", "limits.nesting", "greater than or equal to 8", ""),
        ("limits: {nesting: yes}", "limits.nesting", "a whole number, found text", ""),
        ("limits: []", "limits", "expected a mapping of keys, found a list", ""),
        ("limits: {drain: 0s}", "limits.drain", "more than no time", ""),
        ("durability: paper", "durability", "expected journal or commit; found paper", ""),
        ("durability: {mode: comit}", "durability.mode", "found comit", "did you mean commit?"),
        ("budgets: {b: {usd: .nan, per: day}}", "budgets.b.usd", "finite", ""),
        ("budgets: {b: {usd: 5}}", "budgets.b.per", "the key per is missing", ""),
        (
            "budgets: {b: {usd: 5, per: day, workload: v}}",
            "budgets.b.workload",
            "no workload v",
            "",
        ),
        ("teams: {a: {}}\nbudgets: {b: {usd: 1, per: day, team: c}}", "budgets.b.team", "c", ""),
        ("retention: {receipts: '${NOPE}'}", "retention.receipts", "NOPE is not set", "set it"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_what_was_expected(
    line: str, path: str, message: str, hint: str
) -> None:
    found = only(BASE + line + "\n")
    assert found.file == "portico.yaml"
    assert found.line == BASE_LINES + line.count("\n") + 1
    assert found.path == path
    assert message in found.message
    assert hint in found.hint


@pytest.mark.parametrize(
    ("model", "path", "message"),
    [
        ("{provider: opnai, id: gpt-5-mini}", ".provider", "there is no provider opnai"),
        ("{provider: openai}", ".id", "the key id is missing"),
        ("{provider: openai, id: gpt-5-mni}", ".price", "no price is published"),
        ("{provider: openai, id: x, price: free}", ".price", "expected unpriced; found free"),
        ("{provider: openai, id: x, price: {input: 1}}", ".price.output", "missing"),
        (
            "{provider: openai, id: x, price: {input: 0.00000025, output: 2}}",
            ".price.input",
            "looks like US dollars a token",
        ),
        (
            "{provider: openai, id: x, price: {input: 0.0123456789, output: 2}}",
            ".price",
            "finer than",
        ),
        ("{provider: openai, id: x, price: {input: -1, output: 2}}", ".price.input", "greater"),
        ("{provider: openai, id: gpt-image-1}", ".price", "does not count yet"),
        ("{provider: sim, id: 'echo?speed=9'}", ".id", "speed"),
        ("{provider: sim, id: echo, size: big}", ".size", "expected a number, found text"),
    ],
)
def test_a_wrong_model_is_named(model: str, path: str, message: str) -> None:
    text = BASE.replace("workloads:", f"  m: {model}\nworkloads:")
    found = only(text)
    assert found.path == f"models.m{path}"
    assert found.line == 6
    assert message in found.message


@pytest.mark.parametrize(
    ("provider", "path", "message"),
    [
        ("{kind: opnai}", ".kind", "found opnai"),
        ("{kind: openai}", "", "the key api_key is missing"),
        ("{kind: openai, api_key: '${NOPE}'}", ".api_key", "NOPE is not set"),
        ("{kind: openai, base_url: 'ftp://x'}", ".base_url", "absolute URL"),
        ("{kind: openai, base_url: 'http://u:p@x'}", ".base_url", "user or password"),
        ("{kind: openai, base_url: '${NOPE}'}", ".base_url", "NOPE is not set"),
        ("{kind: openai, base_url: 'http://x', headers: {'a b': c}}", ".headers.a b", "header"),
        ("{kind: openai, base_url: 'http://x', headers: {host: c}}", ".headers.host", "client"),
        ('{kind: openai, base_url: "http://x", headers: {a: "b\\nc"}}', ".headers.a", "break"),
        ("{kind: simulator, script: s.yaml}", ".script", "there is no file s.yaml"),
        ("{kind: simulator, api_version: x}", ".api_version", "means nothing"),
        ("{kind: simulator, timeouts: {connect: 5}}", ".timeouts.connect", "unit is missing"),
    ],
)
def test_a_wrong_provider_is_named(provider: str, path: str, message: str) -> None:
    found = only(BASE.replace("models:", f"  p: {provider}\nmodels:"))
    assert found.path == f"providers.p{path}"
    assert found.line == 4
    assert message in found.message


@pytest.mark.parametrize(
    ("workload", "path", "message", "hint"),
    [
        ("{}", ".ladder", "the key ladder is missing", ""),
        ("{ladder: []}", ".ladder", "at least 1", ""),
        ("{ladder: echo}", ".ladder", "expected a list", ""),
        ("{ladder: [eco]}", ".ladder.0", "there is no model eco", "echo"),
        ("{ladder: [gpt-5-mini]}", ".ladder.0", "no model gpt-5-mini", "openai/gpt-5-mini"),
        ("{ladder: [echo, {pool: [zork]}]}", ".ladder.1.pool.0", "there is no model zork", ""),
        ("{ladder: [echo, {pol: [echo]}]}", ".ladder.1.pol", "unknown key", "pool"),
        ("{ladder: [echo], lane: voise}", ".lane", "found voise", "voice"),
        ("{ladder: [echo], prompt: p}", ".prompt", "there is no file prompts/p.md", ""),
        ("{ladder: [echo], rollout: {gate: g}}", ".rollout.gate", "no suite evals/g/", ""),
        ("{ladder: [echo], rollout: {shadow: 2}}", ".rollout.shadow", "share", ""),
        ("{ladder: [echo], max_output_tokens: 0}", ".max_output_tokens", "1", ""),
        ("{ladder: [echo], latency: {total: 8}}", ".latency.total", "unit is missing", ""),
        ("{ladder: [echo], guards: {input: {pii: tokenize}}}", ".guards.input.pii", "", "tokenise"),
    ],
)
def test_a_wrong_workload_is_named(workload: str, path: str, message: str, hint: str) -> None:
    found = [p for p in problems(BASE + f"  v: {workload}\n") if p.path == f"workloads.v{path}"]
    assert len(found) == 1
    assert found[0].line == BASE_LINES + 1
    assert message in found[0].message
    assert hint in found[0].hint


def test_all_errors_are_told_in_one_run_in_the_order_of_the_file() -> None:
    text = BASE + "limits: {body: 5, drain: x}\nkpi: {}\nretention: {audit: '${A}', receipts: y}\n"
    text = text.replace("id: echo", "id: echo, sise: 5")
    found = problems(text)
    assert [problem.path for problem in found] == [
        "models.echo.sise",
        "limits.body",
        "limits.drain",
        "kpi",
        "retention.audit",
        "retention.receipts",
    ]
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_a_name_that_exists_is_not_called_missing_because_its_entry_has_an_error() -> None:
    found = only(BASE.replace("{provider: sim, id: echo}", "{provider: sim, id: echo, a: b}"))
    assert found.path == "models.echo.a"


def test_a_broken_script_of_the_simulator_is_named_by_its_file() -> None:
    text = BASE.replace("{kind: simulator}", "{kind: simulator, script: answers.yaml}")
    found = only(text, **{"answers.yaml": "- match: '('\n  answer: x\n"})
    assert found.file == "answers.yaml"


def test_invalid_yaml_is_one_error_with_its_place() -> None:
    found = only("a: 1\nb: [1,\n")
    assert (found.line, found.path) == (3, "")
    assert "not valid YAML" in found.message


def test_no_error_quotes_a_secret() -> None:
    text = BASE.replace('"${KEY}"', '"sk-canary-${NOPE}"') + "webhooks: {h: {url: 5}}\n"
    text += "encryption: {key: [canary]}\nproject: 7\n"
    found = problems(text)
    assert len(found) == 4
    assert "canary" not in " ".join(str(problem) for problem in found)


def test_an_address_in_the_environment_that_is_none_is_named_by_its_variable() -> None:
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "localhost:8000"}
    (found,) = compile_project({}, environment, TODAY).problems
    assert (found.file, found.path, found.line) == ("environment", "OPENAI_BASE_URL", 0)
    assert str(found).startswith("environment: OPENAI_BASE_URL: base_url must be")
