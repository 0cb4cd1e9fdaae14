"""A name leads to one workload and one model, or to an error that helps."""

import pytest

from portico.contract.errors import UnknownModel
from portico.contract.snapshot import Model, Provider, Snapshot, Workload
from portico.operations.catalogue import assign, build

CATALOGUE = build(
    Snapshot(
        project="default",
        providers=(
            Provider(name="openai", kind="openai"),
            Provider(name="azure", kind="openai"),
            Provider(name="sim", kind="simulator"),
        ),
        models=(
            Model(name="small", provider="openai", id="gpt-5-mini"),
            Model(name="twin", provider="azure", id="gpt-5-mini"),
            Model(name="large", provider="openai", id="gpt-5"),
            Model(name="echo", provider="sim", id="echo"),
        ),
        workloads=(
            Workload(name="support", ladder=(("small",), ("large",))),
            Workload(name="default", ladder=(("echo",),)),
            Workload(name="gpt-5", ladder=(("small",),)),
        ),
    )
)


def test_a_bare_id_of_one_provider_is_a_call_of_the_default_workload() -> None:
    found = assign(CATALOGUE, "echo")
    assert (found.workload.name, found.model.name, found.raw) == ("default", "echo", False)


def test_provider_and_model_are_named_past_the_workloads() -> None:
    found = assign(CATALOGUE, "azure/gpt-5-mini")
    assert (found.workload.name, found.model.name, found.raw) == ("default", "twin", True)


def test_an_ambiguous_id_names_the_ways_out() -> None:
    with pytest.raises(UnknownModel, match="openai/gpt-5-mini, azure/gpt-5-mini"):
        assign(CATALOGUE, "gpt-5-mini")


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(UnknownModel, match="support") as caught:
        assign(CATALOGUE, "suport")
    assert caught.value.field == "model"


def test_a_very_long_name_is_cut_in_the_message() -> None:
    with pytest.raises(UnknownModel) as caught:
        assign(CATALOGUE, "x" * 5000)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("name", ["echo?ttft=10ms", "sim/echo?ttft=10ms"])
def test_a_simulated_id_may_carry_settings(name: str) -> None:
    assert assign(CATALOGUE, name).model.id == "echo?ttft=10ms"


@pytest.mark.parametrize("name", ["gpt-5?ttft=10ms", "support?ttft=1", "large?x"])
def test_other_names_may_not(name: str) -> None:
    with pytest.raises(UnknownModel):
        assign(CATALOGUE, name)
