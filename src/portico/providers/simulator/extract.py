"""The model `extract`: the sentences of a conversation that match its last question best.

Words weigh as in Robertson and Sparck Jones (1976): the fewer sentences hold a word, the more
it says. No learning, no state: equal conversations give equal answers.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from portico.contract.conversation import Conversation, Part, Text, ToolCall, ToolResult, Turn
from portico.providers.simulator.transcript import part_text, result_text

MAX_SENTENCES = 3
"""Sentences of an answer."""
MAX_CANDIDATES = 5000
"""Sentences that are looked at: the latest ones."""
NOTHING_FOUND = "Nothing in the conversation answers this."

_BORDER = re.compile(r"(?<=[.!?…])\s+|\n+|(?<=[。！？])")  # noqa: RUF001 - full-width stops end sentences too
_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a an and any are as at be been but by can could did do does for from had has have he her
        his how i if in into is it its me my no not of on or our she should so than that the
        their them then there these they this to us was we were what when where which who whom
        whose why will with would you your
        """,
    )
)


def extract(conversation: Conversation) -> str:
    """At most `MAX_SENTENCES` sentences of the system, tool and earlier turns, in their order."""
    at = _asking(conversation.turns)
    asked = set(words(_said(conversation.turns[at]))) if at >= 0 else set()
    sentences = _candidates(conversation.turns, at)
    views = [set(words(sentence)) for sentence in sentences]
    spread = Counter(word for view in views for word in view & asked)
    weights = {
        word: math.log(1 + (len(views) - held + 0.5) / (held + 0.5))
        for word, held in spread.items()
    }
    scores = [_score(view & asked, len(view), weights) for view in views]
    best = max(scores, default=0.0)
    if best <= 0:
        return NOTHING_FOUND
    ranked = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    taken = [place for place in ranked[:MAX_SENTENCES] if scores[place] >= best / 2]
    return " ".join(sentences[place] for place in sorted(taken))


def words(text: str) -> list[str]:
    """Words that carry meaning, case folded, a plural's last s cut off."""
    found = [word for word in _WORD.findall(text.casefold()) if word not in _COMMON]
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found]


def _score(shared: set[str], length: int, weights: dict[str, float]) -> float:
    # Sorted, so that sums of floats do not depend on the order of a set.
    return sum(weights[word] for word in sorted(shared)) / math.sqrt(length + 1)


def _asking(turns: Sequence[Turn]) -> int:
    """Where the last user turn with words is; -1 if there is none."""
    found = (
        at
        for at, turn in enumerate(turns)
        if turn.role == "user" and any(isinstance(part, Text) for part in turn.parts)
    )
    return max(found, default=-1)


def _said(turn: Turn) -> str:
    return "\n".join(part.text for part in turn.parts if isinstance(part, Text))


def _candidates(turns: Sequence[Turn], asking: int) -> list[str]:
    """Sentences of everything but the question, each once, in order."""
    sources = [
        _source(part)
        for at, turn in enumerate(turns)
        for part in turn.parts
        if at != asking or not isinstance(part, Text)
    ]
    return _split(sources)


def _source(part: Part) -> str:
    """What a part tells. A tool call asks; only its result tells."""
    if isinstance(part, ToolCall):
        return ""
    return result_text(part) if isinstance(part, ToolResult) else part_text(part)


def _split(sources: Sequence[str]) -> list[str]:
    pieces = (piece.strip() for source in sources for piece in _BORDER.split(source))
    return list(dict.fromkeys(piece for piece in pieces if piece))[-MAX_CANDIDATES:]
