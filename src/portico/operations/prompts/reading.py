"""A prompt's file into its version: everything that is wrong with it at once, with its place."""

import posixpath
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from portico.contract.prompt import PromptVersion
from portico.methods import credentials
from portico.methods.hashing import content_hash
from portico.methods.nearest import nearest
from portico.operations.prompts import turns
from portico.operations.prompts.checking import refused, undeclared
from portico.operations.prompts.faults import Fault
from portico.operations.prompts.language import Language
from portico.operations.prompts.matter import Matter
from portico.operations.prompts.sources import (
    MAX_BYTES,
    MAX_FAULTS,
    Parsed,
    Source,
    parse,
    split,
    too_long,
    unclosed,
)
from portico.operations.prompts.template import build

FENCE: Final = turns.fence("reading")
"""Nothing is rendered here, so that nobody has to be kept from guessing it."""


class Reading(msgspec.Struct, frozen=True):
    """A file as it was read: a version, or faults."""

    prompt: PromptVersion | None
    faults: tuple[Fault, ...] = ()


def read_prompt(path: str, files: Mapping[str, str]) -> Reading:
    """Reads the prompt at `path` of a project. `files`: the project's texts by relative path."""
    text = files.get(path)
    if text is None:
        near = nearest(path, files)
        hint = f"did you mean {near[0]}?" if near else ""
        return Reading(None, (Fault(path, 0, 0, f"there is no file {path}", hint),))
    if len(text) > MAX_BYTES:
        return Reading(None, (too_long(path, len(text.encode(errors="replace"))),))
    try:
        text.encode()
        head, below, first = split(text)
    except UnicodeEncodeError:
        return Reading(None, (Fault(path, 0, 0, "the file is not valid UTF-8 text"),))
    except ValueError:
        return Reading(None, (unclosed(path),))
    return _read(path, head, Source(path, below, first), files)


def identify(prompt: PromptVersion) -> PromptVersion:
    """The version with its name: the hash of all that it says. Fields that are not set do not
    count, so that a later Portico with more of them gives the same name."""
    bare = msgspec.structs.replace(prompt, version="", first_line=1)
    return msgspec.structs.replace(prompt, version=f"ver_{content_hash(bare, 16)}")


def _read(path: str, head: str | None, main: Source, files: Mapping[str, str]) -> Reading:
    stem = posixpath.basename(path).rpartition(".")[0]
    matter = Matter(path, stem, head)
    language = Language()
    parsed = parse(main, files, FENCE, language)
    faults = [*matter.faults, *parsed.faults]
    faults += refused(parsed, FENCE, language)
    if matter.variables is not None and matter.variables.closed:
        faults += islice(undeclared(parsed, matter.variables.names), MAX_FAULTS)
    faults += islice(_secrets(head or "", matter, parsed), MAX_FAULTS)
    if not faults:
        _, faults = build(language, parsed, matter.fields.get("untrusted", ()), FENCE)
    if faults:
        return Reading(None, tuple(sorted(set(faults), key=_order)))
    includes = tuple(sorted((s.path, s.text) for s in parsed.sources.values() if s is not main))
    prompt = PromptVersion(
        template=main.text, first_line=main.first_line, includes=includes, **matter.fields
    )
    return Reading(identify(prompt))


def _order(fault: Fault) -> tuple[str, int, int, str]:
    return fault.file, fault.line, fault.column, fault.message


def _secrets(head: str, matter: Matter, parsed: Parsed) -> Iterator[Fault]:
    main = next(iter(parsed.sources.values()))
    found = list(islice(_in(Source(main.path, head, 2)), MAX_FAULTS))
    yield from found
    if not found:
        for text, line, column in matter.texts():
            for secret in credentials.find(text):
                yield _secret(main.path, line, column, secret.kind)
    for source in parsed.sources.values():
        yield from _in(source)


def _in(source: Source) -> Iterator[Fault]:
    for secret in credentials.find(source.text):
        line = source.text.count("\n", 0, secret.start)
        column = secret.start - source.text.rfind("\n", 0, secret.start)
        yield _secret(source.path, line + source.first_line, column, secret.kind)


def _secret(path: str, line: int, column: int, kind: str) -> Fault:
    article = "an" if kind[0] in "AO" else "a"
    message = f"here stands what looks like {article} {kind}; a prompt must not hold secrets"
    return Fault(path, line, column, message, "remove it, and have its issuer revoke it")
