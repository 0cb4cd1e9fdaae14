"""${NAME} in portico.yaml, and where secrets stay out."""

import pytest

from portico.contract.snapshot import Network, Provider
from portico.control.projects import Unresolved, references, with_secrets


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "one"),
        ("x-${A}-${B:-two}", "x-one-two"),
        ("${EMPTY:-filled}", "filled"),
        ("${B:-}", ""),
        ("$${A}", "${A}"),
        ("costs 5$", "costs 5$"),
    ],
)
def test_references_are_replaced(written: str, value: str) -> None:
    assert references.resolve(written, {"A": "one", "EMPTY": ""}) == value


@pytest.mark.parametrize("written", ["${MISSING}", "${EMPTY}", "${1X}", "${A", "${A:?no}"])
def test_a_reference_that_leads_nowhere_is_an_error(written: str) -> None:
    with pytest.raises(Unresolved):
        references.resolve(written, {"A": "one", "EMPTY": ""})


def test_a_value_is_not_looked_into_for_more_references() -> None:
    assert references.resolve("${A}", {"A": "${B}", "B": "two"}) == "${B}"


def test_only_text_made_of_references_holds_no_secret() -> None:
    assert references.is_reference("${A}")
    assert references.is_reference("${A}${B}")
    assert not references.is_reference("sk-${A}")
    assert not references.is_reference("${A:-sk-123}")


def test_a_provider_gets_its_secrets_when_it_is_used() -> None:
    provider = Provider(
        name="p",
        kind="openai",
        api_key="${KEY}",
        headers=(("x-more", "${KEY}2"),),
        network=Network(proxy="http://${KEY}@proxy"),
    )
    used = with_secrets(provider, {"KEY": "k"})
    assert used.api_key == "k"
    assert used.headers == (("x-more", "k2"),)
    assert used.network.proxy == "http://k@proxy"
    with pytest.raises(Unresolved, match="KEY is not set"):
        with_secrets(provider, {})
