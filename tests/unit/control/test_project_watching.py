"""`webhooks:`, `retention:` and `currency:`, and what of them is part of a project's meaning."""

import datetime
from typing import get_args, get_type_hints

import msgspec
import pytest

from portico.contract.deployment import Happening
from portico.contract.snapshot import Currency, Retention, Snapshot, Webhook
from portico.control.projects import Compiled, Problem, compile_project, resolved
from portico.control.projects.references import Unresolved
from portico.control.projects.schema.organisation import Webhook as Written

TODAY = datetime.date(2026, 11, 23)
BASE = "providers: {sim: {kind: simulator}}\n"
ENVIRONMENT = {
    "SECRET": "whsec_bWVvdyBtZW93IG1lb3cgbWVvdyBt",
    "URL": "https://hooks.example.com/services/T/B/canary",
    "USER_URL": "https://ada:canary@example.com/x",
    "GARBLED": "whsec_canary!",
}


def compiled(rest: str) -> Compiled:
    return compile_project({"portico.yaml": BASE + rest}, ENVIRONMENT, TODAY)


def snapshot(rest: str) -> Snapshot:
    made = compiled(rest)
    assert made.problems == ()
    assert made.snapshot is not None
    return made.snapshot


def only(rest: str) -> Problem:
    (found,) = compiled(rest).problems
    return found


def test_a_webhook_is_compiled_and_its_references_stay() -> None:
    text = 'webhooks: {ops: {url: "${URL}", secret: "${SECRET}", events: budget_threshold}}\n'
    made = snapshot(f"project: care\n{text}")
    assert made.webhooks == (
        Webhook(
            name="ops",
            project="care",
            url="${URL}",
            secret="${SECRET}",
            events=("budget_threshold",),
        ),
    )
    assert made.warnings == ()
    assert b"canary" not in msgspec.json.encode(made)
    assert b"bWVv" not in msgspec.json.encode(made)


def test_references_of_a_webhook_are_resolved_for_the_one_who_sends() -> None:
    webhook = Webhook(name="ops", url="${URL}?x=1", secret="${SECRET}")
    found = resolved(webhook, ENVIRONMENT)
    assert (found.url, found.secret) == (ENVIRONMENT["URL"] + "?x=1", ENVIRONMENT["SECRET"])
    with pytest.raises(Unresolved, match="SECRET is not set"):
        resolved(webhook, {"URL": "x"})


def test_the_events_are_exactly_the_kinds_of_happenings() -> None:
    (words,) = get_args(Written.model_fields["events"].annotation)
    assert get_args(words) == get_args(get_type_hints(Happening)["kind"])


@pytest.mark.parametrize(
    ("entry", "path", "message", "hint"),
    [
        ("{}", ".url", "the key url is missing", ""),
        ("{url: hooks.example.com}", ".url", "absolute http or https URL", "https://"),
        ("{url: 'ftp://x/y'}", ".url", "absolute http or https URL", ""),
        ("{url: 'http://'}", ".url", "absolute http or https URL", ""),
        ("{url: 'http://x:port/y'}", ".url", "is no URL", ""),
        ("{url: 'http://[x/y'}", ".url", "is no URL", ""),
        ("{url: 'http://x/a b'}", ".url", "white space", ""),
        ("{url: 'http://x/y#z'}", ".url", "fragment", ""),
        ("{url: '${USER_URL}'}", ".url", "user or password", ""),
        ("{url: '${NOPE}'}", ".url", "NOPE is not set", "set it"),
        ("{url: 'http://x', secret: '${GARBLED}'}", ".secret", "not base64", "whsec_"),
        ("{url: 'http://x', secret: '${NOPE}'}", ".secret", "NOPE is not set", ""),
        ("{url: 'http://x', events: [budget_treshold]}", ".events.0", "", "budget_threshold"),
        ("{url: 'http://x', events: everything}", ".events.0", "found everything", ""),
        ("{url: 'http://x', shape: slak}", ".shape", "found slak", "slack"),
    ],
)
def test_a_wrong_webhook_is_named_and_never_quoted(
    entry: str, path: str, message: str, hint: str
) -> None:
    found = only(f"webhooks:\n  h: {entry}\n")
    assert (found.path.removesuffix(".0"), found.line) == (
        f"webhooks.h{path}".removesuffix(".0"),
        3,
    )
    assert message in found.message
    assert hint in found.hint
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("entry", "warned"),
    [
        ("{url: 'https://x/y', secret: canary}", "webhooks.h.secret (portico.yaml:3)"),
        ("{url: 'https://x/y', secret: 'canary${SECRET}'}", "webhooks.h.secret (portico.yaml:3)"),
        ("{url: 'https://x/canary', shape: slack}", "webhooks.h.url (portico.yaml:3)"),
    ],
)
def test_a_secret_that_is_written_out_is_warned_about_and_not_shown(
    entry: str, warned: str
) -> None:
    (warning,) = snapshot(f"webhooks:\n  h: {entry}\n").warnings
    assert warning.startswith(f"{warned} is written out")
    assert "canary" not in warning


def test_a_webhook_whose_secrets_are_references_is_not_warned_about() -> None:
    entry = "{url: 'https://x/${SECRET}', shape: slack, secret: '${SECRET}'}"
    assert snapshot(f"webhooks:\n  h: {entry}\n").warnings == ()


def test_retention_is_compiled_and_only_the_audit_trail_is_not_active_yet() -> None:
    made = snapshot("retention: {receipts: 400d, transcripts: 4w, feedback: 1h, audit: 7d}\n")
    assert made.retention == Retention(
        receipts_s=400 * 86400.0, transcripts_s=28 * 86400.0, feedback_s=3600.0
    )
    (warning,) = made.warnings
    assert warning.startswith("retention.audit (portico.yaml:2) is understood but not active yet")


def test_receipts_are_kept_for_a_day_at_least() -> None:
    found = only("retention:\n  receipts: 23h\n")
    assert (found.path, found.line) == ("retention.receipts", 3)
    assert "a day at least" in found.message
    assert snapshot("retention: {receipts: 1d}\n").retention.receipts_s == 86400.0


def test_a_currency_is_compiled() -> None:
    text = 'currency: {code: EUR, per_usd: 0.92, date: 2026-11-20, source: "ECB"}\n'
    assert snapshot(text).currency == Currency(
        code="EUR", per_usd=0.92, date="2026-11-20", source="ECB"
    )
    assert snapshot("").currency is None


@pytest.mark.parametrize(
    ("entry", "path", "message"),
    [
        ("{code: eur, per_usd: 1, date: 2026-11-20}", "code", "three capital letters"),
        ("{code: EURO, per_usd: 1, date: 2026-11-20}", "code", "three capital letters"),
        ("{code: ÄUR, per_usd: 1, date: 2026-11-20}", "code", "three capital letters"),
        ("{code: EUR, per_usd: 0, date: 2026-11-20}", "per_usd", "greater than 0"),
        ("{code: EUR, per_usd: '1', date: 2026-11-20}", "per_usd", "expected a number"),
        ("{code: EUR, per_usd: 1}", "date", "the key date is missing"),
        ("{code: EUR, per_usd: 1, date: 2026-02-30}", "date", "expected a date"),
        ("{code: EUR, per_usd: 1, date: '20261120'}", "date", "expected a date"),
        ("{code: EUR, per_usd: 1, date: 20.11.2026}", "date", "expected a date"),
    ],
)
def test_a_wrong_currency_is_named(entry: str, path: str, message: str) -> None:
    found = only(f"currency: {entry}\n")
    assert found.path == f"currency.{path}"
    assert message in found.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("budgets: {b: {usd: 1, per: day}}\n", "budgets: {b: {usd: 2, per: day}}\n"),
        ("retention: {receipts: 1d}\n", "retention: {receipts: 2d}\n"),
        (
            "currency: {code: EUR, per_usd: 1, date: 2026-11-20}\n",
            "currency: {code: EUR, per_usd: 1, date: 2026-11-21}\n",
        ),
        ("webhooks: {h: {url: 'http://x'}}\n", "webhooks: {h: {url: 'http://y'}}\n"),
        (
            "webhooks: {h: {url: 'http://x', secret: '${SECRET}'}}\n",
            "webhooks: {h: {url: 'http://x', secret: '${URL}'}}\n",
        ),
    ],
)
def test_the_digest_covers_them(one: str, other: str) -> None:
    digests = {snapshot(text).digest for text in ("", one, other)}
    assert len(digests) == 3


def test_the_digest_does_not_cover_a_secret_that_is_written_out() -> None:
    texts = [f"webhooks: {{h: {{url: 'http://x', secret: {word}}}}}\n" for word in ("aye", "nay")]
    assert len({snapshot(text).digest for text in texts}) == 1
