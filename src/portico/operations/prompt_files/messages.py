"""Chat messages of other tools as the turns of a prompt."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from portico.contract.conversation import Json
from portico.operations.prompt_files.imported import variable
from portico.operations.prompt_files.writing import Role, literal

ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
}
Turns = tuple[tuple[Role, str], ...]
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}\s][^{}\n]{0,100}?)\s*\}\}")


def mustache(text: str, variables: dict[str, Json], notes: list[str]) -> str:
    """Text with `{{name}}` placeholders as Jinja; everything else stands for itself.

    Fills `variables`; a name that a template cannot have is changed, and noted.
    """
    parts: list[str] = []
    place = 0
    for found in _PLACEHOLDER.finditer(text):
        name = variable(found[1])
        if name is None:
            continue
        if name != found[1]:
            note(notes, f"the variable {found[1]} is now called {name}")
        variables.setdefault(name, {"type": "string"})
        parts += (literal(text[place : found.start()]), f"{{{{ {name} }}}}")
        place = found.end()
    parts.append(literal(text[place:]))
    return "".join(parts)


def ordered(turns: Sequence[tuple[Role, str]], notes: list[str]) -> Turns:
    """The turns with one system text, at the beginning."""
    system = [text for role, text in turns if role == "system" and text.strip()]
    rest = [(role, text) for role, text in turns if role != "system" and text.strip()]
    roles = [role for role, text in turns if text.strip()]
    if "system" in roles[len(system) :]:
        note(notes, "a system message that came later was moved to the system text at the top")
    head: Turns = (("system", "\n\n".join(system)),) if system else ()
    return (*head, *rest)


def kept_space(text: str, start: int, end: int) -> tuple[str, str]:
    """The signs (`+` or none) with which a statement at this place keeps the white space around
    it: our templates drop the line break after one, and the blanks before it on its line."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    return "+" if before and before.isspace() else "", "+" if text[end : end + 1] == "\n" else ""


def content_text(content: Json, where: str, notes: list[str]) -> str:
    """A message's content: text, or parts of which only text comes along."""
    if isinstance(content, str):
        return content
    texts: list[str] = []
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            texts.append(text)
        else:
            note(notes, f"{where}: a part that is not text was not carried over")
    return "\n".join(texts)


def note(notes: list[str], text: str) -> None:
    """Adds a note once, and only so many."""
    if text not in notes and len(notes) < 200:
        notes.append(text)
