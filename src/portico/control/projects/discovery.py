"""Providers that the environment names, for a project that names none."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from portico.contract.snapshot import Network, Provider
from portico.control.projects import bedrock
from portico.control.projects.problems import Problem
from portico.providers.address import checked_base

SMALL: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-5-mini", "gpt-5.4-mini", "gpt-4.1-mini"),
    "anthropic": ("claude-haiku-4-5", "claude-haiku-5-5"),
    "bedrock": bedrock.SMALL,
    "gemini": ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-2.5-flash-lite"),
    "simulator": ("echo",),
}
"""Models for the workload `default` by kind of provider: the first that the catalogue knows."""
HOSTED: Mapping[Literal["openai", "anthropic", "gemini"], tuple[tuple[str, ...], str]] = {
    "openai": (("OPENAI_API_KEY",), "OPENAI_BASE_URL"),
    "anthropic": (("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL"),
    "gemini": (("GEMINI_API_KEY", "GOOGLE_API_KEY"), "GOOGLE_GEMINI_BASE_URL"),
}
"""By kind: the variables that may hold its key, the first that is set, and that of its address."""


class Discovered(msgspec.Struct, frozen=True):
    providers: tuple[Provider, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def discover(environment: Mapping[str, str]) -> Discovered:
    """Providers for the keys found; the simulator where there are none."""
    providers: list[Provider] = []
    warnings: list[str] = []
    problems: list[Problem] = []
    for kind, (keys, base) in HOSTED.items():
        key = next((name for name in keys if environment.get(name)), None)
        if key is None:
            continue
        address = environment.get(base, "")
        providers.append(
            Provider(
                name=kind,
                kind=kind,
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
    aws, warning = bedrock.discovered(environment)
    if aws is not None:
        providers.append(aws)
        problems += _unsafe(bedrock.ENDPOINT, aws.base_url) if aws.base_url else []
    warnings += [warning] if warning else []
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
