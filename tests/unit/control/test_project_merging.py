"""Several projects on one server, and pointers in the place of what directories say."""

from collections.abc import Iterator

import msgspec
import pytest

from portico.contract.budget import Budget, Scope
from portico.contract.deployment import Deployment
from portico.contract.errors import InvalidRequest
from portico.contract.money import Price, Rates
from portico.contract.snapshot import (
    Bounds,
    Currency,
    Model,
    Provider,
    Release,
    Retention,
    Snapshot,
    Webhook,
    Workload,
)
from portico.control.projects.deploying import RECENT, deployed, pointed, previous, priced
from portico.control.projects.merging import conflicts, merged


def model(name: str, provider: str = "openai") -> Model:
    return Model(name=name, provider=provider, id=f"{name}-1")


def a_release(id_: str, project: str = "a", workload: str = "w") -> Release:
    return Release(
        id=id_, workload=workload, project=project, ladder=((model("m"),),), providers=()
    )


def a_project(name: str, *workloads: str, implied: str = "", provider: str = "openai") -> Snapshot:
    def made() -> Iterator[Workload]:
        for each in (*workloads, implied):
            if each:
                yield Workload(
                    name=each, project=name, implied=each == implied, release=f"rel_{name}_{each}"
                )

    return Snapshot(
        project=name,
        providers=(Provider(name=provider, project=name, kind="openai"),),
        models=(model("m", provider),),
        workloads=tuple(made()),
        releases=tuple(a_release(each.release, name, each.name) for each in made()),
        bounds=Bounds(nesting=len(name) + 10),
        warnings=(f"of {name}",),
        digest=name,
    )


def names(found: Snapshot) -> list[tuple[str, str]]:
    return [(each.project, each.name) for each in found.workloads]


def test_one_project_alone_stays_as_it_is_but_for_its_digest() -> None:
    alone = a_project("care", "w")
    assert merged([alone]) == Snapshot(
        project="care",
        providers=alone.providers,
        models=alone.models,
        workloads=alone.workloads,
        releases=alone.releases,
        bounds=alone.bounds,
        warnings=alone.warnings,
    )


def test_default_comes_first_and_the_others_by_name() -> None:
    found = merged([a_project("b", "x"), a_project("default", "y"), a_project("a", "z")])
    assert names(found) == [("default", "y"), ("a", "z"), ("b", "x")]
    assert found.project == "default"
    assert found.bounds.nesting == 17
    assert found.warnings[1] == "project a: of a"


def test_a_workload_that_two_projects_declare_is_refused_with_both_named() -> None:
    with pytest.raises(InvalidRequest, match=r"'a' and 'b' both declare the workload 'w'"):
        merged([a_project("b", "w"), a_project("a", "w")])


@pytest.mark.parametrize(
    ("projects", "serves"),
    [
        ([a_project("a", implied="default"), a_project("default", implied="default")], "default"),
        ([a_project("b", implied="default"), a_project("a", implied="default")], "a"),
        ([a_project("a", implied="default"), a_project("b", "default")], "b"),
        ([a_project("default", implied="default"), a_project("b", "default")], "b"),
    ],
)
def test_a_default_that_nobody_declares_never_conflicts(
    projects: list[Snapshot], serves: str
) -> None:
    assert conflicts(projects) == ()
    found = merged(projects)
    assert names(found) == [(serves, "default")]
    assert [each.project for each in found.releases] == [serves]


def test_of_two_providers_with_one_name_callers_reach_the_first_projects_models() -> None:
    found = merged([a_project("b", "x"), a_project("a", "y")])
    assert [each.project for each in found.providers] == ["a", "b"]
    assert len(found.models) == 1


def test_models_of_the_same_name_at_other_providers_are_named_by_provider_and_id() -> None:
    found = merged([a_project("b", "x", provider="other"), a_project("a", "y")])
    assert [each.name for each in found.models] == ["m", "other/m-1"]


def pointer(live: str, candidate: str = "", share: float = 0.0) -> Deployment:
    return Deployment(workload="w", project="a", live=live, candidate=candidate, share=share)


def test_a_pointer_stands_in_the_place_of_what_the_directory_says() -> None:
    alone = a_project("a", "w")
    recent = {"w": [a_release("rel_a_w"), a_release("rel_old"), a_release("rel_new")]}
    found = deployed(alone, {"w": pointer("rel_old", "rel_new", 0.2)}, recent)
    (workload,) = found.workloads
    assert (workload.release, workload.candidate, workload.share) == ("rel_old", "rel_new", 0.2)
    assert [each.id for each in found.releases] == ["rel_old", "rel_new", "rel_a_w"]


def test_a_workload_without_a_pointer_serves_what_its_directory_says() -> None:
    alone = a_project("a", "w")
    assert deployed(alone, {}, {}).workloads == alone.workloads
    assert deployed(alone, {}, {}).releases == alone.releases


def test_a_pointer_to_a_release_that_is_not_at_hand_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="rel_gone"):
        deployed(a_project("a", "w"), {"w": pointer("rel_gone")}, {})


def test_releases_of_another_projects_workload_are_not_at_hand() -> None:
    recent = {"w": [a_release("rel_theirs", "b")]}
    found = deployed(a_project("a", "w"), {}, recent)
    assert [each.id for each in found.releases] == ["rel_a_w"]


def test_of_a_release_that_the_directory_still_makes_the_directorys_is_taken() -> None:
    alone = a_project("a", "w")
    stale = Release(id="rel_a_w", workload="w", project="a", ladder=(), providers=())
    assert deployed(alone, {"w": pointer("rel_a_w")}, {"w": [stale]}).releases == alone.releases


def test_recent_releases_are_in_the_order_of_their_pointing_and_bounded() -> None:
    found: tuple[Release, ...] = ()
    for number in range(RECENT + 5):
        found = pointed(found, a_release(f"rel_{number}"))
    assert len(found) == RECENT
    again = pointed(found, a_release(f"rel_{RECENT}"))
    assert len(again) == RECENT
    assert again[0].id == f"rel_{RECENT}"


def test_the_release_before_is_neither_the_live_one_nor_the_candidate() -> None:
    recent = [a_release("rel_3"), a_release("rel_2"), a_release("rel_1")]
    assert previous(pointer("rel_3"), recent) == "rel_2"
    assert previous(pointer("rel_3", "rel_2"), recent) == "rel_1"
    assert previous(pointer("rel_1"), recent[2:]) is None


def test_an_old_release_has_todays_prices_where_its_model_is_still_known() -> None:
    price = Price(rates=Rates(input=7, output=8), source="own", date="2026-11-23")
    today = Model(name="renamed", provider="openai", id="m-1", price=price)
    (found,) = priced([a_release("rel_1")], [today])
    assert found.ladder[0][0].price == price
    assert found.ladder[0][0].name == "m"
    assert priced([a_release("rel_1")], []) == (a_release("rel_1"),)


def test_budgets_and_webhooks_of_all_projects_are_in_force_and_no_two_budgets_share_a_name() -> (
    None
):
    def with_rules(name: str) -> Snapshot:
        budget = Budget(name="budgets.all", scope=Scope(project=name), nano=len(name))
        hook = Webhook(name="ops", project=name, url=f"http://{name}")
        return msgspec.structs.replace(a_project(name), budgets=(budget,), webhooks=(hook,))

    found = merged([with_rules("care"), with_rules("default"), with_rules("lab")])
    assert [(each.name, each.scope.project) for each in found.budgets] == [
        ("budgets.all", "default"),
        ("care/budgets.all", "care"),
        ("lab/budgets.all", "lab"),
    ]
    assert [each.project for each in found.webhooks] == ["default", "care", "lab"]


def test_things_are_kept_as_long_as_the_project_says_that_keeps_them_longest() -> None:
    one = msgspec.structs.replace(
        a_project("a"), retention=Retention(receipts_s=5.0, transcripts_s=2.0), warnings=()
    )
    other = msgspec.structs.replace(
        a_project("b"), retention=Retention(receipts_s=7.0, feedback_s=1.0), warnings=()
    )
    found = merged([one, other])
    assert found.retention == Retention(receipts_s=7.0)
    assert [warning.partition(" is overruled")[0] for warning in found.warnings] == [
        "project a: retention.receipts",
        "project a: retention.transcripts",
        "project b: retention.feedback",
    ]
    assert merged([one]).retention == one.retention
    assert merged([one]).warnings == ()


def test_the_currency_is_that_of_the_first_project_that_names_one() -> None:
    def showing(name: str, code: str) -> Snapshot:
        currency = Currency(code=code, per_usd=1.0, date="2026-11-20")
        return msgspec.structs.replace(a_project(name), currency=currency)

    found = merged([showing("b", "CHF"), a_project("default"), showing("a", "EUR")])
    assert found.currency is not None
    assert found.currency.code == "EUR"
