"""Plan, apply and rollback with the installed command: what is live is a hash, and one pointer."""

import concurrent.futures
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.acceptance.doors import DOORS, OPENAI
from tests.acceptance.house import Running, command, up
from tests.acceptance.shipping import (
    ANSWERS,
    BASE,
    ENVIRONMENT,
    KEY,
    KIND,
    POLICY,
    PROJECT,
    PROMPT,
    acts,
    answered,
    done,
    live,
    ship,
    write,
)
from tests.acceptance.waiting import eventually


@pytest.fixture
def portico(tmp_path: Path) -> Iterator[Running]:
    directory = tmp_path / "project"
    write(directory, BASE)
    with up(directory) as running:
        yield running


def changes(running: Running) -> dict[tuple[str, str], dict[str, Any]]:
    plan = json.loads(done(running, "plan", "--json"))
    return {(each["kind"], each["name"]): each for each in plan["changes"]}


def test_a_plan_shows_prompt_lines_models_and_policies_and_changes_nothing(
    portico: Running,
) -> None:
    before, trail = answered(portico), acts(portico)
    assert "nothing would change" in done(portico, "plan")
    yaml = PROJECT.replace("id: %(model)s", "id: echo")
    write(portico.directory, {**KIND, "portico.yaml": yaml})
    write(portico.directory, {"policies/base.cedar": POLICY % "eu"})
    shown = done(portico, "plan")
    for line in ("-Be brief.", "+Be kind.", "policies/base.cedar", "echo", "script"):
        assert line in shown
    found = changes(portico)
    workload = found["workload", "support"]
    assert workload["action"] == "change"
    assert workload["from_release"] == before[1] != workload["to_release"]
    assert found["prompt", "support"]["action"] == "change"
    assert found["model", "one"]["action"] == "change"
    assert found["policy", "base.cedar"]["action"] == "add"
    assert answered(portico) == before
    assert acts(portico) == trail
    assert live(portico)["release"] == before[1]
    done(portico, "apply")
    write(portico.directory, {"policies/base.cedar": POLICY % "us"})
    changed = changes(portico)["policy", "base.cedar"]
    assert changed["action"] == "change"
    assert any("us" in line for line in changed["lines"])


def test_a_plan_names_the_gates_that_would_run(portico: Running) -> None:
    suite = {
        "evals/support/suite.yaml": "name: support\nscorers: [{kind: contains}]\n",
        "evals/support/cases.jsonl": '{"id": "1", "input": "x", "expected": "brief"}\n',
    }
    yaml = BASE["portico.yaml"].replace(
        "transcripts: full", "transcripts: full, rollout: {gate: support}"
    )
    write(portico.directory, {**suite, **KIND, "portico.yaml": yaml})
    plan = json.loads(done(portico, "plan", "--json"))
    assert [(each["workload"], each["suite"]) for each in plan["gates"]] == [("support", "support")]
    assert "gate support of support" in done(portico, "plan")


def test_an_apply_is_live_for_the_next_call_and_keeps_who_when_and_why(portico: Running) -> None:
    first = answered(portico)
    assert first[0] == "brief"
    ship(portico, KIND, "--message", "kinder words", "--why", "customers asked")
    second = answered(portico)
    assert second[0] == "kind"
    assert second[1] != first[1] == live_before(portico)
    history = done(portico, "prompt", "history", "support")
    assert "kinder words" in history
    assert "+Be kind." in done(portico, "prompt", "history", "support", "--lines")
    versions = json.loads(done(portico, "prompt", "history", "support", "--json"))["versions"]
    assert [each["live"] for each in versions] == [True, False]
    assert versions[0]["created_ns"] > versions[1]["created_ns"] > 0
    assert versions[0]["author"]
    shown = [act for act in acts(portico) if act["why"] == "customers asked"]
    assert {act["action"] for act in shown} == {"apply"}
    assert {act["target"] for act in shown} >= {"support", "sales"}
    assert all(act["who"] for act in shown)


def live_before(running: Running) -> str:
    """The release before the live one, as the list of releases has it."""
    found = running.ask("/admin/v1/workloads/support/releases").json["releases"]
    assert found[0]["live"]
    return str(found[1]["id"])


def test_prompts_are_listed_shown_and_compared(portico: Running) -> None:
    answered(portico)
    ship(portico, KIND)
    answered(portico)
    listed = json.loads(done(portico, "prompt", "list", "--json"))["prompts"]
    (found,) = [each for each in listed if each["name"] == "support"]
    assert found["source"] == "registered"
    assert sorted(found["workloads"]) == ["sales", "support"]
    assert found["calls"] == 8
    assert "support" in done(portico, "prompt", "list")
    assert "Be kind." in done(portico, "prompt", "show", "support")
    compared = done(portico, "prompt", "diff", "support")
    assert "-Be brief." in compared
    assert "+Be kind." in compared
    versions = json.loads(done(portico, "prompt", "history", "support", "--json"))["versions"]
    new, old = (each["version"] for each in versions)
    assert "Be brief." in done(portico, "prompt", "show", "support", "--version", old)
    back = done(portico, "prompt", "diff", "support", "--from", new, "--to", old)
    assert "+Be brief." in back


def test_a_rollback_serves_the_next_call_and_is_reported_as_drift(portico: Running) -> None:
    _, old = answered(portico)
    ship(portico, KIND)
    _, new = answered(portico)
    assert portico.ask("/readyz").json["drift"] == []
    done(portico, "rollback", "support", "--why", "too kind")
    assert answered(portico) == ("brief", old)
    assert answered(portico, "sales")[0] == "kind"
    call = portico.chat(model="support").headers["x-portico-call"]
    receipt = portico.ask(f"/admin/v1/calls/{call}").json
    assert (receipt["release"], receipt["assigned"]) == (old, "live")
    (drift,) = portico.ask("/readyz").json["drift"]
    assert "support" in drift
    assert old in drift
    assert new in drift
    plan = portico.portico("plan")
    assert "rolled back" in plan.stderr
    assert new in plan.stderr
    assert "too kind" in plan.stderr
    rolled = acts(portico)[-1]
    assert (rolled["action"], rolled["target"], rolled["why"]) == (
        "rollback", "support", "too kind",
    )  # fmt: skip
    assert (rolled["before"], rolled["after"]) == (new, old)
    assert rolled["who"]
    assert "too kind" in done(portico, "audit", "show")
    done(portico, "apply")
    assert answered(portico) == ("kind", new)
    assert portico.ask("/readyz").json["drift"] == []


def test_two_rollbacks_lead_back_and_a_named_release_is_reached(portico: Running) -> None:
    _, first = answered(portico)
    ship(portico, KIND)
    _, second = answered(portico)
    ship(portico, {"prompts/support.md": PROMPT % "silent"})
    _, third = answered(portico)
    done(portico, "rollback", "support")
    assert answered(portico)[1] == second
    done(portico, "rollback", "support")
    assert answered(portico)[1] == third
    done(portico, "rollback", "support", "--to", first)
    assert answered(portico) == ("brief", first)
    for words in (("--to", first), ("--to", "rel_0123456789abcdef")):
        assert portico.portico("rollback", "support", *words).returncode == 2
    assert portico.portico("rollback", "suport").returncode == 2
    assert answered(portico) == ("brief", first)


def test_a_scoped_key_can_neither_plan_nor_apply_nor_roll_back_nor_pin(portico: Running) -> None:
    _, old = answered(portico)
    ship(portico, KIND)
    before, trail = answered(portico), len(acts(portico))
    made = json.loads(done(portico, "key", "create", "--workload", "support", "--json"))
    trail += 1
    write(portico.directory, BASE)
    named = {"PORTICO_URL": portico.url, "PORTICO_KEY": made["key"]}
    for words in (("plan",), ("apply",), ("rollback", "support"), ("prompt", "list")):
        refused = command(*words, directory=portico.directory, environment=named)
        assert refused.returncode == 2, words
        assert "policy_denied" in refused.stderr or "may not" in refused.stderr.lower()
    assert answered(portico) == before
    assert len(acts(portico)) == trail
    for ask in DOORS.values():
        assert ask(portico, "support", key=made["key"]).text == "kind"
        with pytest.raises(Exception) as caught:  # noqa: PT011 - either SDK's own class
            ask(portico, "support", key=made["key"], release=old)
        error = caught.value
        assert type(error).__name__ == "PermissionDeniedError"
        assert error.response.headers["x-portico-error"] == "policy_denied"  # type: ignore[attr-defined]


def test_a_pinned_call_is_served_by_its_release(portico: Running) -> None:
    _, old = answered(portico)
    ship(portico, KIND)
    for ask in DOORS.values():
        said = ask(portico, "support", release=old)
        assert (said.text, said.release) == ("brief", old)
        receipt = portico.ask(f"/admin/v1/calls/{said.call}").json
        assert (receipt["release"], receipt["assigned"]) == (old, "pinned")
    played = portico.portico(
        *("call", "support", "Hello", "--release", old, "--variables", '{"product": "sofa"}')
    )
    assert (played.returncode, played.stdout.strip()) == (0, "brief")
    assert answered(portico)[0] == "kind"


def test_an_unknown_release_is_a_bad_request_that_says_where_to_look(portico: Running) -> None:
    _, other = answered(portico, "sales")
    for release in ("rel_0123456789abcdef", other, "nonsense"):
        with pytest.raises(openai.BadRequestError, match="/admin/v1/workloads/support/releases"):
            OPENAI["openai streamed"](portico, "support", release=release)
    played = portico.portico("call", "support", "Hello", "--release", "rel_0123456789abcdef")
    assert played.returncode == 2
    assert "releases" in played.stderr


def test_of_two_applies_with_the_same_base_one_is_refused(portico: Running) -> None:
    plan = portico.ask("/admin/v1/plan", {"files": {**BASE, **KIND}}).json
    other = {**BASE, "prompts/support.md": PROMPT % "silent"}
    first = portico.ask("/admin/v1/apply", {"files": {**BASE, **KIND}, "base": plan["base"]})
    second = portico.ask("/admin/v1/apply", {"files": other, "base": plan["base"]})
    assert (first.status, second.status) == (200, 400)
    assert second.json["error"]["field"] == "base"
    assert answered(portico)[0] == "kind"
    base = portico.ask("/admin/v1/plan", {"files": other}).json["base"]
    done(portico, "rollback", "support")
    assert portico.ask("/admin/v1/apply", {"files": other, "base": base}).status == 400
    assert answered(portico)[0] == "brief"


def test_of_applies_at_the_same_moment_with_the_same_base_one_is_made(portico: Running) -> None:
    base = portico.ask("/admin/v1/plan", {"files": BASE}).json["base"]
    wishes = [{**BASE, "prompts/support.md": PROMPT % f"number {n}"} for n in range(4)]

    def wish(files: dict[str, str]) -> int:
        return portico.ask("/admin/v1/apply", {"files": files, "base": base}).status

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(wish, wishes)) == [200, 400, 400, 400]
    applied = [act for act in acts(portico) if act["action"] == "apply" and not act["target"]]
    assert len(applied) == 2
    assert live(portico)["version"] == live(portico, "sales")["version"]


def test_a_call_is_replayed_under_another_release_and_compared(portico: Running) -> None:
    call = portico.chat("Well?", model="support").headers["x-portico-call"]
    _, old = answered(portico)
    ship(portico, KIND)
    _, new = answered(portico)
    replayed = eventually(lambda: replay(portico, call, new))
    assert isinstance(replayed, dict)
    assert (replayed["before"]["answer"], replayed["after"]["answer"]) == ("brief", "kind")
    assert (replayed["before"]["release"], replayed["after"]["release"]) == (old, new)
    assert {"-brief", "+kind"} <= set(replayed["lines"])
    receipt = portico.ask(f"/admin/v1/calls/{replayed['call']}").json
    assert (receipt["origin"], receipt["replay_of"]) == ("replay", call)
    assert receipt["release"] == new
    assert "the answers are equal" in done(portico, "calls", "replay", call, "--release", old)
    assert acts(portico)[-1]["action"] == "replay"
    without = portico.chat("Well?", model="sales").headers["x-portico-call"]
    assert portico.portico("calls", "replay", without).returncode == 2


def replay(running: Running, call: str, release: str) -> Any:
    """None as long as the call's transcript is not written."""
    made = running.portico("calls", "replay", call, "--release", release, "--json")
    return json.loads(made.stdout) if made.returncode == 0 else None


def test_a_rolled_back_release_is_still_live_after_a_restart(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    with up(tmp_path, environment=ENVIRONMENT) as running:
        _, old = answered(running)
        ship(running, KIND)
        _, new = answered(running)
        done(running, "rollback", "support", "--why", "too kind")
    with up(tmp_path, environment=ENVIRONMENT) as running:
        running.ready = {**running.ready, "admin_key": KEY}
        assert answered(running) == ("brief", old)
        assert answered(running, "sales")[0] == "kind"
        assert any(new in line for line in running.ask("/readyz").json["drift"])
        assert live(running)["why"] == "too kind"
        done(running, "rollback", "support", "--to", new)
        assert answered(running) == ("kind", new)


def test_what_the_environment_means_now_is_shipped_at_the_start_but_no_rollback_is_undone(
    tmp_path: Path,
) -> None:
    write(tmp_path, {**BASE, "portico.yaml": PROJECT % {"model": '"${MODEL}"'}})
    with up(tmp_path, environment={**ENVIRONMENT, "MODEL": "script"}) as running:
        _, old = answered(running, "sales")
        ship(running, KIND)
        done(running, "rollback", "sales")
    with up(tmp_path, environment={**ENVIRONMENT, "MODEL": "echo"}) as running:
        running.ready = {**running.ready, "admin_key": KEY}
        assert answered(running)[0] == "Hello Portico"
        assert answered(running, "sales") == ("brief", old)
        newest = acts(running)[-1]
        assert (newest["action"], newest["who"]) == ("apply", "portico up")


def test_a_restored_backup_serves_what_was_live(portico: Running, tmp_path: Path) -> None:
    _, old = answered(portico)
    call = portico.chat("Well?", model="support").headers["x-portico-call"]
    ship(portico, KIND)
    done(portico, "rollback", "support", "--why", "too kind")
    eventually(lambda: replay(portico, call, old))
    saved, words = tmp_path / "saved", tmp_path / "words"
    words.write_text("a passphrase\n")
    done(portico, "backup", str(saved), "--passphrase-file", str(words))
    away = tmp_path / "away"
    away.mkdir()
    restored = command("restore", str(saved), "--passphrase-file", str(words), directory=away)
    assert restored.returncode == 0, restored.stderr
    with up(away) as running:
        running.ready = {**running.ready, "admin_key": portico.key}
        assert answered(running) == ("brief", old)
        assert answered(running, "sales")[0] == "kind"
        assert live(running)["why"] == "too kind"
        assert replay(running, call, old)["after"]["answer"] == "brief"


def test_a_secret_that_stands_in_the_project_is_in_no_plan(portico: Running) -> None:
    yaml = BASE["portico.yaml"].replace(
        "providers: {", "providers: {near: {kind: openai, api_key: sk-marked-one}, "
    )
    ship(portico, {"portico.yaml": yaml})
    write(portico.directory, {"portico.yaml": yaml.replace("sk-marked-one", "sk-marked-two")})
    assert changes(portico)["provider", "near"]["action"] == "change"
    shown = portico.portico("plan")
    assert "near" in shown.stdout
    for text in (shown.stdout, shown.stderr, done(portico, "plan", "--json"), portico.log):
        assert "sk-marked" not in text


def test_two_projects_serve_side_by_side_and_plan_only_what_is_theirs(
    portico: Running, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    yaml = (
        "project: billing\nproviders: {own: {kind: simulator, script: answers.yaml}}\n"
        "models: {two: {provider: own, id: script}}\n"
        "workloads: {invoices: {prompt: support, ladder: [two]}}\n"
    )
    write(other, {"portico.yaml": yaml, "answers.yaml": ANSWERS, **KIND})
    named = {"PORTICO_URL": portico.url, "PORTICO_KEY": portico.key}

    def there(*words: str) -> str:
        made = command(*words, directory=other, environment=named)
        assert made.returncode == 0, made.stderr + made.stdout
        return made.stdout

    planned = json.loads(there("plan", "--json"))
    assert {each["name"] for each in planned["changes"] if each["kind"] == "workload"} == {
        "invoices"
    }
    assert "remove" not in {each["action"] for each in planned["changes"]}
    there("apply")
    assert answered(portico)[0] == "brief"
    assert answered(portico, "invoices")[0] == "kind"
    assert "nothing would change" in done(portico, "plan")
    assert "nothing would change" in there("plan")
    ship(portico, {"prompts/support.md": PROMPT % "silent"})
    assert answered(portico, "invoices")[0] == "kind"
    assert answered(portico)[0] == "neither"
    write(other, {"portico.yaml": yaml.replace("invoices", "support")})
    before = answered(portico)
    for word in ("plan", "apply"):
        refused = command(word, directory=other, environment=named)
        assert refused.returncode == 2
        assert "billing" in refused.stdout
        assert "support" in refused.stdout
    assert answered(portico) == before
    assert answered(portico, "invoices")[0] == "kind"
