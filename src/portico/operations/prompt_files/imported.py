"""What an importer yields, and what the importers share: reading, names, variables."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.methods.yaml12 import Unreadable, read
from portico.operations.prompts.language import TAKEN
from portico.operations.prompts.settings import MAX_STOPS, NUMBERS

MAX_BYTES: Final = 8 * 1024 * 1024
"""Of a file that is imported."""
MAX_PROMPT: Final = 1024 * 1024
"""Characters of one prompt in it."""
MAX_PROMPTS: Final = 1000
MAX_NAME: Final = 64
_VARIABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

PARAMETERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("max_tokens", "max_output_tokens", "maxOutputTokens"), "max_output_tokens"),
    **dict.fromkeys(("max_completion_tokens", "maxTokens"), "max_output_tokens"),
    "temperature": "temperature",
    **dict.fromkeys(("top_p", "topP"), "top_p"),
    **dict.fromkeys(("top_k", "topK"), "top_k"),
    **dict.fromkeys(("frequency_penalty", "frequencyPenalty"), "frequency_penalty"),
    **dict.fromkeys(("presence_penalty", "presencePenalty"), "presence_penalty"),
    "seed": "seed",
    **dict.fromkeys(("stop", "stop_sequences", "stopSequences"), "stop"),
}
"""What others call our parameters."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt file to write, what did not come along, and the files of its suite if it has one:
    pairs of path and text. Paths are relative to the project directory."""

    name: str
    path: str
    text: str
    notes: tuple[str, ...] = ()
    suite: tuple[tuple[str, str], ...] = ()


def prompt_path(name: str) -> str:
    return f"prompts/{name}.md"


def fitted(name: str, otherwise: str = "prompt") -> str:
    """A name as prompts have them: lower-case letters, digits and hyphens, a letter first."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name[: MAX_NAME * 4])
    plain = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    if not plain:
        return otherwise
    return plain[:MAX_NAME].strip("-") if plain[0].isalpha() else f"p-{plain}"[:MAX_NAME].strip("-")


def told_apart(names: Iterable[str]) -> tuple[str, ...]:
    """The names, later ones of the same name with a number."""
    taken: set[str] = set()
    made: list[str] = []
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        taken.add(free)
        made.append(free)
    return tuple(made)


def variable(name: str) -> str | None:
    """A name that a template can use, or None where there is none like it."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name.strip()).strip("_")
    if not _VARIABLE.fullmatch(plain):
        plain = f"v_{plain}" if plain else ""
    if not plain or len(plain) > MAX_NAME:
        return None
    return f"{plain}_value" if plain in TAKEN else plain


def json_of(text: str, what: str) -> Json:
    """JSON of a bounded size. `what` names the file in messages."""
    size(text, what)
    try:
        value: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(
            f"{what} is not valid JSON{_place(str(error))}; export it again"
        ) from error
    return value


def yaml_of(text: str, what: str) -> dict[str, Json]:
    """A YAML mapping of a bounded size and depth."""
    size(text, what)
    try:
        return dict(read(text).data)
    except Unreadable as error:
        line, column = error.place
        hint = f" ({error.hint})" if error.hint else ""
        raise InvalidRequest(
            f"{what}, line {line}, column {column}: {error.message}{hint}"
        ) from error


def size(text: str, what: str, most: int = MAX_BYTES) -> None:
    if len(text) > most:
        raise InvalidRequest(
            f"{what} has {len(text)} characters; the most is {most}: import it in parts"
        )


def parameters(config: Mapping[str, Json], notes: list[str]) -> dict[str, Json]:
    """The parameters that Portico has; the rest of `config` becomes notes."""
    found: dict[str, Json] = {}
    for key, value in config.items():
        ours = PARAMETERS.get(key)
        if ours == "stop" and isinstance(value, str):
            value = [value]  # noqa: PLW2901 - one stop sequence may stand alone
        if ours is None:
            notes.append(
                f"config.{_short(key)} was not carried over: Portico has no such parameter"
            )
        elif not _fits(ours, value):
            notes.append(f"config.{key} was not carried over: it is no {ours} that Portico takes")
        else:
            found[ours] = value
    return found


def _fits(parameter: str, value: Json) -> bool:
    if parameter == "stop":
        if not isinstance(value, list) or not 0 < len(value) <= MAX_STOPS:
            return False
        return all(isinstance(each, str) and each for each in value)
    return not NUMBERS[parameter].refuses(value)


def _short(text: str) -> str:
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"


def _place(message: str) -> str:
    """Where JSON broke, without a word of its content."""
    found = re.search(r"byte (\d+)", message)
    return f" (at byte {found[1]})" if found else ""
