"""Keys that are understood but not acted on yet.

The one table: whoever makes a feature active takes its row out.
"""

from collections.abc import Mapping

from portico.control.projects import keys
from portico.control.projects.problems import FILE, dotted
from portico.methods.yaml12 import Data, Document, Path

INACTIVE: Mapping[str, str] = {
    "models.*.quota": "quotas of models are not counted",
    "models.*.region": "regions do not choose an address",
    "workloads.*.trust": "answers are not checked",
    "workloads.*.guards": "nothing is inspected or changed",
    "workloads.*.cache": "every call goes upstream",
    "workloads.*.quota": "calls are not counted against a quota",
    "workloads.*.data_class": "no policy reads it",
    "workloads.*.rollout": "an applied project is live at once",
    "tools": "tool calls pass without a decision",
    "teams.*.quota": "calls are not counted against a quota",
    "lanes.*.concurrent": "lanes share one capacity",
    "lanes.*.queue": "calls do not queue",
    "lanes.*.hedge": "attempts are not hedged",
    "oidc": "only Portico keys are accepted",
    "tls": "serve behind a proxy that ends TLS",
    "encryption": "transcripts are encrypted with the key in the data directory",
    "kpis": "no targets are watched",
    "retention.audit": "the audit trail is kept",
}
PARTLY: Mapping[tuple[str, Data], str] = {
    ("workloads.*.transcripts", "redacted"): "nothing is kept until values can be redacted",
}
"""Keys of which one value has no effect yet."""


def note(document: Document, path: Path, reason: str) -> str:
    line = document.place(path)[0]
    return f"{dotted(path)} ({FILE}:{line}) is understood but not active yet: {reason}"


def warnings(document: Document) -> tuple[str, ...]:
    """A line for each key that has no effect yet, in the order of the file."""
    noted: list[tuple[int, str]] = []
    for wanted, reason in INACTIVE.items():
        pattern = keys.pattern(wanted)
        for path in document.places:
            if keys.matches(pattern, path) and _value(document, path) not in (None, {}, []):
                noted.append((document.place(path)[0], note(document, path, reason)))
    for (wanted, inert), reason in PARTLY.items():
        pattern = keys.pattern(wanted)
        for path in document.places:
            if keys.matches(pattern, path) and _value(document, path) == inert:
                noted.append((document.place(path)[0], note(document, path, reason)))
    return tuple(text for _, text in sorted(noted))


def _value(document: Document, path: Path) -> Data:
    value: Data = document.data
    for step in path:
        value = value.get(str(step)) if isinstance(value, dict) else None
    return value
