"""`webhooks:`, `retention:` and `currency:` into the snapshot."""

import base64
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from portico.contract.snapshot import Currency, Retention, Webhook
from portico.control.projects import references
from portico.control.projects.problems import FILE, Problem, problem
from portico.control.projects.schema import Project
from portico.control.projects.schema.organisation import Webhook as Written
from portico.methods.yaml12 import Document

BASE64: Final = "whsec_"
"""What a secret begins with whose rest is base64, by the Standard Webhooks specification."""
DAY_S: Final = 86_400.0
"""Receipts are kept at least as long: budgets and reports are counted from them."""


def read_webhooks(
    document: Document, project: Project, environment: Mapping[str, str]
) -> tuple[tuple[Webhook, ...], list[Problem]]:
    """The webhooks with their references as they are, and what is wrong with them."""
    problems: list[Problem] = []
    for name, written in project.webhooks.items():
        here = ("webhooks", name)
        fault = _unsafe(written.url, environment)
        if fault:
            hint = "such as https://hooks.example.com/portico"
            problems.append(problem(document, (*here, "url"), fault, hint))
        if _garbled(written.secret, environment):
            hint = "write it as it was given to you, or leave whsec_ out to use it as it is"
            message = "is not base64 after whsec_"
            problems.append(problem(document, (*here, "secret"), message, hint))
    made = (_webhook(name, written, project) for name, written in project.webhooks.items())
    return tuple(made), problems


def _webhook(name: str, written: Written, project: Project) -> Webhook:
    return Webhook(
        name=name,
        project=project.project,
        url=written.url,
        secret=written.secret,
        events=tuple(dict.fromkeys(written.events)),
        shape=written.shape,
    )


def _unsafe(url: str, environment: Mapping[str, str]) -> str:
    """What is wrong with an address; it is never quoted, since it may be a secret itself."""
    try:
        resolved = references.resolve(url, environment)
    except references.Unresolved:
        return ""  # told already
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in resolved):
        return "has white space or control characters in it"
    try:
        parts = urlsplit(resolved)
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return "is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "expected an absolute http or https URL"
    if parts.username is not None or parts.password is not None:
        return "must not carry a user or password; what is sent is signed with secret"
    return "must not have a fragment" if parts.fragment else ""


def _garbled(secret: str, environment: Mapping[str, str]) -> bool:
    try:
        resolved = references.resolve(secret, environment)
        if resolved.startswith(BASE64):
            base64.b64decode(resolved[len(BASE64) :], validate=True)
    except references.Unresolved:
        return False  # told already
    except ValueError:
        return True
    return False


def literal_webhook_secrets(document: Document, project: Project) -> Iterator[str]:
    """A warning for each secret that stands in the file itself. A Slack address is one."""
    for name, written in project.webhooks.items():
        literal = {
            "secret": bool(written.secret) and not references.is_reference(written.secret),
            "url": written.shape == "slack" and not references.names(written.url),
        }
        for key, stands_there in literal.items():
            if stands_there:
                line = document.place(("webhooks", name, key))[0]
                yield (
                    f"webhooks.{name}.{key} ({FILE}:{line}) is written out; keep secrets out of"
                    " git and name an environment variable, as in ${WEBHOOK_SECRET}"
                )


def without_webhook_secrets(webhook: Webhook) -> Webhook:
    """What of a webhook may go into a digest."""
    known = references.is_reference(webhook.secret)
    return msgspec.structs.replace(webhook, secret=webhook.secret if known else "")


def read_retention(document: Document, project: Project) -> tuple[Retention, list[Problem]]:
    written = project.retention
    if written is None:
        return Retention(), []
    problems = []
    if written.receipts is not None and written.receipts < DAY_S:
        path = ("retention", "receipts")
        message = "receipts are kept for a day at least: budgets and reports are made of them"
        problems.append(problem(document, path, message, "write 1d or more"))
    found = Retention(
        receipts_s=written.receipts,
        transcripts_s=written.transcripts,
        feedback_s=written.feedback,
    )
    return found, problems


def read_currency(project: Project) -> Currency | None:
    written = project.currency
    if written is None:
        return None
    return Currency(
        code=written.code, per_usd=written.per_usd, date=written.date, source=written.source
    )
