"""How Gemini is reached."""

from datetime import date

import pytest

from portico.contract.call import Operation
from portico.contract.snapshot import Provider
from portico.providers.gemini import facts
from portico.providers.gemini.connection import BASE_URL, connect

PLAIN = Provider(name="g", kind="gemini")


@pytest.mark.parametrize(
    ("operation", "stream", "path"),
    [
        ("chat", False, "/models/gemini-3.8-flash:generateContent"),
        ("chat", True, "/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
        ("embeddings", False, "/models/gemini-3.8-flash:batchEmbedContents"),
    ],
)
def test_model_and_method_stand_in_the_url(operation: Operation, stream: bool, path: str) -> None:
    request = connect(PLAIN, "k").request(operation, "gemini-3.8-flash", b"{}", stream, {})
    assert request.url == BASE_URL + path
    assert request.method == "POST"
    headers = dict(request.headers)
    assert headers["x-goog-api-key"] == "k"
    assert headers["accept"] == ("text/event-stream" if stream else "application/json")
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("base", "start"),
    [
        ("", BASE_URL),
        ("https://proxy.example.com", "https://proxy.example.com/v1beta"),
        ("https://proxy.example.com/g/", "https://proxy.example.com/g/v1beta"),
        ("https://proxy.example.com/v1", "https://proxy.example.com/v1"),
        ("https://proxy.example.com/v1alpha/x", "https://proxy.example.com/v1alpha/x"),
        ("https://proxy.example.com/video", "https://proxy.example.com/video/v1beta"),
    ],
)
def test_an_address_without_a_version_means_v1beta(base: str, start: str) -> None:
    provider = Provider(name="g", kind="gemini", base_url=base)
    assert connect(provider, "k").probe().url == f"{start}/models"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-3.8-flash", "models/gemini-3.8-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("a b?key=x#y", "models/a%20b%3Fkey%3Dx%23y"),
        ("../../secret", "%2E%2E/%2E%2E/secret"),
        ("a%2F..", "models/a%252F.."),
    ],
)
def test_no_model_id_bends_the_url(model: str, path: str) -> None:
    request = connect(PLAIN, "k").request("chat", model, b"", False, {})
    assert request.url == f"{BASE_URL}/{path}:generateContent"


def test_its_wires_and_its_cap_are_its_own() -> None:
    connection = connect(PLAIN, "k")
    assert connection.wire("chat") == "gemini"
    assert connection.wire("embeddings") == "gemini_embeddings"
    assert connection.cap_field() == "maxOutputTokens"
    assert connection.identity is None


@pytest.mark.parametrize("key", ["a\nb", "ключ"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="api_key of g") as refused:
        connect(PLAIN, key)
    assert key not in str(refused.value)


def test_headers_of_the_project_go_over_ours() -> None:
    provider = Provider(name="g", kind="gemini", headers=(("X-Goog-Api-Key", "other"),))
    assert dict(connect(provider, "k").probe().headers)["x-goog-api-key"] == "other"


def test_every_fact_has_a_page_a_day_and_sane_numbers() -> None:
    known = facts.known()
    assert len(known) > 10
    for name, found in known.items():
        assert found.source.startswith("https://"), name
        assert date.fromisoformat(found.date)
        assert found.context is not None
        assert found.max_output is None or found.max_output <= found.context, name
        assert not found.retires or date.fromisoformat(found.retires)
    assert facts.stale(date(2026, 11, 23)) == ()
    assert "gemini-4-argon" in facts.stale(date(2030, 1, 1))
    flash = facts.facts("gemini-2.5-flash")
    assert flash is not None
    assert flash.retires == "2026-12-01"
