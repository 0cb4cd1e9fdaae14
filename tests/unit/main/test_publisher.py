"""Plans, applies and rollbacks: what is live, what is stored, and what is told."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.main.served import Served, project

from portico.adapters.memory.store import MemoryStore
from portico.contract.deployment import Applied, Shipment
from portico.contract.errors import InvalidRequest, UnknownRoute
from portico.contract.snapshot import Key
from portico.control.projects.outcome import Wish
from portico.main.kept import Kept
from portico.main.views import registered, standing


def test_the_first_start_applies_the_directory_and_stores_its_releases(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    pointers = {each.workload: each for each in served.store.deployments()}
    assert pointers["support"].live == served.live()
    assert pointers["support"].by == "portico up"
    stored = served.store.release(served.live())
    assert stored is not None
    assert stored.release.prompt is not None
    assert stored.release.prompt.template == "Be kind.\n"
    assert [each.prompt.name for each in served.store.versions("default")] == ["greet"]


def test_an_empty_directory_serves_and_stores_nothing(tmp_path: Path) -> None:
    served = Served(tmp_path, {})
    assert served.publisher.workloads() == ("default",)
    assert served.store.applied() == []
    assert served.store.deployments() == []


def test_what_serves_only_because_nothing_is_applied_goes_with_the_first_apply(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, {})
    served.apply(project(name="care"))
    assert {each.project for each in served.publisher.slot.live.snapshot.workloads} == {"care"}


def test_a_plan_says_what_an_apply_then_does_and_changes_nothing(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    before = served.live()
    plan = served.plan(project("pick"))
    (changed,) = [each for each in plan.changes if each.action == "change"]
    assert (changed.kind, changed.name, changed.from_release) == ("workload", "support", before)
    assert served.live() == before
    assert len(served.store.acts(10)) == 3
    outcome = served.apply(project("pick"), base=plan.base)
    assert outcome.digest == plan.digest
    assert list(outcome.changed) == [changed.message]
    assert served.live() == changed.to_release != before


def test_a_plan_for_what_is_live_has_no_change(tmp_path: Path) -> None:
    plan = Served(tmp_path, project()).plan(project())
    assert {each.action for each in plan.changes} == {"none"}
    assert (plan.problems, plan.notes, plan.gates) == ((), (), ())


def test_a_plan_of_a_broken_directory_has_every_problem_and_an_apply_stores_none_of_it(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, project())
    broken = {**project("nothing"), "prompts/other.md": "{{ unclosed"}
    assert {each.file for each in served.plan(broken).problems} == {
        "portico.yaml",
        "prompts/other.md",
    }
    outcome = served.apply(broken)
    assert len(outcome.problems) == 2
    assert [each.files for each in served.store.applied()] == [project()]


def test_an_apply_is_refused_when_somebody_has_applied_since_the_plan(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    plan = served.plan(project("pick"))
    served.apply(project("echo, pick"))
    live = served.live()
    with pytest.raises(InvalidRequest) as refused:
        served.apply(project("pick"), base=plan.base)
    assert refused.value.field == "base"
    assert served.live() == live


def test_an_apply_is_refused_when_somebody_has_rolled_back_since_the_plan(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    served.apply(project("pick"))
    plan = served.plan(project("echo, pick"))
    served.rollback()
    with pytest.raises(InvalidRequest) as refused:
        served.apply(project("echo, pick"), base=plan.base)
    assert refused.value.field == "base"


def test_of_two_applies_at_once_with_one_base_one_wins_and_the_other_is_told(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, project())
    base = served.plan(project("pick")).base

    async def both() -> list[object]:
        wishes = [Wish(files=project(each), by="k", base=base) for each in ("pick", "echo, pick")]
        return list(
            await asyncio.gather(*map(served.publisher.apply, wishes), return_exceptions=True)
        )

    found = asyncio.run(both())
    assert sorted(isinstance(each, InvalidRequest) for each in found) == [False, True]
    (applied,) = served.store.applied()
    assert served.live() == served.store.deployments()[-1].live
    assert applied.digest == served.publisher.serving.projects["default"].applied.digest


def test_pointers_of_workloads_that_stay_keep_who_moved_them_and_when(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    first = {each.workload: each for each in served.store.deployments()}
    served.clock.advance(60)
    served.apply(project("pick"), why="cheaper")
    second = {each.workload: each for each in served.store.deployments()}
    assert second["default"] == first["default"]
    assert (second["support"].by, second["support"].why) == ("key_ann", "cheaper")
    assert second["support"].since_ns > first["support"].since_ns


def test_a_rollback_serves_the_release_before_and_a_second_one_leads_back(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    old = served.live()
    served.apply(project("pick"))
    new = served.live()
    done = served.rollback()
    assert (done.from_, done.to, served.live()) == (new, old, old)
    assert served.rollback().to == new


def test_a_rollback_is_in_the_audit_trail_and_is_drift_that_the_next_plan_names(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, project())
    old = served.live()
    served.apply(project("pick"))
    new = served.live()
    served.rollback()
    act = served.store.acts(1)[0]
    assert (act.action, act.who, act.why) == ("rollback", "key_bob", "it was worse")
    assert (act.target, act.before, act.after) == ("support", new, old)
    assert any(f"rolled back to {old}" in line for line in served.readiness.drift)
    (note,) = served.plan(project("pick")).notes
    assert "key_bob because it was worse" in note
    assert note.endswith(f"applying ships {new}")


def test_an_apply_ships_again_what_was_rolled_back(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    served.apply(project("pick"))
    new = served.live()
    served.rollback()
    served.apply(project("pick"))
    assert served.live() == new
    assert served.plan(project("pick")).notes == ()


@pytest.mark.parametrize("to", [None, "rel_0000000000000000"])
def test_a_rollback_without_another_release_is_refused(tmp_path: Path, to: str | None) -> None:
    served = Served(tmp_path, project())
    with pytest.raises(InvalidRequest) as refused:
        served.rollback(to=to)
    assert refused.value.field == "to"


def test_a_rollback_to_another_workloads_release_is_refused_with_the_known_ones(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, project())
    old = served.live()
    served.apply(project("pick"))
    with pytest.raises(InvalidRequest, match=old):
        served.rollback(to=served.live("default"))


def test_a_rollback_of_no_workload_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownRoute, match="support"):
        Served(tmp_path, project()).rollback("suport")


def test_a_rollback_compiles_no_project_again(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    served.apply(project("pick"))
    before = served.publisher.serving
    served.rollback()
    after = served.publisher.serving
    assert after.merged is before.merged
    assert after.projects is before.projects


def test_a_release_that_needs_a_provider_that_is_gone_is_not_rolled_back_to(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, project())
    gone = {
        path: text.replace("sim:", "mock:").replace("provider: sim", "provider: mock")
        for path, text in project("pick").items()
    }
    assert served.apply(gone).problems == ()
    live = served.live()
    with pytest.raises(InvalidRequest, match="sim"):
        served.rollback()
    assert served.live() == live == served.store.deployments()[-1].live


def test_a_caller_who_goes_away_does_not_stop_an_apply_that_has_begun(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    before = served.live()

    async def leave() -> None:
        asking = asyncio.ensure_future(
            served.publisher.apply(Wish(files=project("pick"), by="key_ann"))
        )
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await served.publisher.close()

    asyncio.run(leave())
    assert served.live() == served.store.deployments()[-1].live != before


class Failing(MemoryStore):
    """Stores nothing more once `broken` is set."""

    broken = False

    def ship(self, shipment: Shipment) -> None:
        if self.broken:
            raise OSError("the disk is full")
        super().ship(shipment)


def test_what_cannot_be_stored_is_not_served(tmp_path: Path) -> None:
    store = Failing()
    served = Served(tmp_path, project(), store=store)
    before = served.live()
    store.broken = True
    with pytest.raises(OSError, match="full"):
        served.apply(project("pick"))
    assert served.live() == before
    assert served.plan(project()).changes[0].action == "none"


def test_a_start_serves_the_store_and_keeps_a_rollback(tmp_path: Path) -> None:
    first = Served(tmp_path, project())
    old = first.live()
    first.apply(project("pick"))
    first.rollback()
    again = Served(tmp_path, project("pick"), store=first.store)
    assert again.live() == old
    assert again.rollback().from_ == old


def test_a_start_ships_what_the_environment_makes_of_the_same_files(tmp_path: Path) -> None:
    files = {path: text.replace("id: echo", 'id: "${WHICH}"') for path, text in project().items()}
    first = Served(tmp_path, files, environment={"WHICH": "echo"})
    old = first.live()
    again = Served(tmp_path, files, store=first.store, environment={"WHICH": "extract"})
    assert again.live() != old
    assert "environment" in again.store.acts(1)[0].why
    assert again.rollback().to == old


def test_projects_applied_by_version_0_1_get_pointers_at_the_start(tmp_path: Path) -> None:
    store = MemoryStore()
    applied = Applied(
        project="default", files=dict(project()), digest="d", applied_ns=5, by="key_old"
    )
    store.ship(Shipment(applied=applied))
    served = Served(tmp_path, project(), store=store)
    assert [each.by for each in store.deployments()] == ["portico up", "portico up"]
    assert store.applied() == [applied]
    assert served.live() in {each.live for each in store.deployments()}


def test_an_apply_of_another_project_adds_it_beside(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    mine = served.live()
    care = project(name="care", workload="triage")
    plan = served.plan(care)
    assert {(each.name, each.action) for each in plan.changes if each.kind == "workload"} == {
        ("triage", "add")
    }
    served.apply(care)
    assert served.live() == mine
    assert served.live("triage") != mine
    assert [each.project for each in served.store.applied()] == ["care", "default"]
    again = Served(tmp_path, project(), store=served.store)
    assert again.live("triage") == served.live("triage")
    assert again.readiness.drift == ()


def test_a_workload_that_two_projects_declare_is_refused_with_both_named(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    (problem,) = served.apply(project(name="care")).problems
    assert problem.path == "workloads.support"
    assert "'default'" in problem.message
    assert "'care'" in problem.message
    assert len(served.store.applied()) == 1


def test_a_declared_default_takes_the_place_of_one_that_nobody_declared(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    assert served.publisher.serving.deployments["default"].project == "default"
    served.apply(project(name="care", workload="default"))
    assert served.publisher.slot.live.route("default").workload.project == "care"
    assert {each.workload: each.project for each in served.store.deployments()} == {
        "default": "care",
        "support": "default",
    }


def test_a_directory_that_is_not_the_project_that_was_said_is_refused(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    with pytest.raises(InvalidRequest) as refused:
        asyncio.run(
            served.publisher.apply(Wish(files=project(name="care"), by="k", project="default"))
        )
    assert refused.value.field == "project"


def test_the_last_good_snapshot_serves_where_the_store_does_not_compile(tmp_path: Path) -> None:
    files = {path: text.replace("id: echo", 'id: "${WHICH}"') for path, text in project().items()}
    first = Served(tmp_path, files, environment={"WHICH": "echo"})
    again = Served(tmp_path, files, store=first.store)
    assert "last good" in again.note
    assert again.live() == first.live()
    with pytest.raises(InvalidRequest):
        again.rollback(to=again.live())
    assert again.apply(project("pick")).problems == ()
    assert again.live() != first.live()


def test_a_directory_that_does_not_compile_is_not_served_and_every_problem_is_told(
    tmp_path: Path,
) -> None:
    broken = {**project("nothing"), "prompts/other.md": "{{ unclosed"}
    with pytest.raises(InvalidRequest, match=r"2 problem\(s\)"):
        Served(tmp_path, broken)


def test_a_signal_applies_the_directory_and_a_bad_one_is_a_note(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    before = served.live()
    served.write(project("pick"))
    asyncio.run(served.publisher.apply_directory())
    assert served.live() != before
    assert served.store.acts(1)[0].who == "SIGHUP"
    served.write(project("nothing"))
    asyncio.run(served.publisher.apply_directory())
    assert "there is no model nothing" in served.readiness.notes[0]


def test_a_signal_in_a_directory_without_a_project_changes_nothing(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    before = served.live()
    (served.directory / "portico.yaml").unlink()
    asyncio.run(served.publisher.apply_directory())
    assert served.live() == before
    assert "has no portico.yaml" in served.readiness.notes[0]


def test_the_snapshot_on_disk_has_the_releases_that_take_traffic(tmp_path: Path) -> None:
    served = Served(tmp_path, project())
    served.apply(project("pick"))
    kept = Kept(tmp_path / "data", Key(id="local", verifier=b"")).read()
    assert kept is not None
    assert {each.id for each in kept.snapshot.releases} == {
        served.live(),
        served.live("default"),
    }
    assert len(served.publisher.slot.live.snapshot.releases) == 3


def test_the_rooms_of_control_see_what_serves_beside_what_directories_say(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, project())
    served.apply({**project("pick"), "prompts/greet.md": "Be brief.\n"})
    served.rollback()
    at = standing(served.publisher)
    assert at.pointers["support"].live != at.made["support"]
    (mine,) = registered(served.publisher)
    assert mine.prompts["greet"].template == "Be brief.\n"
    assert mine.live["support"].template == "Be kind.\n"
