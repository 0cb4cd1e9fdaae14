"""Secrets are recognised by their formats; what only looks a little like one is not."""

import pytest

from portico.methods.credentials import find

MIXED = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7d"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"sk-ant-api03-{MIXED}", "Anthropic API key"),
        (f"sk-proj-{MIXED}", "OpenAI API key"),
        (f"sk-{MIXED}", "OpenAI API key"),
        ("AKIAQ4XYZ7PLMN2RTS6B", "AWS access key id"),
        (f"aws_secret_access_key = {MIXED}", "AWS secret access key"),
        (f'"SecretAccessKey": "{MIXED}"', "AWS secret access key"),
        (f"AIza{MIXED[:35]}", "Google API key"),
        (f"ghp_{MIXED[:36]}", "GitHub token"),
        (f"github_pat_{MIXED}{MIXED}", "GitHub token"),
        (f"xoxb-{MIXED}", "Slack token"),
        (f"sk_live_{MIXED}", "Stripe key"),
        (f"pk_0a1b2c3d4e5f_{MIXED}", "Portico key"),
        (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{MIXED}", "JSON Web Token"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{MIXED}", "private key"),
        (f"-----BEGIN PRIVATE KEY-----\\n{MIXED}", "private key"),
        ("postgres://app:hunter22x@db/x", "password in a URL"),
    ],
)
def test_a_secret_is_found_with_its_kind_wherever_it_stands(text: str, kind: str) -> None:
    for before, after in (("", ""), ("key: ", "."), ("a\n`", "`\nb"), ("«", "»")):
        found = find(before + text + after)
        assert [each.kind for each in found] == [kind]
        secret = (before + text + after)[found[0].start : found[0].end]
        assert secret.rstrip(".") in text
        assert len(secret) >= 9


def test_the_secret_half_beside_a_key_id_is_found() -> None:
    found = find(f"id AKIAQ4XYZ7PLMN2RTS6B and then {MIXED}\n")
    assert [each.kind for each in found] == ["AWS access key id", "AWS secret access key"]


@pytest.mark.parametrize(
    "text",
    [
        "sk-...", "sk-ant-...", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-your-key-goes-right-here",
        "sk-ant-api03-your-key-here-please-replace", "{{ key }}", "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AIza", "ghp_token",
        "task-list-of-something-rather-long-and-hyphenated", "-----BEGIN PRIVATE KEY-----",
        "postgres://user:password@localhost/db", "https://user:${PASSWORD}@host", "eyJ.eyJ.x",
        "https://{{ user }}:{{ password }}@host", "http://127.0.0.1:8080/a@b", "mailto:a@b.example",
        "risk-assessment-AB12345678901234567890", "d41d8cd98f00b204e9800998ecf8427e", "pk_live", "",
    ],
)  # fmt: skip
def test_placeholders_examples_and_prose_are_none(text: str) -> None:
    assert find(text) == ()
