"""`${NAME}` and `${NAME:-default}`: values that come from the environment.

`$${` stands for a plain `${`. A variable that is empty counts as not set.
"""

import re
from collections.abc import Mapping

import msgspec

from portico.contract.snapshot import Provider, Webhook

REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{")


class Unresolved(ValueError):
    """A reference that cannot be resolved; the message says which, never a value."""


def names(text: str) -> tuple[str, ...]:
    """The variables that a text refers to."""
    return tuple(found[1] for found in REFERENCE.finditer(text) if found[1])


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """The text with every reference replaced. Raises Unresolved."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        name, default = found[1], found[2]
        if name is None:
            raise Unresolved("expected ${NAME} or ${NAME:-default}; write $${ for a plain ${")
        known = environment.get(name, "")
        if known:
            return known
        if default is None:
            raise Unresolved(f"the environment variable {name} is not set")
        return str(default)

    return REFERENCE.sub(value, text) if "${" in text else text


def is_reference(text: str) -> bool:
    """Whether a text is made of references only, so that it holds no secret itself."""
    return all(found[1] and not found[2] for found in REFERENCE.finditer(text)) and not (
        REFERENCE.sub("", text).strip()
    )


def with_secrets(provider: Provider, environment: Mapping[str, str]) -> Provider:
    """The provider with api_key, headers and proxy resolved, for `connect` and the upstream.

    Raises Unresolved. The result holds secrets: it is never stored, logged or published.
    """
    return msgspec.structs.replace(
        provider,
        api_key=resolve(provider.api_key, environment),
        headers=tuple((name, resolve(value, environment)) for name, value in provider.headers),
        network=msgspec.structs.replace(
            provider.network, proxy=resolve(provider.network.proxy, environment)
        ),
    )


def resolved(webhook: Webhook, environment: Mapping[str, str]) -> Webhook:
    """The webhook with url and secret resolved, for the one who sends.

    Raises Unresolved. The result holds secrets: it is never stored, logged or published.
    """
    return msgspec.structs.replace(
        webhook,
        url=resolve(webhook.url, environment),
        secret=resolve(webhook.secret, environment),
    )
