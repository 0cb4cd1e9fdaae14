"""Providers that the environment names, for a project that names none."""

from collections.abc import Mapping

import msgspec

from portico.contract.snapshot import Network, Provider
from portico.control.projects.problems import Problem
from portico.providers.address import checked_base

SMALL: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-5-mini", "gpt-5.4-mini", "gpt-4.1-mini"),
    "anthropic": ("claude-haiku-4-5", "claude-haiku-5-5"),
    "simulator": ("echo",),
}
"""Models for the workload `default` by kind of provider: the first that the catalogue knows."""
HOSTED: Mapping[str, tuple[str, str]] = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
}
UNREACHED: Mapping[str, tuple[str, ...]] = {
    "Gemini": ("GEMINI_API_KEY",),
    "AWS Bedrock": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
}


class Discovered(msgspec.Struct, frozen=True):
    providers: tuple[Provider, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def discover(environment: Mapping[str, str]) -> Discovered:
    """Providers for the keys found; the simulator where there are none."""
    providers: list[Provider] = []
    warnings: list[str] = []
    problems: list[Problem] = []
    for kind, (key, base) in HOSTED.items():
        if not environment.get(key):
            continue
        address = environment.get(base, "")
        providers.append(
            Provider(
                name=kind,
                kind="openai" if kind == "openai" else "anthropic",
                api_key=f"${{{key}}}",
                base_url=address,
                network=Network(allow_private=bool(address)),
            )
        )
        if address:
            problems += _unsafe(base, address)
            warnings.append(
                f"{base} sends the calls of provider {kind} to another address;"
                f" they are charged at the published prices of {kind}"
            )
    for service, variables in UNREACHED.items():
        found = next((name for name in variables if environment.get(name)), None)
        if found is not None:
            warnings.append(f"{found} is set, but {service} is not active yet")
    if not providers:
        providers.append(Provider(name="sim", kind="simulator"))
        warnings.append(
            "no provider is configured and neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set:"
            " the simulator answers"
        )
    return Discovered(tuple(providers), tuple(warnings), tuple(problems))


def _unsafe(variable: str, address: str) -> list[Problem]:
    try:
        checked_base(address)
    except ValueError as error:
        return [Problem(file="environment", line=0, column=0, path=variable, message=str(error))]
    return []
