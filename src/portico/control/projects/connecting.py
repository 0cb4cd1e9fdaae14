"""`providers:` into the snapshot's providers."""

from collections.abc import Iterator, Mapping

import msgspec

from portico.contract.errors import PorticoError
from portico.contract.snapshot import Network, Provider
from portico.control.projects import bedrock, references
from portico.control.projects.problems import FILE, Problem, problem
from portico.control.projects.schema.providers import Provider as Written
from portico.methods.yaml12 import Document, Path
from portico.providers.address import checked_base, checked_name, checked_value
from portico.providers.simulator import script

ONLY_FOR: Mapping[str, frozenset[str]] = {
    "script": frozenset({"simulator"}),
    "api_version": frozenset({"openai"}),
    "organization": frozenset({"openai"}),
    "profile": frozenset({"bedrock"}),
    "assume_role": frozenset({"bedrock"}),
    "session_tags": frozenset({"bedrock"}),
    "region": frozenset({"bedrock"}),
    "base_url": frozenset({"openai", "anthropic", "bedrock", "gemini"}),
    "api_key": frozenset({"openai", "anthropic", "bedrock", "gemini"}),
}
"""Keys that mean something to some kinds only."""
AUTH_HEADERS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key"})
KEYED = frozenset({"openai", "anthropic", "gemini"})
"""Kinds whose own address takes no call without a key."""


def connected(name: str, written: Written, files: Mapping[str, str]) -> Provider:
    """A provider as the gateway gets it; secrets stay references."""
    defaults = Network()
    timeouts = written.timeouts
    return Provider(
        name=name,
        kind=written.kind,
        base_url=written.base_url,
        api_key=written.api_key,
        api_version=written.api_version,
        organization=written.organization,
        region=written.region,
        profile=written.profile,
        assume_role=written.assume_role,
        session_tags=tuple(sorted(written.session_tags.items())),
        headers=tuple(sorted(written.headers.items())),
        script=files.get(written.script, "") if written.script else "",
        network=Network(
            ca_file=written.ca_file,
            proxy=written.proxy,
            allow_private=bool(written.base_url),
            connect_s=timeouts.connect or defaults.connect_s,
            first_byte_s=timeouts.first_byte or defaults.first_byte_s,
            between_chunks_s=timeouts.between_chunks or defaults.between_chunks_s,
            max_response_bytes=written.max_response or defaults.max_response_bytes,
        ),
    )


def problems(document: Document, name: str, written: Written, provider: Provider) -> list[Problem]:
    """What keeps a provider from being reached, found without reaching for it."""
    here = ("providers", name)
    found = [
        problem(document, (*here, *path), message, hint)
        for path, message, hint in (*_misplaced(written), *_unsafe(written))
    ]
    if written.kind == "bedrock":
        found += [
            problem(document, (*here, *path), message, hint)
            for path, message, hint in bedrock.problems(written, provider)
        ]
    if written.kind in KEYED and not written.base_url and not _has_key(written):
        variable = f"${{{written.kind.upper()}_API_KEY}}"
        hint = f'write api_key: "{variable}"'
        found.append(problem(document, here, "the key api_key is missing", hint))
    if provider.script:
        try:
            script.load(provider.script)
        except PorticoError as error:
            found.append(
                Problem(file=written.script, line=1, column=1, path="", message=error.message)
            )
    return found


def _has_key(written: Written) -> bool:
    return bool(written.api_key or AUTH_HEADERS & {name.lower() for name in written.headers})


def _misplaced(written: Written) -> Iterator[tuple[Path, str, str]]:
    for key, kinds in ONLY_FOR.items():
        if getattr(written, key) and written.kind not in kinds:
            yield (key,), f"means nothing to the kind {written.kind}", f"it is for {_either(kinds)}"


def _either(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))


def _unsafe(written: Written) -> Iterator[tuple[Path, str, str]]:
    if written.base_url:
        try:
            checked_base(written.base_url)
        except ValueError as error:
            yield ("base_url",), str(error), ""
    for name, value in written.headers.items():
        try:
            checked_name(name)
            checked_value(f"the header {name}", value)
        except ValueError as error:
            yield ("headers", name), str(error), ""


def literal_secrets(document: Document, name: str, written: Written) -> Iterator[str]:
    """A warning for a key that stands in the file itself."""
    key = written.api_key
    if key and not references.is_reference(key):
        line = document.place(("providers", name, "api_key"))[0]
        yield (
            f"providers.{name}.api_key ({FILE}:{line}) is written out; keep secrets out of"
            " git and name an environment variable, as in ${OPENAI_API_KEY}"
        )


def without_secrets(provider: Provider) -> Provider:
    """What of a provider may go into a digest."""
    return msgspec.structs.replace(
        provider,
        api_key=provider.api_key if references.is_reference(provider.api_key) else "",
        headers=tuple(
            (name, value if references.is_reference(value) else "")
            for name, value in provider.headers
        ),
        network=msgspec.structs.replace(provider.network, proxy=""),
    )
