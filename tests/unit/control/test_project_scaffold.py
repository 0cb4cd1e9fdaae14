"""What `portico init` writes, and how a directory differs from what is live."""

import datetime

from portico.control.projects import compile_project, drift, scaffold

TODAY = datetime.date(2026, 11, 23)


def test_the_scaffold_compiles_without_a_problem_or_a_warning() -> None:
    files = scaffold()
    result = compile_project(files, {}, TODAY)
    assert result.problems == ()
    assert result.warnings == ()
    assert result.snapshot is not None
    assert [w.ladder for w in result.snapshot.workloads] == [(("echo",),)]
    assert ".portico/" in files[".gitignore"]


def test_the_commented_lines_of_the_scaffold_are_true() -> None:
    text = scaffold()["portico.yaml"]
    for name in (
        "openai:",
        "claude:",
        "small:",
        "large:",
        "lane:",
        "latency:",
        "max_output_tokens:",
    ):
        text = text.replace(f"# {name}", name)
    environment = {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b"}
    files = {"portico.yaml": text.replace("[echo]", "[small]")}
    result = compile_project(files, environment, TODAY)
    assert result.problems == ()
    assert result.snapshot is not None
    assert [p.name for p in result.snapshot.providers] == ["sim", "openai", "claude"]
    assert result.snapshot.workloads[0].ladder == (("small",),)
    assert result.snapshot.workloads[0].total_s == 60


def test_drift_names_each_file_that_differs() -> None:
    live = {"portico.yaml": "a", "prompts/a.md": "x", "prompts/b.md": "y"}
    here = {"portico.yaml": "b", "prompts/b.md": "y", "prompts/c.md": "z"}
    assert drift(live, here) == (
        "portico.yaml: changed",
        "prompts/a.md: only live",
        "prompts/c.md: only in the directory",
    )
    assert drift(live, live) == ()
