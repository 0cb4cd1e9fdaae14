"""Secrets in text, recognised by the formats that their issuers have published.

The law of this file: a format is a literal that must be present, and a pattern that begins at
it, whose repetitions cannot give back what they took (possessive), so that time is linear in the
text. What is plainly a placeholder (`sk-...`, `{{ key }}`, AWS's own EXAMPLE keys) is none.
"""

import re
from typing import Final

import msgspec

NOT_BEFORE: Final = r"(?<![A-Za-z0-9_-])"
NOT_AFTER: Final = r"(?![A-Za-z0-9_-])"


class Found(msgspec.Struct, frozen=True):
    """Characters `start` to before `end` of a text are a secret of this kind."""

    kind: str
    start: int
    end: int


class _Format(msgspec.Struct, frozen=True):
    kind: str
    literal: str
    pattern: re.Pattern[str]
    """The secret is its group 1 where it has one."""
    distinct: int = 8
    """Different characters that a secret of this kind has at least."""


def _format(kind: str, literal: str, pattern: str, distinct: int = 8) -> _Format:
    return _Format(kind, literal, re.compile(NOT_BEFORE + pattern), distinct)


FORMATS: Final = (
    _format("Anthropic API key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,400}+"),
    _format("OpenAI API key", "sk-", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,400}+"),
    _format("OpenRouter API key", "sk-or-", r"sk-or-v1-[0-9a-f]{32,128}+"),
    _format("OpenAI API key", "sk-", r"sk-[A-Za-z0-9]{20,200}+" + NOT_AFTER),
    _format("AWS access key id", "AKIA", r"AKIA[A-Z0-9]{16}" + NOT_AFTER, 6),
    _format("AWS access key id", "ASIA", r"ASIA[A-Z0-9]{16}" + NOT_AFTER, 6),
    _format("Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35}+" + NOT_AFTER),
    _format("Google OAuth client secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{28}+" + NOT_AFTER),
    _format("GitHub token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,255}+" + NOT_AFTER),
    _format("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{40,255}+"),
    _format("GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20,100}+"),
    _format("Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{15,250}+"),
    _format("Slack token", "xapp-", r"xapp-[0-9]-[A-Za-z0-9-]{15,250}+"),
    _format("Stripe key", "k_live_", r"[sr]k_live_[A-Za-z0-9]{16,250}+"),
    _format("Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,250}+"),
    _format("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,100}+" + NOT_AFTER),
    _format("Groq API key", "gsk_", r"gsk_[A-Za-z0-9]{40,100}+" + NOT_AFTER),
    _format("npm token", "npm_", r"npm_[A-Za-z0-9]{36}+" + NOT_AFTER),
    _format("SendGrid API key", "SG.", r"SG\.[A-Za-z0-9_-]{16,32}+\.[A-Za-z0-9_-]{16,64}+"),
    _format("Portico key", "pk_", r"pk_[A-Za-z0-9]{4,64}+_[A-Za-z0-9_-]{20,128}+"),
    _format(
        "JSON Web Token",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{8,8000}+\.eyJ[A-Za-z0-9_-]{8,8000}+\.[A-Za-z0-9_-]{16,2000}+",
    ),
    _Format(
        "private key",
        "PRIVATE KEY",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:\s|\\[nr]){1,8}+(?:[A-Z][A-Za-z-]{1,20}+: [^\n]{0,100}+\s{1,4}+){0,4}+"
            r"[A-Za-z0-9+/=]{16,128}+"
        ),
    ),
    _Format(
        "password in a URL",
        "://",
        re.compile(r"://[^\s/:@'\"<>{}$]{0,128}+:([^\s/:@'\"<>{}$*]{3,256}+)@"),
        3,
    ),
    _Format(
        "AWS secret access key",
        "ecret",
        re.compile(
            r"(?i:secret_?access_?key|aws_?secret(?:_?key)?)[\"'\s:=]{1,10}+"
            r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        12,
    ),
)
NEAR_KEY_ID: Final = 200
"""Characters after an AWS access key id in which its secret half is looked for."""
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_PLACEHOLDER: Final = re.compile(
    r"example|placeholder|redacted|your|xxxx|change.?me|dummy|sample|insert|secret.?key|replace",
    re.IGNORECASE,
)
_USUAL: Final = re.compile(
    r"(?:my|the)?(?:pass|password|passwd|pwd|pw|secret|token|key|api.?key|user|port|\d{1,5})",
    re.IGNORECASE,
)
"""What stands for a password in documentation, and ports."""


def find(text: str) -> tuple[Found, ...]:
    """The secrets in a text, in its order, none within another. Linear in its length."""
    found: list[Found] = []
    for each in FORMATS:
        if each.literal not in text:
            continue
        for match in each.pattern.finditer(text):
            start, end = match.span(match.re.groups)
            if _real(text[start:end], each):
                found.append(Found(each.kind, start, end))
                if each.kind == "AWS access key id":
                    found += _beside(text, end)
    return _apart(found)


def _real(secret: str, form: _Format) -> bool:
    if len(set(secret)) < form.distinct or _PLACEHOLDER.search(secret):
        return False
    return form.literal != "://" or not _USUAL.fullmatch(secret)


def _beside(text: str, end: int) -> list[Found]:
    """The secret halves near an AWS access key id."""
    return [
        Found("AWS secret access key", match.start(), match.end())
        for match in _AWS_SECRET.finditer(text, end, min(len(text), end + NEAR_KEY_ID))
        if len(set(match[0])) >= 12 and not _PLACEHOLDER.search(match[0])
    ]


def _apart(found: list[Found]) -> tuple[Found, ...]:
    kept: list[Found] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return tuple(kept)
