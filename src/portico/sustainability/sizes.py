"""How many parameters a model has: known, or a range.

Sizes that nobody published are ecologits' ranges (https://ecologits.ai, MPL-2.0), read from the
installed package, so that they are as old as its version says.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ecologits.model_repository import Model
    from ecologits.utils.range_value import ValueOrRange

BILLION: Final = 10**9
WRITTEN: Final = "portico.yaml"
PUBLISHERS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google_genai",
}
"""Kind of provider to ecologits' provider."""
MAKERS: Final[Mapping[str, str]] = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "mistral": "mistralai",
    "openai": "openai",
}
"""The maker in a Bedrock model id to ecologits' provider."""
OPEN: Final = "huggingface_hub"
VERSION: Final = re.compile(r"-v[0-9]+(:[0-9]+)*$|:[0-9]+$")
"""What Bedrock adds to a maker's name of a model."""
EXPERTS: Final = re.compile(r"(?<![0-9a-z.])([0-9]{1,3})x([0-9]{1,4}(?:\.[0-9]+)?)b(?![0-9a-z])")
BILLIONS: Final = re.compile(r"(?<![0-9a-z.])([0-9]{1,4}(?:\.[0-9]+)?)b(?![0-9a-z])")
ACTIVE: Final = re.compile(r"(?<![0-9a-z.])a([0-9]{1,3}(?:\.[0-9]+)?)b(?![0-9a-z])")


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters as (low, high)."""

    total: tuple[int, int]
    active: tuple[int, int]
    source: str
    tps: float | None = None
    """Tokens a second and seconds to the first one, where a list of models has them."""
    ttft: float | None = None


def written(parameters: float, active: float | None = None) -> Size:
    """As the project says. Without `active` the model is taken as dense."""
    whole = round(parameters)
    part = whole if active is None else min(round(active), whole)
    return Size(total=(whole, whole), active=(part, part), source=WRITTEN)


def known(kind: str, model_id: str) -> Size | None:
    """Of a provider's model: from ecologits' list, else from its id where that says it."""
    listed = (_published(*key) for key in _keys(kind, model_id))
    return next((size for size in listed if size is not None), None) or named(model_id)


def named(model_id: str) -> Size | None:
    """The size that the id itself says: `llama3-1-70b-instruct`, `qwen3-30b-a3b`, `mixtral-8x7b`.

    Experts share layers, so that NxM is their upper bound; two of them answer at the most here.
    """
    text = model_id.lower()
    if found := EXPERTS.search(text):
        experts, each = int(found[1]), float(found[2])
        total, active = round(experts * each * BILLION), round(2 * each * BILLION)
        return Size(total=(total, total), active=(min(active, total),) * 2, source="its id")
    if not (found := BILLIONS.search(text)):
        return None
    total = round(float(found[1]) * BILLION)
    part = ACTIVE.search(text)
    active = total if part is None else min(total, round(float(part[1]) * BILLION))
    return Size(total=(total, total), active=(active, active), source="its id")


@cache
def edition() -> str:
    """The list that sizes are looked up in, with its version."""
    # imported here: reading the distribution's metadata is only needed with a catalogue
    from importlib.metadata import version

    return f"ecologits {version('ecologits')}"


def _keys(kind: str, model_id: str) -> Iterator[tuple[str, str]]:
    if kind in PUBLISHERS:
        yield PUBLISHERS[kind], model_id
    if kind == "bedrock":
        maker, _, name = model_id.rpartition("/")[2].partition(".")
        if "." in name and maker not in MAKERS:  # a geography stands before the maker
            maker, _, name = name.partition(".")
        model_id = VERSION.sub("", name)
        if maker in MAKERS:
            yield MAKERS[maker], model_id
    yield OPEN, _bare(model_id)


def _bare(model_id: str) -> str:
    """A model's name without whose it is: `Qwen/Qwen3-8B` and `qwen3:8b` are `qwen3-8b`."""
    return model_id.rpartition("/")[2].lower().replace(":", "-")


@cache
def _open() -> Mapping[str, str]:
    """Models with open weights: their bare names to ecologits' names."""
    # imported here: as below
    from ecologits.model_repository import models

    return {_bare(m.name): m.name for m in models.list_models() if m.provider.value == OPEN}


@cache
def _published(provider: str, name: str) -> Size | None:
    # imported here: ecologits' data costs 30 ms, which only a project with real models pays
    from ecologits.model_repository import models

    name = _open().get(name, "") if provider == OPEN else name
    found = models.find_model(provider, name)
    return None if found is None else _size(found)


def _size(model: "Model") -> Size | None:
    # imported here: as above
    from ecologits.model_repository import ParametersMoE

    parameters, deployed = model.architecture.parameters, model.deployment
    if isinstance(parameters, ParametersMoE):
        total, active = parameters.total, parameters.active
    else:
        total = active = parameters
    return Size(
        total=_range(total),
        active=_range(active),
        source=edition(),
        tps=deployed.tps if deployed is not None else None,
        ttft=deployed.ttft if deployed is not None else None,
    )


def _range(value: "ValueOrRange") -> tuple[int, int]:
    """Billions of parameters."""
    if isinstance(value, int | float):
        return round(value * BILLION), round(value * BILLION)
    return round(value.min * BILLION), round(value.max * BILLION)
