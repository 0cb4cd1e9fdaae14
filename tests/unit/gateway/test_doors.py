"""Bad input gets a clear error in the shape of its wire, and nothing is lost."""

import asyncio
import json

import pytest
from tests.unit.gateway.harness import Got, Site, answered, chat_body

from portico.gateway.app import OPEN


def ask(
    site: Site,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    key: str | None = "key",
) -> Got:
    return asyncio.run(site.request(method, path, body, headers, key=key))


CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
DEEP = b'{"model":"support","messages":' + b"[" * 200 + b"]" * 200 + b"}"


@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1/embeddings"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b'{"model": "support", "model": "deep"}',
        b'{"model": "support", "temperature": NaN}',
        b'{"model": "support", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "support", "messages": "\xff"}',
        b'{"model": 7}',
        DEEP,
        b'{"model": "support"',
    ],
)
def test_a_body_that_is_no_request_is_the_caller_s_fault(path: str, body: bytes) -> None:
    site = Site()
    got = ask(site, "POST", path, body)
    assert (got.status, got.headers["x-portico-error"]) == (400, "invalid_request")
    assert got.headers["x-should-retry"] == "false"
    assert got.json["error"]["message"]
    assert site.upstream.requests == []
    assert site.receipt.status == "refused"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "pirate", "content": "x"}]}, "messages[0].role"),
        ({"temperature": 99}, "temperature"),
        ({"n": 0}, "n"),
        ({"n": 100000}, "n"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"portico": {"deadline_ms": -5}}, "portico.deadline_ms"),
        ({"portico": {"sesion": "x"}}, "portico.sesion"),
        ({"portico": {"session": "x" * 1000}}, "portico.session"),
        ({"portico": {"tags": {str(number): "" for number in range(50)}}}, "portico.tags"),
    ],
)
def test_an_absurd_parameter_is_named(members: dict[str, object], field: str) -> None:
    got = asyncio.run(Site().chat(**members))  # type: ignore[arg-type]
    assert (got.status, got.json["error"]["param"]) == (400, field)


def test_options_may_come_in_a_header_and_the_body_wins() -> None:
    site = Site([answered(), answered()])
    headers = {"x-portico-options": '{"session": "header", "subject": "s"}'}
    asyncio.run(site.chat(headers=headers, portico={"session": "body"}))
    assert (site.receipt.session, site.receipt.subject) == ("body", "s")
    got = asyncio.run(site.chat(headers={"x-portico-options": "{nonsense"}))
    assert (got.status, got.json["error"]["param"]) == (400, "x-portico-options")


def test_a_body_over_the_limit_is_refused_with_its_length_or_without() -> None:
    site = Site()
    large = chat_body(messages=[{"role": "user", "content": "x" * 20_000}])
    declared = ask(site, "POST", CHAT, large, {"content-length": str(len(large))})
    counted = ask(site, "POST", CHAT, large)
    for got in (declared, counted):
        assert (got.status, got.headers["x-portico-error"]) == (413, "invalid_request")
        assert "limits.body" in got.json["error"]["message"]


def test_an_encoded_body_is_refused() -> None:
    got = ask(Site(), "POST", CHAT, b"\x1f\x8b", {"content-encoding": "gzip"})
    assert got.status == 400


def test_a_missing_and_a_wrong_key_are_turned_away_and_leave_no_receipt() -> None:
    site = Site()
    for key in (None, "pk_wrong_key", "nonsense"):
        got = ask(site, "POST", CHAT, chat_body(), key=key)
        assert (got.status, got.headers["x-portico-error"]) == (401, "unauthenticated")
    assert site.receipts == []


def test_an_unknown_model_names_the_nearest() -> None:
    site = Site()
    got = asyncio.run(site.chat(model="suport"))
    assert (got.status, got.headers["x-portico-error"]) == (404, "unknown_model")
    assert "support" in got.json["error"]["message"]
    assert site.receipt.requested_model == "suport"


def test_a_scoped_key_may_not_go_past_the_workloads() -> None:
    site = Site([answered()])
    denied = asyncio.run(site.chat(model="openai/gpt-5-mini"))
    assert (denied.status, denied.headers["x-portico-error"]) == (403, "policy_denied")
    allowed = asyncio.run(site.chat(key="admin", model="openai/gpt-5-mini"))
    assert allowed.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", CHAT, 405),
        ("DELETE", MESSAGES, 405),
        ("GET", "/v1/nothing", 404),
        ("POST", "/", 404),
        ("PUT", "/v1/models", 404),
    ],
)
def test_other_methods_and_paths_are_clear_errors(method: str, path: str, status: int) -> None:
    got = ask(Site(), method, path)
    assert (got.status, got.headers["x-portico-error"]) == (status, "invalid_request")


def test_an_error_has_the_shape_of_the_wire_that_was_called() -> None:
    site = Site()
    anthropic = ask(site, "POST", MESSAGES, b"{}").json
    assert anthropic["type"] == "error"
    assert anthropic["error"]["type"] == "invalid_request_error"
    openai = ask(site, "POST", CHAT, b"{}").json
    assert openai["error"]["code"] == "invalid_request"


def test_models_lists_workloads_in_order_then_raw_names_where_allowed() -> None:
    site = Site()
    scoped = [model["id"] for model in ask(site, "GET", "/v1/models").json["data"]]
    assert scoped == ["support", "deep", "unpriced", "hasty", "default"]
    everything = [m["id"] for m in ask(site, "GET", "/v1/models", key="admin").json["data"]]
    assert everything[5:] == ["openai/gpt-5-mini", "claude/claude-sonnet-4-5", "openai/own-model"]
    anthropic = ask(site, "GET", "/v1/models", headers={"anthropic-version": "2023-06-01"})
    assert anthropic.json["first_id"] == "support"
    assert ask(site, "GET", "/v1/models/deep").json["id"] == "deep"
    assert ask(site, "GET", "/v1/models/none").status == 404


def test_health_is_open_and_everything_else_is_not() -> None:
    site = Site()
    assert {"/healthz", "/readyz"} == OPEN
    for path in OPEN:
        assert ask(site, "GET", path, key=None).status == 200
    for path in ("/metrics", "/v1/models", "/v1/models/deep", "/admin/v1/keys"):
        assert ask(site, "GET", path, key=None).status == 401


def test_metrics_and_administration_have_their_own_keys() -> None:
    site = Site([answered()])
    asyncio.run(site.chat())
    metrics = ask(site, "GET", "/metrics", key="metrics")
    assert b'portico_calls_total{door="openai_chat"' in metrics.body
    assert b'portico_tokens_total{kind="output",model="small"} 5.0' in metrics.body
    assert ask(site, "GET", "/metrics", key="key").status == 403
    assert ask(site, "GET", "/admin/v1/keys", key="metrics").status == 403
    assert ask(site, "GET", "/admin/v1/keys", key="admin").body == b"administered"


def test_a_stopping_server_refuses_new_calls_with_a_retryable_error() -> None:
    async def main() -> None:
        site = Site()
        await site.app.gate.drain(1)
        got = await site.chat()
        assert (got.status, got.headers["x-should-retry"]) == (503, "true")
        assert got.headers["retry-after"] == "1"

    asyncio.run(main())


def test_no_error_quotes_what_the_caller_sent() -> None:
    site = Site()
    secret = "my-secret-prompt"
    body = json.dumps({"model": "support", "messages": [{"role": "user", "content": [secret]}]})
    got = ask(site, "POST", CHAT, body.encode())
    assert got.status == 400
    assert secret.encode() not in got.body
