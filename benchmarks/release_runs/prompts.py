"""The prompt of these measurements: a kilobyte with three variables."""

from typing import Final

VARIABLES: Final = {"product": "lamp", "person": "Ada Lovelace", "day": "2026-11-23"}
RULE: Final = "Answer in two sentences at most, and cite the handbook where it helps. "
TEMPLATE: Final = (
    "You are the assistant of Acme's help desk for the {{ product }}. Today is {{ day }}, and you "
    "are speaking with {{ person }}.\n" + RULE * 12 + "Never promise a refund.\n"
)
FILE: Final = "---\nvariables: {product: string, person: string, day: string}\n---\n" + TEMPLATE
QUESTION: Final = "The quick brown fox jumps over the lazy dog. " * 5


def rendered(**values: str) -> str:
    text = TEMPLATE
    for name, value in {**VARIABLES, **values}.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    return text.rstrip("\n")
