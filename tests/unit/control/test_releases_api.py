"""Plans, rollbacks, pointers, releases and the audit trail over HTTP."""

import json

import pytest
from tests.unit.control.office import Office

from portico.contract.deployment import (
    Act,
    Applied,
    Deployment,
    Shipment,
    StoredRelease,
)
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Model, Provider, Release, Snapshot, Workload
from portico.control.deployments.shown import Standing
from portico.control.projects.outcome import Change, Plan, Turn, Wish

PROVIDER = Provider(name="sim", kind="simulator")


def release(id_: str, model: str, prompt: str = "") -> Release:
    return Release(
        id=id_,
        workload="support",
        ladder=((Model(name=model, provider="sim", id=model),),),
        providers=(PROVIDER,),
        prompt=PromptVersion(name="greet", version=f"ver_{prompt}", template=prompt)
        if prompt
        else None,
    )


OLD, NEW = release("rel_0a", "small"), release("rel_0b", "large", "Hi")


def office() -> Office:
    """A workload that was applied twice and then rolled back."""
    made = Office()
    for number, each in enumerate((OLD, NEW)):
        made.store.ship(
            Shipment(
                applied=Applied(
                    project="default", files={}, digest=str(number), applied_ns=number, by="key_a"
                ),
                releases=(StoredRelease(release=each, created_ns=number, by="key_a", message="m"),),
                deployments=(Deployment(workload="support", project="default", live=each.id),),
                acts=(
                    Act(
                        at_ns=number, who="key_a", action="apply", project="default",
                        target="support", after=each.id,
                    ),
                ),
            )
        )  # fmt: skip
    pointer = Deployment(
        workload="support", project="default", live=OLD.id, since_ns=9, by="key_b",
        why="worse", action="rollback",
    )  # fmt: skip
    act = Act(at_ns=9, who="key_b", action="rollback", project="default", target="support")
    made.store.repoint(pointer, NEW.id, act)
    snapshot = Snapshot(
        project="default",
        providers=(PROVIDER,),
        models=(),
        workloads=(Workload(name="support", release=OLD.id),),
        releases=(OLD, NEW),
    )
    made.standing = Standing(
        snapshot=snapshot, pointers={"support": pointer}, made={"support": NEW.id}
    )
    return made


def test_workloads_say_what_they_serve_since_when_by_whom_why_and_how_that_drifts() -> None:
    status, shown = office().ask("GET", "/workloads")
    assert status == 200
    (found,) = shown["workloads"]
    assert (found["name"], found["release"], found["ladder"]) == ("support", OLD.id, "small")
    assert (found["since_ns"], found["by"], found["why"]) == (9, "key_b", "worse")
    assert found["action"] == "rollback"
    assert NEW.id in found["drift"]


def test_releases_are_listed_newest_first_with_what_each_changed() -> None:
    status, shown = office().ask("GET", "/workloads/support/releases")
    assert status == 200
    first, second = shown["releases"]
    assert (first["id"], first["live"], second["id"], second["live"]) == (
        OLD.id, True, NEW.id, False,
    )  # fmt: skip
    assert (second["prompt"], second["version"], second["message"]) == ("greet", "ver_Hi", "m")
    assert any("ladder" in change for change in first["changes"])
    _, one = office().ask("GET", "/workloads/support/releases", query="limit=1")
    assert [each["id"] for each in one["releases"]] == [OLD.id]


def test_a_release_is_shown_whole() -> None:
    status, shown = office().ask("GET", f"/releases/{NEW.id}")
    assert (status, shown["live"], shown["by"]) == (200, False, "key_a")
    assert shown["release"]["prompt"]["template"] == "Hi"


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/releases/rel_ff", "", 404),
        ("GET", "/workloads/nothing/releases", "", 404),
        ("GET", "/workloads/support/releases", "limit=201", 400),
        ("GET", "/audit", "limit=1001", 400),
        ("GET", "/audit", "before=0", 400),
        ("GET", "/happenings", "limit=0", 400),
    ],
)
def test_a_question_that_has_no_answer_is_refused(
    method: str, path: str, query: str, expected: int
) -> None:
    status, answer = office().ask(method, path, query=query)
    assert (status, answer["error"]["code"]) == (expected, "invalid_request")


def test_the_audit_trail_is_paged_from_the_newest_back() -> None:
    at = office()
    _, page = at.ask("GET", "/audit", query="limit=2")
    assert [each["action"] for each in page["acts"]] == ["rollback", "apply"]
    _, rest = at.ask("GET", "/audit", query=f"before={page['acts'][-1]['number']}")
    assert [each["after"] for each in rest["acts"]] == [OLD.id]
    assert at.ask("GET", "/happenings") == (200, {"happenings": []})


def test_a_key_that_is_made_or_ended_is_in_the_audit_trail() -> None:
    at = Office()
    _, made = at.ask("POST", "/keys", b'{"name": "app", "workloads": ["*"]}')
    at.ask("POST", f"/keys/{made['id']}/revoke")
    _, trail = at.ask("GET", "/audit")
    assert [(each["action"], each["who"], each["target"]) for each in trail["acts"]] == [
        ("key", "key_boss", made["id"])
    ] * 2
    assert made["key"] not in json.dumps(trail)


def test_a_rollback_takes_its_who_from_the_credential_and_needs_no_body() -> None:
    at = Office()
    status, done = at.ask("POST", "/workloads/support/rollback")
    assert (status, done["from"], done["to"], done["since_ns"]) == (200, "rel_b", "rel_a", 7)
    at.ask("POST", "/workloads/support/rollback", b'{"to": "rel_0a", "why": "slow"}')
    assert at.turns == [
        Turn(workload="support", by="key_boss"),
        Turn(workload="support", by="key_boss", to="rel_0a", why="slow"),
    ]


@pytest.mark.parametrize("body", [b'{"to": "latest"}', b'{"to": 3}', b'{"why": null}'])
def test_a_rollback_to_what_is_no_release_is_refused(body: bytes) -> None:
    at = Office()
    assert at.ask("POST", "/workloads/support/rollback", body)[0] == 400
    assert at.turns == []


def test_a_plan_is_answered_whole_also_when_it_has_problems() -> None:
    at = Office()
    change = Change(kind="prompt", name="greet", action="change", message="m", lines=("-a", "+b"))
    at.plan = Plan(project="default", base="b1", changes=(change,))
    status, shown = at.ask("POST", "/plan", b'{"files": {"portico.yaml": ""}}')
    assert (status, shown["base"], shown["problems"]) == (200, "b1", [])
    assert shown["changes"][0]["lines"] == ["-a", "+b"]
    assert at.applied == [Wish(files={"portico.yaml": ""}, by="key_boss")]


def test_an_apply_hands_on_base_message_and_why() -> None:
    at = Office()
    body = {
        "files": {"portico.yaml": ""}, "project": "care", "base": "b1", "message": "m", "why": "w",
    }  # fmt: skip
    assert at.ask("POST", "/apply", json.dumps(body).encode())[0] == 200
    assert at.applied == [
        Wish(
            files={"portico.yaml": ""}, by="key_boss", project="care", base="b1", message="m",
            why="w",
        )
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/plan", "/apply"])
def test_a_path_that_leads_out_of_the_project_is_refused_by_both(path: str) -> None:
    body = json.dumps({"files": {"portico.yaml": "", "../x": ""}}).encode()
    status, answer = Office().ask("POST", path, body)
    assert (status, answer["error"]["field"]) == (400, "files")
