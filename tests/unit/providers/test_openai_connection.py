"""How OpenAI, compatible servers and Azure are reached."""

import pytest

from portico import __version__
from portico.contract.ports import Connection, UpstreamRequest
from portico.contract.snapshot import Network, Provider
from portico.providers.openai.connection import connect


def connection(**fields: object) -> Connection:
    made = Provider(**{"name": "p", "kind": "openai", **fields})  # type: ignore[arg-type]
    return connect(made, "sk-1")


def chat(of: Connection, model: str = "gpt-5-mini", stream: bool = False) -> UpstreamRequest:
    return of.request("chat", model, b"{}", stream, {"anthropic-beta": "x"})


def test_openai_takes_a_bearer_key_and_the_model_in_the_body() -> None:
    request = chat(connection())
    assert request.method == "POST"
    assert request.url == "https://api.openai.com/v1/chat/completions"
    assert dict(request.headers) == {
        "authorization": "Bearer sk-1",
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"portico/{__version__}",
    }
    assert request.body == b"{}"


def test_a_stream_is_asked_for_as_one() -> None:
    assert dict(chat(connection(), stream=True).headers)["accept"] == "text/event-stream"


def test_embeddings_have_their_own_path_and_wire() -> None:
    made = connection(base_url="http://h:1/v1/")
    request = made.request("embeddings", "m", b"{}", False, {})
    assert request.url == "http://h:1/v1/embeddings"
    assert (made.wire("chat"), made.wire("embeddings")) == ("openai_chat", "openai_embeddings")


@pytest.mark.parametrize(
    ("base", "field"),
    [
        ("", "max_completion_tokens"),
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://r.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
        ("https://api.openai.com.evil.example/v1", "max_tokens"),
    ],
)
def test_the_cap_goes_into_the_member_that_the_server_knows(base: str, field: str) -> None:
    assert connection(base_url=base).cap_field() == field


def test_azure_names_the_deployment_in_the_path_and_dates_its_api() -> None:
    made = connection(base_url="https://r.openai.azure.com/", api_version="2024-10-21")
    request = chat(made, "my dep/../x?y#z")
    assert request.url == (
        "https://r.openai.azure.com/openai/deployments/my%20dep%2F..%2Fx%3Fy%23z"
        "/chat/completions?api-version=2024-10-21"
    )
    headers = dict(request.headers)
    assert headers["api-key"] == "sk-1"
    assert "authorization" not in headers
    assert made.cap_field() == "max_completion_tokens"
    probe = made.probe().url
    assert probe == "https://r.openai.azure.com/openai/models?api-version=2024-10-21"


def test_a_server_without_a_key_gets_no_credential() -> None:
    made = connect(Provider(name="p", kind="openai", base_url="http://h/v1"), "")
    assert "authorization" not in dict(chat(made).headers)


def test_headers_of_the_project_are_added_and_win() -> None:
    made = connection(headers=(("X-Team", "a"), ("Authorization", "Basic b")), organization="org")
    headers = dict(chat(made).headers)
    assert headers["x-team"] == "a"
    assert headers["authorization"] == "Basic b"
    assert headers["openai-organization"] == "org"


def test_the_probe_lists_models_and_sends_nothing() -> None:
    probe = connection().probe()
    assert (probe.method, probe.body) == ("GET", b"")
    assert probe.url == "https://api.openai.com/v1/models"


def test_the_network_of_the_provider_goes_with_each_request() -> None:
    network = Network(allow_private=True, connect_s=1)
    assert chat(connection(network=network)).network is network


def test_white_space_around_a_key_is_left_out() -> None:
    made = connect(Provider(name="p", kind="openai"), " sk-1\n")
    assert dict(chat(made).headers)["authorization"] == "Bearer sk-1"


@pytest.mark.parametrize("key", ["sk\r\nx: y", "sk\n1", "sk\x00", "sk-é"])
def test_a_key_that_could_start_a_header_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="api_key of p") as caught:
        connect(Provider(name="p", kind="openai"), key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "header",
    [("a\r\nb", "c"), ("a", "b\r\nc: d"), ("a b", "c"), ("", "c"), ("Host", "h"), ("te", "x")],
)
def test_a_header_that_could_bend_a_request_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        connection(headers=(header,))


@pytest.mark.parametrize(
    "base",
    [
        "api.openai.com",
        "file:///etc/passwd",
        "http://",
        "http://u:p@h",
        "http://h/?a=b",
        "http://h/#a",
        "http://h/\r\nx",
        "http://h:port",
    ],
)
def test_an_address_that_is_no_plain_http_url_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match=r"base_url|[Pp]ort"):
        connection(base_url=base)
