"""One message through a door, with the SDK that speaks it: whole or streamed."""

from dataclasses import dataclass
from typing import Any, Protocol

import anthropic
import openai
from tests.acceptance.house import Running


@dataclass(frozen=True)
class Said:
    """What the application got."""

    text: str
    call: str
    """The call's id."""
    release: str
    headers: dict[str, str]


class Ask(Protocol):
    def __call__(
        self,
        running: Running,
        workload: str,
        text: str = "Hello Portico",
        *,
        key: str = "",
        system: str = "",
        **options: object,
    ) -> Said: ...


def openai_client(running: Running, key: str = "") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{running.url}/v1", api_key=key or running.key, max_retries=0)


def anthropic_client(running: Running, key: str = "") -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=running.url, api_key=key or running.key, max_retries=0)


def openai_whole(
    running: Running,
    workload: str,
    text: str = "Hello Portico",
    *,
    key: str = "",
    system: str = "",
    **options: object,
) -> Said:
    """`options` are the `portico` member; a member that is named `call` goes beside it."""
    raw = openai_client(running, key).chat.completions.with_raw_response.create(
        **_openai(workload, text, system, options)
    )
    return _said(raw.parse().choices[0].message.content, dict(raw.headers.items()))


def openai_stream(
    running: Running,
    workload: str,
    text: str = "Hello Portico",
    *,
    key: str = "",
    system: str = "",
    **options: object,
) -> Said:
    events = openai_client(running, key).chat.completions.create(
        **_openai(workload, text, system, options), stream=True
    )
    parts = [part.choices[0].delta.content or "" for part in events if part.choices]
    return _said("".join(parts), dict(events.response.headers.items()))


def anthropic_whole(
    running: Running,
    workload: str,
    text: str = "Hello Portico",
    *,
    key: str = "",
    system: str = "",
    **options: object,
) -> Said:
    raw = anthropic_client(running, key).messages.with_raw_response.create(
        **_anthropic(workload, text, system, options)
    )
    return _said(raw.parse().content[0].text, dict(raw.headers.items()))


def anthropic_stream(
    running: Running,
    workload: str,
    text: str = "Hello Portico",
    *,
    key: str = "",
    system: str = "",
    **options: object,
) -> Said:
    body = _anthropic(workload, text, system, options)
    with anthropic_client(running, key).messages.stream(**body) as events:
        answer = "".join(events.text_stream)
        return _said(answer, dict(events.response.headers.items()))


OPENAI: dict[str, Ask] = {"openai whole": openai_whole, "openai streamed": openai_stream}
ANTHROPIC: dict[str, Ask] = {
    "anthropic whole": anthropic_whole,
    "anthropic streamed": anthropic_stream,
}
DOORS: dict[str, Ask] = {**OPENAI, **ANTHROPIC}


def _openai(workload: str, text: str, system: str, options: dict[str, object]) -> dict[str, Any]:
    own = [{"role": "system", "content": system}] if system else []
    messages = [*own, {"role": "user", "content": text}]
    return {"model": workload, "messages": messages, "extra_body": _extra(options)}


def _anthropic(workload: str, text: str, system: str, options: dict[str, object]) -> dict[str, Any]:
    own = {"system": system} if system else {}
    messages = [{"role": "user", "content": text}]
    asked = {"model": workload, "max_tokens": 100, "messages": messages}
    return {**asked, **own, "extra_body": _extra(options)}


def _extra(options: dict[str, object]) -> dict[str, object]:
    """Members that the SDK does not know, or does not know any more."""
    beside = options.pop("call", {})
    assert isinstance(beside, dict)
    return {**beside, "portico": options} if options else {**beside}


def _said(text: str | None, headers: dict[str, str]) -> Said:
    named = {name.lower(): value for name, value in headers.items()}
    return Said(text or "", named["x-portico-call"], named["x-portico-release"], named)
