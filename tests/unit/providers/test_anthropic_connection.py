"""How Anthropic is reached."""

import pytest

from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Provider
from portico.providers.anthropic.connection import VERSION, connect

PROVIDER = Provider(name="p", kind="anthropic")


def test_anthropic_takes_its_key_and_version_in_headers() -> None:
    request = connect(PROVIDER, "sk-1").request("chat", "claude-haiku-4-5", b"{}", False, {})
    headers = dict(request.headers)
    assert request.url == "https://api.anthropic.com/v1/messages"
    assert headers["x-api-key"] == "sk-1"
    assert headers["anthropic-version"] == VERSION
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert "authorization" not in headers


@pytest.mark.parametrize("base", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"])
def test_an_address_may_end_in_v1_or_not(base: str) -> None:
    made = connect(Provider(name="p", kind="anthropic", base_url=base), "")
    assert made.request("chat", "m", b"", True, {}).url == "http://h:1/v1/messages"
    assert made.probe().url == "http://h:1/v1/models"


def test_version_and_beta_of_the_caller_go_on_and_nothing_else_does() -> None:
    forwarded = {"anthropic-beta": "a,b", "anthropic-version": "2024-01-01", "x-api-key": "theirs"}
    made = connect(PROVIDER, "sk-1")
    headers = made.request("chat", "m", b"", True, forwarded).headers
    assert dict(headers)["anthropic-beta"] == "a,b"
    assert dict(headers)["anthropic-version"] == "2024-01-01"
    assert dict(headers)["x-api-key"] == "sk-1"
    assert len({name for name, _ in headers}) == len(headers)
    assert "anthropic-beta" not in dict(made.request("chat", "m", b"", True, {}).headers)


def test_a_forwarded_header_that_could_start_another_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="anthropic-beta"):
        connect(PROVIDER, "k").request("chat", "m", b"", False, {"anthropic-beta": "a\r\nb: c"})


def test_embeddings_are_refused_with_the_member_at_fault() -> None:
    made = connect(PROVIDER, "k")
    assert made.wire("chat") == "anthropic_messages"
    with pytest.raises(InvalidRequest) as caught:
        made.wire("embeddings")
    assert caught.value.field == "model"
    with pytest.raises(InvalidRequest):
        made.request("embeddings", "m", b"", False, {})


def test_the_cap_is_max_tokens() -> None:
    assert connect(PROVIDER, "k").cap_field() == "max_tokens"
