"""Log probabilities in Gemini's shape and in OpenAI's, which is the canonical one.

https://ai.google.dev/api/generate-content#LogprobsResult
https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices
"""

from portico.contract.conversation import Json

LEAST = -9999.0
"""What OpenAI writes for a token that is out of sight."""


def read(result: Json) -> Json:
    """A logprobsResult as `{"content": [...], "refusal": null}`; None where there is none."""
    if not isinstance(result, dict):
        return None
    chosen = _list(result.get("chosenCandidates"))
    top = _list(result.get("topCandidates"))
    content: list[Json] = []
    for place, candidate in enumerate(chosen):
        others = top[place] if place < len(top) else None
        found = _list(others.get("candidates")) if isinstance(others, dict) else []
        content.append({**_read(candidate), "top_logprobs": [_read(other) for other in found]})
    return {"content": content, "refusal": None} if content else None


def write(canonical: Json) -> Json:
    """The same as a logprobsResult; None where there is none."""
    content = _list(canonical.get("content")) if isinstance(canonical, dict) else []
    if not content:
        return None
    top: list[Json] = []
    for entry in content:
        others = _list(entry.get("top_logprobs")) if isinstance(entry, dict) else []
        top.append({"candidates": [_write(other) for other in others]})
    return {"chosenCandidates": [_write(entry) for entry in content], "topCandidates": top}


def _read(candidate: Json) -> dict[str, Json]:
    token, value = "", LEAST
    if isinstance(candidate, dict):
        text, number = candidate.get("token"), candidate.get("logProbability", 0.0)
        token = text if isinstance(text, str) else ""
        value = float(number) if isinstance(number, int | float) else LEAST
    return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "replace"))}


def _write(entry: Json) -> dict[str, Json]:
    found = entry if isinstance(entry, dict) else {}
    return {"token": found.get("token") or "", "logProbability": found.get("logprob") or 0.0}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
